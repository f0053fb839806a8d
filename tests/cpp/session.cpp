/* Level 1 against the emulator: signing in, requests, header values, refusals. */
#include "emulator.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace {

using namespace std::chrono_literals;

void an_account_with_totp_signs_in_by_itself_and_sends_what_it_is_given()
{
    plextrac::config config = mfa_account();
    config.totp_secret(env("PLEXTRAC_TOTP_SECRET"));
    const auto session = OK(plextrac::session::create(config));
    CHECK(session.state() == plextrac::state::signed_out && !session.expires_in());
    OK(session.login());
    CHECK(session.state() == plextrac::state::active);
    CHECK(*session.expires_in() > 10min && *session.expires_in() <= 15min);
    CHECK(session.tenant_id());

    plextrac::request request("POST", "/api/v1/echo/finding");
    request.json(R"({"title":"C++"})").header("X-Trace", "7");
    for (int time = 0; time < 2; ++time) {
        const auto response = OK(session.send(request));
        CHECK(response.status() == 200);
        CHECK(response.body() == R"({"title":"C++"})");
        CHECK(response.header("x-echo-method") == "POST");
        CHECK(response.header("X-Echo-METHOD") == "POST");
        CHECK(!response.header("x-no-such-header"));
        std::size_t lines = 0;
        for (const auto [name, value] : response.headers())
            lines += !name.empty() && value.data() != nullptr;
        CHECK(lines == response.headers().size() && lines >= 2);
    }
    request.body("application/octet-stream", std::string_view("a\0b", 3));
    CHECK(OK(session.send(request)).status() == 200);
    CHECK(seen(session, "sign_in", "challenge") == 1 && seen(session, "mfa", "ok") == 1);
    CHECK(seen(session, "echo", "ok") == 3);
}

void the_header_value_is_the_same_by_either_way_and_a_401_replaces_it()
{
    const auto session = OK(plextrac::session::create(plain_account()));
    const auto first = OK(session.authorization());
    CHECK(first.c_str() == first.view().data() && first.view().size() > 20);

    std::string room(16, '\0');
    std::size_t length = 0;
    FAILS(buffer_too_small, session.copy_authorization(room.data(), room.size(), length));
    room.resize(length);
    OK(session.copy_authorization(room.data(), room.size(), length));
    CHECK(room == first.view());

    CHECK(OK(session.report_unauthorized(first.view())));
    const auto second = OK(session.authorization());
    CHECK(second.view() != first.view());
    CHECK(!OK(session.report_unauthorized(second.view())));
    OK(session.refresh());
    CHECK(OK(session.authorization()).c_handle() != nullptr);
    OK(session.logout());
    CHECK(session.state() == plextrac::state::signed_out);
}

void a_request_that_was_refused_is_not_sent()
{
    const auto session = OK(plextrac::session::create(plain_account()));
    OK(session.login());
    const auto before = seen(session, "echo", "ok");
    plextrac::request request("POST", "/api/v1/echo");
    request.header("Authorization", "mine").json("{}");
    FAILS(invalid_argument, session.send(request));
    FAILS(invalid_argument, session.send(plextrac::request("GET", "https://elsewhere.example/")));
    CHECK(seen(session, "echo", "ok") == before);
}

void a_time_limit_is_for_the_calls_of_one_handle()
{
    std::optional<plextrac::session> session = OK(plextrac::session::create(plain_account()));
    OK(session->login());
    FAILS(invalid_argument, session->with_timeout(0ms));
    const auto hasty = OK(session->with_timeout(100ms));
    plextrac::request stall("POST", "/_emulator/fault");
    stall.json(R"({"on":"api","times":1,"do":"stall"})");
    CHECK(OK(session->send(stall)).status() == 200);
    FAILS(timeout, hasty.send(plextrac::request("GET", "/api/v2/whoami")));
    const auto patient = OK(session->with_timeout(std::chrono::milliseconds::max()));
    session.reset();
    CHECK(OK(patient.send(plextrac::request("GET", "/api/v2/whoami"))).status() == 200);
}

void settings_and_secrets_are_there_for_a_program_with_its_own_http()
{
    plextrac::config config("Acme.Example/pt/");
    CHECK(config.base_url() == "https://acme.example/pt");
    config.password("u", "p").user_agent("report-bot/2.0");
    const auto elsewhere = OK(plextrac::session::create(config));
    CHECK(elsewhere.base_url() == "https://acme.example/pt");
    const plextrac::config refused("ftp://x.example");
    CHECK(refused.base_url().empty());
    FAILS(invalid_argument, plextrac::config("x.example").user_agent("a\r\nb").check());
    FAILS(invalid_argument, plextrac::config("x.example").client_certificate("not PEM", "not PEM").check());
    const auto session = OK(plextrac::session::create(plain_account()));
    const auto cookie = OK(session.cookie());
    CHECK(cookie.view().size() > 20);
}

void an_answer_over_the_limit_is_refused()
{
    plextrac::config config = plain_account();
    config.response_limit(4);
    const auto session = OK(plextrac::session::create(config));
    plextrac::request request("PUT", "/api/v1/echo");
    request.json("1234");
    OK(session.send(request));
    request.json("12345");
    FAILS(too_large, session.send(request));
}

void what_was_given_wrongly_is_named()
{
    const plextrac::config no_port("https://x.example:99999");
    CHECK(FAILS(invalid_argument, no_port.check()).message().find("from 1 to 65535") != std::string_view::npos);
    const auto session = OK(plextrac::session::create(mfa_account()));
    const auto error = FAILS(wrong_state, session.submit_mfa("123456"));
    CHECK(error.message().find("sign in first") != std::string_view::npos);
}

void rejected_credentials_are_told_once_and_remembered()
{
    plextrac::config config = plain_account();
    config.password("nobody@example.com", "wrong");
    const auto session = OK(plextrac::session::create(config));
    const auto error = FAILS(rejected, session.login());
    CHECK(error.http_status() && !error.is_retryable());
    FAILS(rejected, session.login());
    CHECK(session.state() == plextrac::state::latched);
    OK(session.forget_rejection());
}

}  // namespace

int main()
{
    an_account_with_totp_signs_in_by_itself_and_sends_what_it_is_given();
    the_header_value_is_the_same_by_either_way_and_a_401_replaces_it();
    a_request_that_was_refused_is_not_sent();
    a_time_limit_is_for_the_calls_of_one_handle();
    settings_and_secrets_are_there_for_a_program_with_its_own_http();
    an_answer_over_the_limit_is_refused();
    what_was_given_wrongly_is_named();
    rejected_credentials_are_told_once_and_remembered();
}

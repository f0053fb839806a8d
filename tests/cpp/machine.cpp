/* Level 2 with answers from here: every function of machines and actions, on a clock of the test's own. */
#include "check.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using plextrac::action_kind;

const std::string_view CHALLENGE = R"({"status":"success","mfa_enabled":true,"code":"challenge"})";
const std::string_view TOKENS =
    R"({"status":"success","tenant_id":0,"token":"aaaa.bbbb.cccc","cookie":"eeee.ffff.gggg"})";

/* Stands still until a test moves it. */
plextrac::moment now{plextrac::monotonic_clock::time_point(1h), std::chrono::system_clock::now()};

plextrac::config account()
{
    plextrac::config config("https://acme.example");
    config.password("me@acme.example", "correct horse");
    return config;
}

/* Polls to the end: what is to be sent, if anything, else what the drain ended with. */
plextrac::action drained(plextrac::machine &machine)
{
    std::optional<plextrac::action> to_send;
    for (;;) {
        auto action = OK(machine.poll(now));
        if (action.kind() == action_kind::send)
            to_send = std::move(action);
        else if (action.ends_drain())
            return to_send ? *std::move(to_send) : std::move(action);
    }
}

void a_machine_says_what_to_send_and_takes_headers_of_any_kind()
{
    plextrac::config config = account();
    config.mfa_callback([](auto, const auto &) { return false; }).header("X-Gateway", "open sesame");
    auto machine = OK(plextrac::machine::create(config, now));
    FAILS(not_ready, machine.authorization(now));
    CHECK(!machine.expires_in(now));

    OK(machine.want_token(now));
    FAILS(must_drain, machine.want_token(now));
    const auto login = drained(machine);
    CHECK(login.method() == "POST" && login.url() == "https://acme.example/api/v1/authenticate");
    CHECK(login.body().find("correct horse") != std::string_view::npos);
    CHECK(login.deadline() == now.monotonic + 30s);
    CHECK(!login.error() && login.reason().empty());
    std::map<std::string, std::string> headers;
    for (const auto [name, value] : login.headers())
        headers.emplace(name, value);
    CHECK(headers.size() == login.headers().size() && headers.count("X-Gateway") + headers.count("x-gateway") == 1);

    FAILS(stale, machine.handle_failure(login.request_id() + 1, plextrac::failure_kind::timeout, now));
    OK(machine.handle_response(login.request_id(), 200, {{"Content-Type", "application/json"}}, CHALLENGE, now));
    const auto question = drained(machine);
    CHECK(question.kind() == action_kind::need_mfa && question.deadline() > now.monotonic);

    OK(machine.submit_mfa("123456", now));
    const auto mfa = drained(machine);
    CHECK(mfa.body().find("123456") != std::string_view::npos);
    const std::map<std::string, std::string> answer = {{"content-type", "application/json"}};
    OK(machine.handle_response(mfa.request_id(), 200, answer, TOKENS, now));
    drained(machine);

    CHECK(OK(machine.authorization(now)).c_handle() != nullptr);
    const auto value = OK(machine.authorization(now));
    CHECK(value.view().find("aaaa.bbbb.cccc") != std::string_view::npos);
    const auto cookie = OK(machine.cookie());
    CHECK(cookie.view() == "eeee.ffff.gggg");
    CHECK(machine.expires_in(now) > 10min && machine.expires_in(now) <= 15min);

    CHECK(OK(machine.report_unauthorized(value.view(), now)));
    drained(machine);
    CHECK(!machine.authorization(now));
}

void a_failure_is_told_with_its_error_and_the_wait_with_its_end()
{
    auto machine = OK(plextrac::machine::create(account(), now));
    OK(machine.want_token(now));
    OK(machine.handle_failure(drained(machine).request_id(), plextrac::failure_kind::connect, now));
    std::optional<plextrac::error> error;
    for (;;) {
        const auto action = OK(machine.poll(now));
        if (action.kind() == action_kind::failed) {
            error = action.error();
            CHECK(!action.reason().empty());
        }
        if (action.ends_drain())
            break;
    }
    CHECK(error && error->code() == plextrac::status::network && error->is_retryable());
    CHECK(error->retry_after() && *error->retry_after() > 0ms);
}

void callers_are_woken_by_their_ids()
{
    plextrac::config config = account();
    config.mfa_callback([](auto, const auto &) { return false; });
    auto machine = OK(plextrac::machine::create(config, now));
    const std::uint64_t first = OK(machine.need_token(30s, 0s, now));
    const auto login = drained(machine);
    const std::uint64_t second = OK(machine.need_token(30s, 0s, now));
    drained(machine);
    const std::uint64_t gone = OK(machine.need_token(30s, 0s, now));
    drained(machine);
    OK(machine.leave(gone, now));
    drained(machine);
    FAILS(stale, machine.leave(gone, now));
    OK(machine.handle_response(login.request_id(), 200, {}, CHALLENGE, now));
    CHECK(drained(machine).mfa_attempt() == 1);
    OK(machine.decline_mfa(now));
    std::vector<std::uint64_t> woken;
    for (;;) {
        const auto action = OK(machine.poll(now));
        if (action.kind() == action_kind::wake) {
            CHECK(action.error() && action.error()->code() == plextrac::status::mfa_required);
            woken.push_back(action.caller());
        }
        if (action.ends_drain())
            break;
    }
    CHECK((woken == std::vector<std::uint64_t>{first, second}));
}

void machines_with_one_budget_spend_it_together()
{
    FAILS(invalid_argument, plextrac::budget::create(1));
    std::optional<plextrac::budget> budget = OK(plextrac::budget::create(2));
    plextrac::config config = account();
    config.budget(*budget);
    budget.reset();
    int sent = 0;
    std::optional<plextrac::action> last;
    for (int count = 0; count < 3; ++count) {
        auto machine = OK(plextrac::machine::create(config, now));
        OK(machine.want_token(now));
        last = drained(machine);
        sent += last->kind() == action_kind::send;
    }
    CHECK(sent < 3 && last->kind() == action_kind::wait);
    CHECK(last->deadline() > now.monotonic && !last->reason().empty());
}

}  // namespace

int main()
{
    a_machine_says_what_to_send_and_takes_headers_of_any_kind();
    a_failure_is_told_with_its_error_and_the_wait_with_its_end();
    callers_are_woken_by_their_ids();
    machines_with_one_budget_spend_it_together();
}

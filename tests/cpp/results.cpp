/* Results, errors and ownership: the same spelling whichever class is behind them, and nothing thrown unasked. */
#include "check.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace {

using namespace std::chrono_literals;
using plextrac::result;

static_assert(std::is_nothrow_copy_constructible_v<plextrac::error>);
static_assert(std::is_nothrow_move_constructible_v<plextrac::session>);
static_assert(!std::is_copy_constructible_v<plextrac::session>);
static_assert(!std::is_copy_constructible_v<plextrac::secret>);
static_assert(!std::is_copy_constructible_v<plextrac::config>);
static_assert(!std::is_copy_constructible_v<plextrac::action>);
#if PLEXTRAC_HAS_EXCEPTIONS
static_assert(std::is_nothrow_copy_constructible_v<plextrac::exception>);
#endif

template <class Owner, class = void>
struct shows_text_of_a_temporary : std::false_type {};
template <class Owner>
struct shows_text_of_a_temporary<Owner, std::void_t<decltype(std::declval<Owner>().view())>> : std::true_type {};
static_assert(!shows_text_of_a_temporary<plextrac::secret>::value);
static_assert(shows_text_of_a_temporary<const plextrac::secret &>::value, "control");

result<int> half_of(int number)
{
    if (number % 2 != 0)
        return plextrac::failure(plextrac::error(plextrac::status::invalid_argument));
    return number / 2;
}

result<void> must_be_even(int number)
{
    if (auto half = half_of(number); !half)
        return plextrac::failure(half.error());
    return {};
}

void a_result_holds_the_value_or_the_error()
{
    const result<int> good = half_of(4);
    CHECK(good && good.has_value() && *good == 2 && good.value() == 2 && good.value_or(7) == 2);
    const result<int> bad = half_of(3);
    CHECK(!bad && !bad.has_value() && bad.value_or(7) == 7);
    CHECK(bad.error().code() == plextrac::status::invalid_argument);
    CHECK(must_be_even(2) && !must_be_even(1));
    CHECK(must_be_even(1).error().code() == plextrac::status::invalid_argument);

    result<std::string> text = std::string("abc");
    CHECK(text->size() == 3);
    const std::string taken = *std::move(text);
    CHECK(taken == "abc");
}

void an_error_without_detail_says_its_name()
{
    const plextrac::error error(plextrac::status::must_wait);
    CHECK(error.message() == "MUST_WAIT");
    CHECK(!error.http_status() && !error.retry_after() && !error.is_retryable());
    CHECK(plextrac::status_name(static_cast<plextrac::status>(12345)) == "UNKNOWN");
}

void an_error_outlives_the_call_and_its_copies_share_what_it_says()
{
    std::optional<plextrac::error> copy;
    std::string said;
    {
        const auto error = FAILS(invalid_argument, plextrac::config("ftp://acme.example").check());
        said = error.message();
        copy = error;
        CHECK(copy->message().data() == error.message().data());
    }
    CHECK(said.size() > 20 && copy->message() == said);
    CHECK(copy->message().data() == said);
}

void the_first_setting_that_is_refused_is_the_error_of_what_is_made()
{
    plextrac::config config("acme.plextrac.com");
    OK(config.check());
    config.password("me", "secret").totp_secret("not base32!").timeout(0ms);
    const auto first = FAILS(invalid_argument, config.check());
    const auto session = FAILS(invalid_argument, plextrac::session::create(config));
    const auto machine = FAILS(invalid_argument, plextrac::machine::create(config, plextrac::moment::now()));
    CHECK(session.message() == first.message() && machine.message() == first.message());

    plextrac::config other("acme.plextrac.com");
    other.timeout(-1s);
    const auto second = FAILS(invalid_argument, other.check());
    CHECK(second.message() != first.message());
}

void an_empty_function_is_refused_and_not_called_later()
{
    plextrac::config config("acme.plextrac.com");
    config.mfa_callback(nullptr);
    FAILS(invalid_argument, config.check());
    plextrac::config other("acme.plextrac.com");
    other.log_callback(plextrac::log_level::info, plextrac::log_function());
    FAILS(invalid_argument, other.check());
}

void what_was_moved_from_says_so()
{
    plextrac::config config("acme.plextrac.com");
    config.password("me", "secret");
    auto session = OK(plextrac::session::create(config));
    const plextrac::session moved = std::move(session);
    FAILS(invalid_argument, session.login());
    CHECK(!session.expires_in() && !session.tenant_id());
    CHECK(moved.state() == plextrac::state::signed_out);

    const plextrac::config taken = std::move(config);
    FAILS(invalid_argument, plextrac::session::create(config));
    OK(plextrac::session::create(taken));
}

void a_callback_is_freed_with_the_last_that_has_it_also_when_it_was_refused()
{
    auto alive = std::make_shared<int>(0);
    {
        plextrac::config config("acme.plextrac.com");
        config.password("me", "secret").mfa_callback([alive](auto, const auto &) { return false; });
        CHECK(alive.use_count() == 2);
        {
            const auto session = OK(plextrac::session::create(config));
            config.mfa_callback([](auto, const auto &) { return false; });
            CHECK(alive.use_count() == 2);
        }
        CHECK(alive.use_count() == 1);
        config.log_callback(static_cast<plextrac::log_level>(99), [alive](auto, auto, auto) {});
        FAILS(invalid_argument, config.check());
        CHECK(alive.use_count() == 1);
        config.log_callback(plextrac::log_level::info, [alive](auto, auto, auto) {});
        CHECK(alive.use_count() == 1);
    }
    CHECK(alive.use_count() == 1);
}

void values_are_thrown_only_where_that_was_asked_for()
{
#if PLEXTRAC_HAS_EXCEPTIONS
    CHECK(value_or_throw(half_of(4)) == 2);
    value_or_throw(must_be_even(4));
    int thrown = 0;
    try {
        value_or_throw(must_be_even(3));
    } catch (const plextrac::exception &exception) {
        CHECK(exception.why().code() == plextrac::status::invalid_argument);
        CHECK(exception.what() == std::string("INVALID_ARGUMENT"));
        ++thrown;
    }
    try {
        value_or_throw(half_of(3));
    } catch (const std::exception &) {
        ++thrown;
    }
    try {
        half_of(3).value();
    } catch (const std::exception &) {
        ++thrown;
    }
    CHECK(thrown == 3);
#endif
}

void times_cross_the_border_in_milliseconds()
{
    const auto moment = plextrac::moment::now();
    CHECK(moment.monotonic.time_since_epoch() > 0ms);
    CHECK(moment.wall > std::chrono::system_clock::time_point(std::chrono::hours(24) * 365 * 50));
    const plextrac::moment made{plextrac::monotonic_clock::time_point(5s), std::chrono::system_clock::time_point(7s)};
    CHECK(made.c_time().monotonic_ms == 5000 && made.c_time().unix_ms == 7000);
    CHECK(plextrac::monotonic_clock::now() >= moment.monotonic);
}

void the_library_is_the_one_these_headers_belong_to()
{
    CHECK(plextrac::version_number() == PLEXTRAC_VERSION_NUMBER);
    CHECK(plextrac::abi_version() == PLEXTRAC_ABI_VERSION);
    CHECK(plextrac::version().size() >= 5);
}

}  // namespace

int main()
{
    a_result_holds_the_value_or_the_error();
    an_error_without_detail_says_its_name();
    an_error_outlives_the_call_and_its_copies_share_what_it_says();
    the_first_setting_that_is_refused_is_the_error_of_what_is_made();
    an_empty_function_is_refused_and_not_called_later();
    what_was_moved_from_says_so();
    a_callback_is_freed_with_the_last_that_has_it_also_when_it_was_refused();
    values_are_thrown_only_where_that_was_asked_for();
    times_cross_the_border_in_milliseconds();
    the_library_is_the_one_these_headers_belong_to();
}

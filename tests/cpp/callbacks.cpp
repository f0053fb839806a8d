/* What a program is asked and told, and what becomes of an exception that leaves it. */
#include "emulator.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

namespace {

void a_callback_may_give_up_throw_or_be_asked_in_its_absence()
{
    std::atomic<int> asked{0};
    plextrac::config config = mfa_account();
    config.mfa_callback([&asked](std::uint32_t attempt, const plextrac::mfa_reply &reply) {
        CHECK(attempt == 1);
        CHECK(!reply.set_code("12345"));
        ++asked;
        return false;
    });
    const auto gives_up = OK(plextrac::session::create(config));
    const auto outcome = gives_up.login();
    CHECK(!outcome && asked == 1);

#if PLEXTRAC_HAS_EXCEPTIONS
    config.mfa_callback([&asked](std::uint32_t, const plextrac::mfa_reply &) -> bool {
        ++asked;
        throw std::string("not an exception of anybody's");
    });
    const auto throws = OK(plextrac::session::create(config));
    const auto thrown = throws.login();
    CHECK(!thrown && asked == 2);
    CHECK(thrown.error().code() == outcome.error().code());
#endif

    const auto alone = OK(plextrac::session::create(mfa_account()));
    FAILS(mfa_required, alone.login());
    CHECK(alone.state() == plextrac::state::mfa_needed);
    FAILS(invalid_argument, alone.submit_mfa("six"));
    CHECK(alone.state() == plextrac::state::mfa_needed);
}

void what_happens_is_told_and_a_listener_that_throws_harms_nobody()
{
    std::mutex mutex;
    std::vector<std::string> lines;
    plextrac::config config = plain_account();
    config.log_callback(plextrac::log_level::debug, [&](plextrac::log_level level, auto target, auto message) {
        const std::lock_guard<std::mutex> guard(mutex);
        CHECK(level >= plextrac::log_level::error && target == "plextrac");
        lines.emplace_back(message);
#if PLEXTRAC_HAS_EXCEPTIONS
        throw 1;
#endif
    });
    {
        const auto session = OK(plextrac::session::create(config));
        OK(session.login());
        OK(session.refresh());
    }
    const std::lock_guard<std::mutex> guard(mutex);
    CHECK(lines.size() >= 2);
}

}  // namespace

int main()
{
    a_callback_may_give_up_throw_or_be_asked_in_its_absence();
    what_happens_is_told_and_a_listener_that_throws_harms_nobody();
}

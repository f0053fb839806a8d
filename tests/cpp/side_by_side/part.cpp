/* Half of a program, compiled without exceptions and without std::expected. */
#include "part.hpp"

#include <plextrac.hpp>

static_assert(!PLEXTRAC_HAS_EXCEPTIONS && !PLEXTRAC_HAS_STD_EXPECTED);

int codes_seen_by_the_part()
{
    plextrac::config config("acme.plextrac.com");
    config.password("me", "secret").log_callback(plextrac::log_level::info, [](auto, auto, auto) {});
    const auto session = plextrac::session::create(config);
    const auto refused = plextrac::session::create(plextrac::config("ftp://acme.example"));
    return session && !refused ? static_cast<int>(refused.error().code()) : 0;
}

/* The other half, compiled with both where the compiler has them. Inline functions of one half must not stand in for
 * those of the other. */
#include "../check.hpp"
#include "part.hpp"

static_assert(PLEXTRAC_HAS_EXCEPTIONS);

int main()
{
    plextrac::config config("acme.plextrac.com");
    config.password("me", "secret").log_callback(plextrac::log_level::info, [](auto, auto, auto) {});
    OK(plextrac::session::create(config));
    const auto refused = FAILS(invalid_argument, plextrac::session::create(plextrac::config("ftp://acme.example")));
    CHECK(codes_seen_by_the_part() == static_cast<int>(refused.code()));
}

/**
 * @file moment.hpp
 * The time of two clocks, for machines, which read no clock.
 */
#ifndef PLEXTRAC_MOMENT_HPP
#define PLEXTRAC_MOMENT_HPP

#include <plextrac/handle.hpp>

#include <chrono>
#include <cstdint>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/**
 * A standard clock that never goes back and continues while the computer sleeps. std::steady_clock may stop then. A
 * condition variable or a thread can wait until one of its times.
 */
struct monotonic_clock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<monotonic_clock>;
    static constexpr bool is_steady = true;

    static time_point now() noexcept
    {
        return time_point(detail::milliseconds(::plextrac_time_now().monotonic_ms));
    }
};

/** Both clocks at one moment. A program with its own clocks, or a test, fills it in itself. */
struct moment {
    /** Measures lives and waits. */
    monotonic_clock::time_point monotonic;
    /** May be wrong: it is compared with the server's clock. Selects the one-time code. */
    std::chrono::system_clock::time_point wall;

    static moment now() noexcept
    {
        const ::plextrac_time time = ::plextrac_time_now();
        return {monotonic_clock::time_point(detail::milliseconds(time.monotonic_ms)),
                std::chrono::system_clock::time_point(std::chrono::milliseconds(time.unix_ms))};
    }

    /** The same moment as C functions take it. */
    ::plextrac_time c_time() const noexcept
    {
        const auto since_1970 = std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch());
        return {detail::count(monotonic.time_since_epoch()), since_1970.count()};
    }
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_MOMENT_HPP */

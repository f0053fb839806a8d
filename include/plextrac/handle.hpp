/**
 * @file handle.hpp
 * The boundary to C: ownership of handles, and conversion of texts and times. Not for programs.
 */
#ifndef PLEXTRAC_HANDLE_HPP
#define PLEXTRAC_HANDLE_HPP

#include <plextrac/variant.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {
namespace detail {

template <auto Free>
struct freed_by {
    template <class Handle>
    void operator()(Handle *handle) const noexcept
    {
        Free(handle);
    }
};

template <class Handle, auto Free>
using owned = std::unique_ptr<Handle, freed_by<Free>>;

inline std::string_view view(::plextrac_str text) noexcept
{
    return text.data ? std::string_view(text.data, text.len) : std::string_view();
}

inline std::chrono::milliseconds milliseconds(std::uint64_t count) noexcept
{
    using rep = std::chrono::milliseconds::rep;
    const auto most = static_cast<std::uint64_t>(std::numeric_limits<rep>::max());
    return std::chrono::milliseconds(static_cast<rep>(count < most ? count : most));
}

/** A negative duration counts as 0. */
inline std::uint64_t count(std::chrono::milliseconds time) noexcept
{
    return time.count() > 0 ? static_cast<std::uint64_t>(time.count()) : 0;
}

}  // namespace detail
}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_HANDLE_HPP */

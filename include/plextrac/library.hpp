/**
 * @file library.hpp
 * The version of the loaded library.
 */
#ifndef PLEXTRAC_LIBRARY_HPP
#define PLEXTRAC_LIBRARY_HPP

#include <plextrac/handle.hpp>

#include <cstdint>
#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** Such as "1.2.3"; valid for ever. */
inline std::string_view version() noexcept
{
    return detail::view(::plextrac_version());
}

/** MMmmpp; compare it with PLEXTRAC_VERSION_NUMBER, which these headers belong to. */
inline std::uint32_t version_number() noexcept
{
    return ::plextrac_version_number();
}

/** Programs built with another PLEXTRAC_ABI_VERSION do not work. */
inline std::uint32_t abi_version() noexcept
{
    return ::plextrac_abi_version();
}

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_LIBRARY_HPP */

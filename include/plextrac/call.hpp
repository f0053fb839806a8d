/**
 * @file call.hpp
 * One call of a C function, and its outcome as a result. Not for programs.
 */
#ifndef PLEXTRAC_CALL_HPP
#define PLEXTRAC_CALL_HPP

#include <plextrac/result.hpp>

#include <cstdint>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {
namespace detail {

/** For functions that only succeed or fail: the call is given the place for its error. */
template <class Call>
result<void> outcome(Call &&call)
{
    ::plextrac_error *err = nullptr;
    const std::int32_t code = call(&err);
    if (code != PLEXTRAC_OK)
        return failure(error(static_cast<status>(code), err));
    return {};
}

/** For functions that make a handle: the call is given the places for it and for its error. */
template <class Made, class Handle, class Call>
result<Made> made(Call &&call)
{
    Handle *handle = nullptr;
    ::plextrac_error *err = nullptr;
    const std::int32_t code = call(&handle, &err);
    if (code != PLEXTRAC_OK)
        return failure(error(static_cast<status>(code), err));
    return Made(handle);
}

}  // namespace detail
}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_CALL_HPP */

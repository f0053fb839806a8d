/**
 * @file result.hpp
 * What a call returns: a value, or the error that took its place.
 *
 * With a standard library that has std::expected this is it, and otherwise a class of the same spelling, as far as
 * it goes here. A program that must have one type in all its modes defines PLEXTRAC_OWN_EXPECTED to 1 everywhere.
 */
#ifndef PLEXTRAC_RESULT_HPP
#define PLEXTRAC_RESULT_HPP

#include <plextrac/error.hpp>

#if PLEXTRAC_HAS_STD_EXPECTED
#include <expected>
#else
#include <plextrac/own_expected.hpp>
#endif

#if PLEXTRAC_HAS_EXCEPTIONS
#include <plextrac/exception.hpp>
#endif

#include <utility>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

#if PLEXTRAC_HAS_STD_EXPECTED
template <class T>
using result = std::expected<T, error>;

/** How a function of your own returns an error as a result. */
using failure = std::unexpected<error>;
#else
template <class T>
using result = own_expected<T>;

/** How a function of your own returns an error as a result. */
using failure = own_unexpected;
#endif

#if PLEXTRAC_HAS_EXCEPTIONS
/**
 * The value, or the error thrown as a plextrac::exception. This is how a program asks for exceptions:
 *
 *     auto session = value_or_throw(plextrac::session::create(config));
 */
template <class T>
T value_or_throw(result<T> &&outcome)
{
    if (!outcome.has_value())
        throw exception(std::move(outcome.error()));
    return std::move(*outcome);
}

inline void value_or_throw(result<void> &&outcome)
{
    if (!outcome.has_value())
        throw exception(std::move(outcome.error()));
}
#endif

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_RESULT_HPP */

/**
 * @file exception.hpp
 * An error that is thrown, for programs that ask for it with value_or_throw.
 */
#ifndef PLEXTRAC_EXCEPTION_HPP
#define PLEXTRAC_EXCEPTION_HPP

#include <plextrac/error.hpp>

#include <exception>
#include <utility>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

class exception : public std::exception {
public:
    explicit exception(error why) noexcept : why_(std::move(why)) {}

    const char *what() const noexcept override { return why_.message().data(); }

    const error &why() const noexcept { return why_; }

private:
    error why_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_EXCEPTION_HPP */

/**
 * @file own_expected.hpp
 * std::expected for compilers that have none: the part of it that results need.
 *
 * Looking at the value of a result that has none, or at the error of one that has none, is a mistake in the program;
 * it ends the program instead of reading what is not there.
 */
#ifndef PLEXTRAC_OWN_EXPECTED_HPP
#define PLEXTRAC_OWN_EXPECTED_HPP

#include <plextrac/error.hpp>
#if PLEXTRAC_HAS_EXCEPTIONS
#include <plextrac/exception.hpp>
#endif

#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** An error on its way into a result. */
class own_unexpected {
public:
    explicit own_unexpected(plextrac::error why) noexcept : error_(std::move(why)) {}

    const plextrac::error &error() const & noexcept { return error_; }
    plextrac::error &&error() && noexcept { return std::move(error_); }

private:
    plextrac::error error_;
};

template <class T>
class own_expected {
public:
    using value_type = T;
    using error_type = plextrac::error;
    using unexpected_type = own_unexpected;

    own_expected(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    own_expected(own_unexpected why) noexcept : held_(std::in_place_index<1>, std::move(why).error()) {}

    bool has_value() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    const T &operator*() const & noexcept { return *existing(std::get_if<0>(&held_)); }
    T &operator*() & noexcept { return *existing(std::get_if<0>(&held_)); }
    T &&operator*() && noexcept { return std::move(**this); }
    const T *operator->() const noexcept { return existing(std::get_if<0>(&held_)); }
    T *operator->() noexcept { return existing(std::get_if<0>(&held_)); }

    const plextrac::error &error() const & noexcept { return *existing(std::get_if<1>(&held_)); }
    plextrac::error &error() & noexcept { return *existing(std::get_if<1>(&held_)); }
    plextrac::error &&error() && noexcept { return std::move(error()); }

    /** The value; without one throws plextrac::exception, or ends the program where there are no exceptions. */
    const T &value() const & { return demand(), **this; }
    T &value() & { return demand(), **this; }
    T &&value() && { return demand(), std::move(**this); }

    template <class Other>
    T value_or(Other &&other) &&
    {
        return has_value() ? std::move(**this) : static_cast<T>(std::forward<Other>(other));
    }

    template <class Other>
    T value_or(Other &&other) const &
    {
        return has_value() ? **this : static_cast<T>(std::forward<Other>(other));
    }

private:
    template <class Part>
    static Part *existing(Part *part) noexcept
    {
        if (!part)
            std::abort();
        return part;
    }

    void demand() const
    {
#if PLEXTRAC_HAS_EXCEPTIONS
        if (!has_value())
            throw exception(error());
#endif
    }

    std::variant<T, plextrac::error> held_;
};

template <>
class own_expected<void> {
public:
    using value_type = void;
    using error_type = plextrac::error;
    using unexpected_type = own_unexpected;

    own_expected() noexcept = default;
    own_expected(own_unexpected why) noexcept : error_(std::move(why).error()) {}

    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }

    void operator*() const noexcept {}

    const plextrac::error &error() const & noexcept { return existing(); }
    plextrac::error &error() & noexcept { return existing(), *error_; }
    plextrac::error &&error() && noexcept { return existing(), std::move(*error_); }

    /** Nothing; without success throws plextrac::exception, or ends the program where there are no exceptions. */
    void value() const
    {
        if (has_value())
            return;
#if PLEXTRAC_HAS_EXCEPTIONS
        throw exception(*error_);
#else
        std::abort();
#endif
    }

private:
    const plextrac::error &existing() const noexcept
    {
        if (!error_)
            std::abort();
        return *error_;
    }

    std::optional<plextrac::error> error_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_OWN_EXPECTED_HPP */

/**
 * @file settings.hpp
 * A handle that is filled step by step, and remembers the first step that was refused. Not for programs.
 */
#ifndef PLEXTRAC_SETTINGS_HPP
#define PLEXTRAC_SETTINGS_HPP

#include <plextrac/call.hpp>

#include <optional>
#include <utility>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {
namespace detail {

/** What configurations and requests have in common. */
template <class Handle, auto Free>
class settings {
public:
    /** Nothing, or the error of the first setting that was refused. */
    [[nodiscard]] result<void> check() const
    {
        if (refused_)
            return failure(*refused_);
        return {};
    }

    Handle *c_handle() const noexcept { return handle_.get(); }

protected:
    template <class Call>
    void make(Call &&call)
    {
        Handle *handle = nullptr;
        keep(outcome([&](::plextrac_error **err) { return call(&handle, err); }));
        handle_.reset(handle);
    }

    /** After a refusal the rest is skipped: nothing of it is used any more. */
    template <class Call>
    bool set(Call &&call)
    {
        if (refused_)
            return false;
        keep(outcome([&](::plextrac_error **err) { return call(handle_.get(), err); }));
        return !refused_;
    }

private:
    void keep(result<void> outcome)
    {
        if (!outcome)
            refused_ = std::move(outcome).error();
    }

    owned<Handle, Free> handle_;
    std::optional<error> refused_;
};

}  // namespace detail
}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_SETTINGS_HPP */

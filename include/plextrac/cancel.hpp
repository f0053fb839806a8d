/**
 * @file cancel.hpp
 * Cancels blocked calls.
 */
#ifndef PLEXTRAC_CANCEL_HPP
#define PLEXTRAC_CANCEL_HPP

#include <plextrac/call.hpp>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/**
 * Ends current and later calls that use it with status::cancelled. It must outlive them. In C++20 it can follow a
 * std::stop_token:
 *
 *     std::stop_callback follow(token, [&cancel] { cancel.trigger(); });
 */
class cancel {
public:
    [[nodiscard]] static result<cancel> create()
    {
        return detail::made<cancel, ::plextrac_cancel>(::plextrac_cancel_new);
    }

    /** Takes ownership of a handle from a C function. */
    explicit cancel(::plextrac_cancel *handle) noexcept : handle_(handle) {}

    /** Threads: any. Not in a signal handler. */
    void trigger() const noexcept { ::plextrac_cancel_trigger(handle_.get()); }

    ::plextrac_cancel *c_handle() const noexcept { return handle_.get(); }

private:
    detail::owned<::plextrac_cancel, ::plextrac_cancel_free> handle_;
};

namespace detail {

inline const ::plextrac_cancel *handle_of(const cancel *cancel) noexcept
{
    return cancel ? cancel->c_handle() : nullptr;
}

}  // namespace detail
}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_CANCEL_HPP */

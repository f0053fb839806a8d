/**
 * @file cancel.hpp
 * Getting blocked calls to return.
 */
#ifndef PLEXTRAC_CANCEL_HPP
#define PLEXTRAC_CANCEL_HPP

#include <plextrac/call.hpp>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/**
 * Ends the calls that were given it, those that are blocked and those to come, with status::cancelled. It must outlive
 * them. With C++20 it follows a std::stop_token so:
 *
 *     std::stop_callback follow(token, [&cancel] { cancel.trigger(); });
 */
class cancel {
public:
    [[nodiscard]] static result<cancel> create()
    {
        return detail::made<cancel, ::plextrac_cancel>(::plextrac_cancel_new);
    }

    /** Takes over a handle that a C function made. */
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

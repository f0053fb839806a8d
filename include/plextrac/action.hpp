/**
 * @file action.hpp
 * One output of a machine: something to do, or a report.
 */
#ifndef PLEXTRAC_ACTION_HPP
#define PLEXTRAC_ACTION_HPP

#include <plextrac/error.hpp>
#include <plextrac/header_lines.hpp>
#include <plextrac/moment.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

enum class action_kind : std::int32_t {
    /** Nothing to do until the next input. The last of a drain. */
    idle = PLEXTRAC_ACTION_IDLE,
    /** Send this request now. Pass its answer or its failure to the machine under its id. */
    send = PLEXTRAC_ACTION_SEND,
    /** Pass a one-time code. The last of a drain. */
    need_mfa = PLEXTRAC_ACTION_NEED_MFA,
    /** Nothing to do until the deadline or the next input. The last of a drain. */
    wait = PLEXTRAC_ACTION_WAIT,
    signed_in = PLEXTRAC_ACTION_SIGNED_IN,
    token_replaced = PLEXTRAC_ACTION_TOKEN_REPLACED,
    /** The token has expired. The next want signs in. */
    signed_out = PLEXTRAC_ACTION_SIGNED_OUT,
    /** The want ended without a new token. There may still be a usable one. */
    failed = PLEXTRAC_ACTION_FAILED,
    /** The call of a caller from machine::need_token is complete. Without an error there is a usable token. */
    wake = PLEXTRAC_ACTION_WAKE,
};

/** It owns its data and may outlive its machine. Its destructor wipes it, because it may hold the password. */
class action {
public:
    using headers_type = header_lines<::plextrac_action, ::plextrac_action_header_count, ::plextrac_action_header>;

    /** Takes ownership of a handle from a C function. */
    explicit action(::plextrac_action *handle) noexcept : handle_(handle) {}

    action_kind kind() const noexcept { return static_cast<action_kind>(::plextrac_action_kind(handle_.get())); }

    /** Whether a drain ends here: idle, wait or need_mfa. */
    bool ends_drain() const noexcept
    {
        const auto found = kind();
        return found == action_kind::idle || found == action_kind::wait || found == action_kind::need_mfa;
    }

    /** The reason of wait and failed, and of wake with an error. */
    std::string_view reason() const & noexcept { return detail::view(::plextrac_action_reason(handle_.get())); }
    std::string_view reason() && = delete;

    /** The error of failed, and of wake if the caller gets no token. */
    std::optional<plextrac::error> error() const
    {
        ::plextrac_error *detail = nullptr;
        const auto code = static_cast<status>(::plextrac_action_error(handle_.get(), &detail));
        if (code == status::ok)
            return std::nullopt;
        return plextrac::error(code, detail);
    }

    /** Of wake: the id of the caller. */
    std::uint64_t caller() const noexcept { return ::plextrac_action_caller(handle_.get()); }

    /** Of need_mfa: 1 at first, 2 after a wrong code. There is no third. */
    std::uint32_t mfa_attempt() const noexcept { return ::plextrac_action_mfa_attempt(handle_.get()); }

    /** Of send: the id to hand the answer in under. */
    std::uint64_t request_id() const noexcept { return ::plextrac_action_request_id(handle_.get()); }

    /** Of send, as are the following. */
    std::string_view method() const & noexcept { return detail::view(::plextrac_action_method(handle_.get())); }
    std::string_view method() && = delete;

    /** Absolute. Follow no redirect. */
    std::string_view url() const & noexcept { return detail::view(::plextrac_action_url(handle_.get())); }
    std::string_view url() && = delete;

    /** Empty for a refresh. */
    std::string_view body() const & noexcept { return detail::view(::plextrac_action_body(handle_.get())); }
    std::string_view body() && = delete;

    /** Your HTTP stack adds `Host` and `Content-Length`, and nothing else is needed. */
    headers_type headers() const & noexcept { return headers_type(handle_.get()); }
    headers_type headers() && = delete;

    /** Of send: the latest at which an answer is of use; of wait: when to go on; of need_mfa: the end of it. */
    std::optional<monotonic_clock::time_point> deadline() const noexcept
    {
        std::uint64_t found = 0;
        if (!::plextrac_action_deadline_ms(handle_.get(), &found))
            return std::nullopt;
        return monotonic_clock::time_point(detail::milliseconds(found));
    }

    ::plextrac_action *c_handle() const noexcept { return handle_.get(); }

private:
    detail::owned<::plextrac_action, ::plextrac_action_free> handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_ACTION_HPP */

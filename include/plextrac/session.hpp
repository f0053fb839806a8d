/**
 * @file session.hpp
 * Level 1: one account on one instance, for all threads of the program.
 */
#ifndef PLEXTRAC_SESSION_HPP
#define PLEXTRAC_SESSION_HPP

#include <plextrac/cancel.hpp>
#include <plextrac/config.hpp>
#include <plextrac/request.hpp>
#include <plextrac/response.hpp>
#include <plextrac/secret.hpp>
#include <plextrac/stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** The state of a session. It is active or refreshing exactly while a token is usable. */
enum class state : std::int32_t {
    signed_out = PLEXTRAC_STATE_SIGNED_OUT,
    signing_in = PLEXTRAC_STATE_SIGNING_IN,
    mfa_needed = PLEXTRAC_STATE_MFA_NEEDED,
    active = PLEXTRAC_STATE_ACTIVE,
    refreshing = PLEXTRAC_STATE_REFRESHING,
    waiting = PLEXTRAC_STATE_WAITING,
    latched = PLEXTRAC_STATE_LATCHED,
    closed = PLEXTRAC_STATE_CLOSED,
};

/**
 * Signs in when a token is needed, and refreshes the token while it is used.
 *
 * Threads: every function may be called from many threads at once. No call may be active when the session is moved or
 * destroyed; close() ends all calls. The function of the same name in plextrac.h describes what blocks, and the errors
 * of each call.
 */
class session {
public:
    /** Nothing is sent until a token is needed. Errors: also those that the configuration remembered. */
    [[nodiscard]] static result<session> create(const config &config)
    {
        if (auto refused = config.check(); !refused)
            return failure(std::move(refused).error());
        return detail::made<session, ::plextrac_session>([&](::plextrac_session **out, ::plextrac_error **err) {
            return ::plextrac_session_new(config.c_handle(), out, err);
        });
    }

    /** Takes ownership of a handle from a C function. */
    explicit session(::plextrac_session *handle) noexcept : handle_(handle) {}

    /** Another handle of the same session, whose calls have their own time limit. */
    [[nodiscard]] result<session> with_timeout(std::chrono::milliseconds limit) const
    {
        return detail::made<session, ::plextrac_session>([&](::plextrac_session **out, ::plextrac_error **err) {
            return ::plextrac_session_with_timeout_ms(handle_.get(), detail::count(limit), out, err);
        });
    }

    /** The base URL of the instance, without a final slash. The path of a request follows it. */
    std::string_view base_url() const & noexcept { return detail::view(::plextrac_session_base_url(handle_.get())); }
    std::string_view base_url() && = delete;

    /** Signs in if there is no usable token. Errors: status::mfa_required: call submit_mfa. */
    [[nodiscard]] result<void> login(const cancel *cancel = nullptr) const
    {
        return ask([&](auto *self, auto **err) {
            return ::plextrac_session_login(self, detail::handle_of(cancel), err);
        });
    }

    /** Sends a one-time code after status::mfa_required, and waits for the token. */
    [[nodiscard]] result<void> submit_mfa(std::string_view code, const cancel *cancel = nullptr) const
    {
        return ask([&](auto *self, auto **err) {
            return ::plextrac_session_submit_mfa(self, code.data(), code.size(), detail::handle_of(cancel), err);
        });
    }

    /** The value for the `Authorization` header of your own request. */
    [[nodiscard]] result<secret> authorization(const cancel *cancel = nullptr) const
    {
        return detail::made<secret, ::plextrac_secret>([&](::plextrac_secret **out, ::plextrac_error **err) {
            return ::plextrac_session_authorization(handle_.get(), detail::handle_of(cancel), out, err);
        });
    }

    /**
     * Copies the same value into `room`, without an allocation. A NUL follows it. `length` is set to its length, and
     * with status::buffer_too_small to the required length (the NUL needs one more).
     */
    [[nodiscard]] result<void> copy_authorization(char *room, std::size_t capacity, std::size_t &length,
                                    const cancel *cancel = nullptr) const
    {
        return ask([&](auto *self, auto **err) {
            return ::plextrac_session_copy_authorization(self, room, capacity, &length, detail::handle_of(cancel), err);
        });
    }

    /** The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` needs instead of `Authorization`. */
    [[nodiscard]] result<secret> cookie(const cancel *cancel = nullptr) const
    {
        return detail::made<secret, ::plextrac_secret>([&](::plextrac_secret **out, ::plextrac_error **err) {
            return ::plextrac_session_cookie(handle_.get(), detail::handle_of(cancel), out, err);
        });
    }

    /**
     * Reports that your own request with this `Authorization` was answered with 401. Returns whether another attempt
     * with a new authorization can help. If not, the 401 is the answer.
     */
    result<bool> report_unauthorized(std::string_view rejected) const
    {
        bool retry = false;
        auto reported = ask([&](auto *self, auto **err) {
            return ::plextrac_session_report_unauthorized_retry(self, rejected.data(), rejected.size(), &retry, err);
        });
        if (!reported)
            return failure(std::move(reported).error());
        return retry;
    }

    /** Gets a new token now, even if the current one is live. */
    [[nodiscard]] result<void> refresh(const cancel *cancel = nullptr) const
    {
        return ask([&](auto *self, auto **err) {
            return ::plextrac_session_refresh(self, detail::handle_of(cancel), err);
        });
    }

    /** Sends a request with the session's token. Errors: also those that the request remembered. */
    [[nodiscard]] result<response> send(const request &request, const cancel *cancel = nullptr) const
    {
        if (auto refused = request.check(); !refused)
            return failure(std::move(refused).error());
        return detail::made<response, ::plextrac_response>([&](::plextrac_response **out, ::plextrac_error **err) {
            return ::plextrac_session_request(handle_.get(), request.c_handle(), detail::handle_of(cancel), out, err);
        });
    }

    /** Like send, but passes the body of a 2xx answer to `write` in parts. The response then has no body. */
    [[nodiscard]] result<response> download(const request &request, const write_function &write,
                                            const cancel *cancel = nullptr) const
    {
        if (auto refused = request.check(); !refused)
            return failure(std::move(refused).error());
        const ::plextrac_write_fn writes = write ? detail::write_part : nullptr;
        return detail::made<response, ::plextrac_response>([&](::plextrac_response **out, ::plextrac_error **err) {
            return ::plextrac_session_download(handle_.get(), request.c_handle(), writes,
                                               const_cast<write_function *>(&write), detail::handle_of(cancel), out,
                                               err);
        });
    }

    /** Like send, but returns when the status and the headers have arrived. `cancel` applies to the whole stream. */
    [[nodiscard]] result<plextrac::stream> stream(const request &request, const cancel *cancel = nullptr) const
    {
        if (auto refused = request.check(); !refused)
            return failure(std::move(refused).error());
        return detail::made<plextrac::stream, ::plextrac_stream>(
            [&](::plextrac_stream **out, ::plextrac_error **err) {
                return ::plextrac_session_stream(handle_.get(), request.c_handle(), detail::handle_of(cancel), out,
                                                 err);
            });
    }

    plextrac::state state() const noexcept
    {
        return static_cast<plextrac::state>(::plextrac_session_state(handle_.get()));
    }

    /** How long the token lives. Empty if there is no usable token. */
    std::optional<std::chrono::milliseconds> expires_in() const noexcept
    {
        std::uint64_t found = 0;
        if (!::plextrac_session_expires_in_ms(handle_.get(), &found))
            return std::nullopt;
        return detail::milliseconds(found);
    }

    /** The tenant of the current token, if the server named one. 0 is a tenant. */
    std::optional<std::int64_t> tenant_id() const noexcept
    {
        std::int64_t found = 0;
        if (!::plextrac_session_tenant_id(handle_.get(), &found))
            return std::nullopt;
        return found;
    }

    /** Allows rejected credentials to be sent again. Repeated failures lock accounts. */
    result<void> forget_rejection() const { return ask(::plextrac_session_forget_rejection); }

    /** Ends the session. Every current and every later call returns status::closed. */
    result<void> close() const { return ask(::plextrac_session_close); }

    /** Forgets the token, which itself lives on to its end. */
    result<void> logout() const { return ask(::plextrac_session_logout); }

    ::plextrac_session *c_handle() const noexcept { return handle_.get(); }

private:
    template <class Call>
    result<void> ask(Call &&call) const
    {
        return detail::outcome([&](::plextrac_error **err) { return call(handle_.get(), err); });
    }

    detail::owned<::plextrac_session, ::plextrac_session_free> handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_SESSION_HPP */

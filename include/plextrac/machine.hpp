/**
 * @file machine.hpp
 * Level 2: every decision about one account on one instance, and nothing else.
 */
#ifndef PLEXTRAC_MACHINE_HPP
#define PLEXTRAC_MACHINE_HPP

#include <plextrac/action.hpp>
#include <plextrac/config.hpp>
#include <plextrac/secret.hpp>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** Why a request got no answer. */
enum class failure_kind : std::int32_t {
    timeout = PLEXTRAC_FAILURE_TIMEOUT,
    connect = PLEXTRAC_FAILURE_CONNECT,
    tls = PLEXTRAC_FAILURE_TLS,
    cancelled = PLEXTRAC_FAILURE_CANCELLED,
    other = PLEXTRAC_FAILURE_OTHER,
};

/**
 * You give it the time, and it returns what to send. Your HTTP stack and your event loop send it. One rule: after each
 * input, poll until the action ends_drain().
 *
 * Threads: one at a time. No call blocks.
 */
class machine {
public:
    /** Errors: also those that the configuration remembered. */
    [[nodiscard]] static result<machine> create(const config &config, moment now)
    {
        if (auto refused = config.check(); !refused)
            return failure(std::move(refused).error());
        return detail::made<machine, ::plextrac_machine>([&](::plextrac_machine **out, ::plextrac_error **err) {
            return ::plextrac_machine_new(config.c_handle(), now.c_time(), out, err);
        });
    }

    /** Takes ownership of a handle from a C function. */
    explicit machine(::plextrac_machine *handle) noexcept : handle_(handle) {}

    /** Asks once for a usable token. Without a want, nothing is sent. */
    [[nodiscard]] result<void> want_token(moment now)
    {
        return ask([&](auto *self, auto **err) { return ::plextrac_machine_want_token(self, now.c_time(), err); });
    }

    /**
     * Starts the call of one caller that needs a token. It joins the current attempt, or starts one. action_kind::wake
     * with the returned id ends the call. `other_than` is an `Authorization` value that the caller does not accept.
     * `wait` is how long the caller may wait for the budget, a rate limit or a back-off.
     */
    [[nodiscard]] result<std::uint64_t> need_token(std::chrono::milliseconds timeout, std::chrono::milliseconds wait,
                                                   moment now, std::string_view other_than = {})
    {
        std::uint64_t caller = 0;
        auto taken = ask([&](auto *self, auto **err) {
            return ::plextrac_machine_need_token(self, other_than.data(), other_than.size(),
                                                 detail::count(timeout), detail::count(wait),
                                                 now.c_time(), &caller, err);
        });
        if (!taken)
            return failure(std::move(taken).error());
        return caller;
    }

    /** Ends the call of a caller. Errors: status::stale if its wake was already polled, which is harmless. */
    result<void> leave(std::uint64_t caller, moment now)
    {
        return ask([&](auto *self, auto **err) { return ::plextrac_machine_leave(self, caller, now.c_time(), err); });
    }

    /** What to do next. */
    [[nodiscard]] result<action> poll(moment now)
    {
        return detail::made<action, ::plextrac_action>([&](::plextrac_action **out, ::plextrac_error **err) {
            return ::plextrac_machine_poll(handle_.get(), now.c_time(), out, err);
        });
    }

    /**
     * Passes the answer to the request with this id. `headers` is any range of pairs of texts: header_line, or the
     * elements of a map. Errors: status::stale if the request with this id is not outstanding.
     */
    template <class Headers = std::initializer_list<header_line>>
    result<void> handle_response(std::uint64_t id, std::uint16_t status, const Headers &headers, std::string_view body,
                                 moment now)
    {
        std::vector<::plextrac_str> names;
        std::vector<::plextrac_str> values;
        for (const auto &[name, value] : headers) {
            names.push_back(borrowed(name));
            values.push_back(borrowed(value));
        }
        return ask([&](auto *self, auto **err) {
            return ::plextrac_machine_handle_response(self, id, status, names.data(), values.data(), names.size(),
                                                      body.data(), body.size(), now.c_time(), err);
        });
    }

    /** Reports that the request with this id got no answer, and why. */
    result<void> handle_failure(std::uint64_t id, failure_kind kind, moment now)
    {
        return ask([&](auto *self, auto **err) {
            return ::plextrac_machine_handle_failure(self, id, static_cast<std::int32_t>(kind), now.c_time(), err);
        });
    }

    /** Passes a one-time code after action_kind::need_mfa. */
    [[nodiscard]] result<void> submit_mfa(std::string_view code, moment now)
    {
        return ask([&](auto *self, auto **err) {
            return ::plextrac_machine_submit_mfa(self, code.data(), code.size(), now.c_time(), err);
        });
    }

    /** Reports after action_kind::need_mfa that there is no code. Waiting callers get status::mfa_required. */
    [[nodiscard]] result<void> decline_mfa(moment now)
    {
        return ask([&](auto *self, auto **err) { return ::plextrac_machine_decline_mfa(self, now.c_time(), err); });
    }

    /**
     * A request of your own with this `Authorization` was answered with 401. The value says whether one more try with
     * a new authorization can help; if not, the 401 is the answer.
     */
    result<bool> report_unauthorized(std::string_view rejected, moment now)
    {
        bool retry = false;
        auto reported = ask([&](auto *self, auto **err) {
            return ::plextrac_machine_report_unauthorized_retry(self, rejected.data(), rejected.size(), now.c_time(),
                                                                &retry, err);
        });
        if (!reported)
            return failure(std::move(reported).error());
        return retry;
    }

    /** The value for the `Authorization` header. Errors: status::not_ready, status::expired: want a token. */
    [[nodiscard]] result<secret> authorization(moment now) const
    {
        return detail::made<secret, ::plextrac_secret>([&](::plextrac_secret **out, ::plextrac_error **err) {
            return ::plextrac_machine_authorization(handle_.get(), now.c_time(), out, err);
        });
    }

    /** The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` wants instead. */
    [[nodiscard]] result<secret> cookie() const
    {
        return detail::made<secret, ::plextrac_secret>([&](::plextrac_secret **out, ::plextrac_error **err) {
            return ::plextrac_machine_cookie(handle_.get(), out, err);
        });
    }

    /** How long the token lives from `now` on; nothing if there is no usable one. */
    std::optional<std::chrono::milliseconds> expires_in(moment now) const noexcept
    {
        std::uint64_t found = 0;
        if (!::plextrac_machine_expires_in_ms(handle_.get(), now.c_time(), &found))
            return std::nullopt;
        return detail::milliseconds(found);
    }

    ::plextrac_machine *c_handle() const noexcept { return handle_.get(); }

private:
    template <class Call>
    result<void> ask(Call &&call)
    {
        return detail::outcome([&](::plextrac_error **err) { return call(handle_.get(), err); });
    }

    static ::plextrac_str borrowed(std::string_view text) noexcept { return {text.data(), text.size()}; }

    detail::owned<::plextrac_machine, ::plextrac_machine_free> handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_MACHINE_HPP */

/**
 * @file error.hpp
 * Why a call failed.
 */
#ifndef PLEXTRAC_ERROR_HPP
#define PLEXTRAC_ERROR_HPP

#include <plextrac/handle.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** The status of a call. A newer library may have more of them: treat an unknown one as final. */
enum class status : std::int32_t {
    ok = PLEXTRAC_OK,
    invalid_argument = PLEXTRAC_INVALID_ARGUMENT,
    buffer_too_small = PLEXTRAC_BUFFER_TOO_SMALL,
    wrong_state = PLEXTRAC_WRONG_STATE,
    must_drain = PLEXTRAC_MUST_DRAIN,
    stale = PLEXTRAC_STALE,
    busy = PLEXTRAC_BUSY,
    unsupported = PLEXTRAC_UNSUPPORTED,
    io = PLEXTRAC_IO,
    closed = PLEXTRAC_CLOSED,
    forked = PLEXTRAC_FORKED,
    panic = PLEXTRAC_PANIC,
    cancelled = PLEXTRAC_CANCELLED,
    timeout = PLEXTRAC_TIMEOUT,
    must_wait = PLEXTRAC_MUST_WAIT,
    mfa_required = PLEXTRAC_MFA_REQUIRED,
    rejected = PLEXTRAC_REJECTED,
    not_ready = PLEXTRAC_NOT_READY,
    expired = PLEXTRAC_EXPIRED,
    network = PLEXTRAC_NETWORK,
    tls = PLEXTRAC_TLS,
    unexpected_answer = PLEXTRAC_UNEXPECTED_ANSWER,
    too_large = PLEXTRAC_TOO_LARGE,
    store = PLEXTRAC_STORE,
};

/** The name of a status, such as "MUST_WAIT"; "UNKNOWN" for one that this library does not have. */
inline std::string_view status_name(status code) noexcept
{
    return detail::view(::plextrac_status_name(static_cast<std::int32_t>(code)));
}

/** What happened, to what, and what to do next. Copies share their content, and copying does not throw. */
class error {
public:
    /** An error without detail. */
    explicit error(status code) noexcept : code_(code) {}

    /** Takes ownership of the error that a C function returned with its status. It may be NULL. */
    error(status code, ::plextrac_error *detail)
        : code_(code), detail_(detail, detail::freed_by<::plextrac_error_free>())
    {
    }

    status code() const noexcept { return code_; }

    /** The message. Valid as long as this error or a copy of it. A NUL follows it. */
    std::string_view message() const noexcept
    {
        return detail_ ? detail::view(::plextrac_error_message(detail_.get())) : status_name(code_);
    }

    /** The HTTP status of the answer that caused the error, if there was one. */
    std::optional<int> http_status() const noexcept
    {
        std::uint16_t found = 0;
        if (!::plextrac_error_http_status(detail_.get(), &found))
            return std::nullopt;
        return found;
    }

    /** How long to wait before another attempt, counted from the return of the call, if that is known. */
    std::optional<std::chrono::milliseconds> retry_after() const noexcept
    {
        std::uint64_t found = 0;
        if (!::plextrac_error_retry_after_ms(detail_.get(), &found))
            return std::nullopt;
        return detail::milliseconds(found);
    }

    /** Whether the same call may succeed later without a change. */
    bool is_retryable() const noexcept { return ::plextrac_error_is_retryable(detail_.get()); }

private:
    status code_;
    std::shared_ptr<const ::plextrac_error> detail_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_ERROR_HPP */

/**
 * @file callback.hpp
 * Callbacks of the program: one-time codes, log lines and bodies.
 */
#ifndef PLEXTRAC_CALLBACK_HPP
#define PLEXTRAC_CALLBACK_HPP

#include <plextrac/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** Takes the answer of an mfa_function. Valid while that function runs. */
class mfa_reply {
public:
    explicit mfa_reply(::plextrac_mfa_reply *reply) noexcept : reply_(reply) {}

    mfa_reply(const mfa_reply &) = delete;
    mfa_reply &operator=(const mfa_reply &) = delete;

    /** False if the code is not six digits: ask again. The code is copied. Wipe your own buffer. */
    bool set_code(std::string_view code) const noexcept
    {
        return ::plextrac_mfa_reply_set_code(reply_, code.data(), code.size()) == PLEXTRAC_OK;
    }

private:
    ::plextrac_mfa_reply *reply_;
};

/**
 * Asks for a one-time code. Puts it into the reply and returns true, or returns false to give up. An exception gives up
 * too. `attempt` is 1, or 2 after a wrong code. It may take as long as a person needs.
 * Threads: runs on a thread of the library. With several sessions it may run on several threads at once.
 */
using mfa_function = std::function<bool(std::uint32_t attempt, const mfa_reply &reply)>;

enum class log_level : std::int32_t {
    error = PLEXTRAC_LOG_ERROR,
    warn = PLEXTRAC_LOG_WARN,
    info = PLEXTRAC_LOG_INFO,
    debug = PLEXTRAC_LOG_DEBUG,
};

/**
 * Logs one line, which never contains a secret. The texts are valid during the call. An exception is dropped.
 * Threads: runs on any thread, and may run on several at once.
 */
using log_function = std::function<void(log_level level, std::string_view target, std::string_view message)>;

/**
 * Reads the next part of a body into `room`, which has `capacity` bytes. Returns the number of bytes that it read, 0 at
 * the end, or a negative number if it fails. An exception counts as a failure.
 * Threads: runs on the thread that makes the call.
 */
using read_function = std::function<std::int64_t(char *room, std::size_t capacity)>;

/** Goes back to the start of a body; false, or an exception, if that fails. */
using rewind_function = std::function<bool()>;

/**
 * Takes the next part of a body, which is valid during the call; false, or an exception, gives up.
 * Threads: runs on the thread that makes the call.
 */
using write_function = std::function<bool(std::string_view part)>;

namespace detail {

/** Runs what a program gave us, and lets nothing it throws out into the library. */
template <class Body>
bool contained(Body &&body) noexcept
{
#if PLEXTRAC_HAS_EXCEPTIONS
    try {
        return body();
    } catch (...) {
        return false;
    }
#else
    return body();
#endif
}

inline std::int32_t ask_for_mfa(void *userdata, std::uint32_t attempt, ::plextrac_mfa_reply *reply) noexcept
{
    const bool answered =
        contained([&] { return (*static_cast<mfa_function *>(userdata))(attempt, mfa_reply(reply)); });
    return answered ? 0 : 1;
}

inline void log_line(void *userdata, std::int32_t level, const char *target, std::size_t target_len,
                     const char *message, std::size_t message_len) noexcept
{
    contained([&] {
        (*static_cast<log_function *>(userdata))(static_cast<log_level>(level), std::string_view(target, target_len),
                                                 std::string_view(message, message_len));
        return true;
    });
}

/** What reads one body. */
struct body_functions {
    read_function read;
    rewind_function rewind;
};

inline std::int64_t read_body(void *userdata, char *room, std::size_t capacity) noexcept
{
    std::int64_t count = -1;
    contained([&] {
        count = static_cast<body_functions *>(userdata)->read(room, capacity);
        return true;
    });
    return count;
}

inline std::int32_t rewind_body(void *userdata) noexcept
{
    return contained([&] { return static_cast<body_functions *>(userdata)->rewind(); }) ? 0 : 1;
}

inline std::int32_t write_part(void *userdata, const ::plextrac_response *, const char *bytes,
                               std::size_t length) noexcept
{
    const std::string_view part(bytes, length);
    return contained([&] { return (*static_cast<const write_function *>(userdata))(part); }) ? 0 : 1;
}

template <class Function>
void forget(void *userdata) noexcept
{
    delete static_cast<Function *>(userdata);
}

}  // namespace detail
}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_CALLBACK_HPP */

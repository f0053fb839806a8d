/**
 * @file stream.hpp
 * A response whose body is read in parts.
 */
#ifndef PLEXTRAC_STREAM_HPP
#define PLEXTRAC_STREAM_HPP

#include <plextrac/call.hpp>
#include <plextrac/header_lines.hpp>
#include <plextrac/response.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/**
 * It keeps the session open, and its connection busy. Threads: one at a time.
 *
 *     auto stream = session.stream(request);
 *     char part[16384];
 *     for (std::size_t length = 1; length > 0;) {
 *         auto read = stream->read(part, sizeof part);
 *         if (!read)
 *             return fail(read.error());
 *         length = *read;
 *         file.write(part, length);
 *     }
 */
class stream {
public:
    using headers_type = response::headers_type;

    /** Takes ownership of a handle from a C function. */
    explicit stream(::plextrac_stream *handle) noexcept : handle_(handle) {}

    /** The HTTP status. */
    int status() const noexcept { return ::plextrac_response_status(head()); }

    /** Names are in lower case. */
    headers_type headers() const & noexcept { return headers_type(head()); }
    headers_type headers() && = delete;

    /** The first header of that name, in upper or lower case. */
    std::optional<std::string_view> header(std::string_view name) const & noexcept
    {
        ::plextrac_str value = {nullptr, 0};
        if (!::plextrac_response_header_by_name(head(), name.data(), name.size(), &value))
            return std::nullopt;
        return detail::view(value);
    }
    std::optional<std::string_view> header(std::string_view name) && = delete;

    /** Reads the next part of the body. 0 at its end. After an error the rest is lost. */
    [[nodiscard]] result<std::size_t> read(char *room, std::size_t capacity)
    {
        std::size_t length = 0;
        auto outcome = detail::outcome([&](::plextrac_error **err) {
            return ::plextrac_stream_read(handle_.get(), room, capacity, &length, err);
        });
        if (!outcome)
            return failure(std::move(outcome).error());
        return length;
    }

    ::plextrac_stream *c_handle() const noexcept { return handle_.get(); }

private:
    const ::plextrac_response *head() const noexcept { return ::plextrac_stream_response(handle_.get()); }

    detail::owned<::plextrac_stream, ::plextrac_stream_free> handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_STREAM_HPP */

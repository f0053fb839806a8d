/**
 * @file response.hpp
 * The answer of the server. It may have any HTTP status.
 */
#ifndef PLEXTRAC_RESPONSE_HPP
#define PLEXTRAC_RESPONSE_HPP

#include <plextrac/header_lines.hpp>

#include <optional>
#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

class response {
public:
    using headers_type =
        header_lines<::plextrac_response, ::plextrac_response_header_count, ::plextrac_response_header>;

    /** Takes ownership of a handle from a C function. */
    explicit response(::plextrac_response *handle) noexcept : handle_(handle) {}

    /** The HTTP status. */
    int status() const noexcept { return ::plextrac_response_status(handle_.get()); }

    /** The body, byte for byte. Valid as long as the response. */
    std::string_view body() const & noexcept { return detail::view(::plextrac_response_body(handle_.get())); }
    std::string_view body() && = delete;

    /** Names are in lower case. */
    headers_type headers() const & noexcept { return headers_type(handle_.get()); }
    headers_type headers() && = delete;

    /** The first header of that name, in upper or lower case. */
    std::optional<std::string_view> header(std::string_view name) const & noexcept
    {
        ::plextrac_str value = {nullptr, 0};
        if (!::plextrac_response_header_by_name(handle_.get(), name.data(), name.size(), &value))
            return std::nullopt;
        return detail::view(value);
    }
    std::optional<std::string_view> header(std::string_view name) && = delete;

    ::plextrac_response *c_handle() const noexcept { return handle_.get(); }

private:
    detail::owned<::plextrac_response, ::plextrac_response_free> handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_RESPONSE_HPP */

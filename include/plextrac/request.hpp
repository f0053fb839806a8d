/**
 * @file request.hpp
 * A request to the instance of a session.
 */
#ifndef PLEXTRAC_REQUEST_HPP
#define PLEXTRAC_REQUEST_HPP

#include <plextrac/callback.hpp>
#include <plextrac/settings.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/**
 * It is authorized when it is sent. It can be sent many times, unless its body can be read only once:
 *
 *     plextrac::request request("POST", "/api/v1/client/4/report/9/flaw/create");
 *     request.json(finding);
 *
 * As a config does, it remembers the first part that was refused. Sending it fails with that error.
 */
class request : public detail::settings<::plextrac_request, ::plextrac_request_free> {
public:
    /** `path` starts with a slash and may have a query; absolute URLs are refused. */
    request(std::string_view method, std::string_view path)
    {
        make([&](::plextrac_request **out, ::plextrac_error **err) {
            return ::plextrac_request_new(method.data(), method.size(), path.data(), path.size(), out, err);
        });
    }

    request &header(std::string_view name, std::string_view value)
    {
        set([&](::plextrac_request *self, ::plextrac_error **err) {
            return ::plextrac_request_add_header(self, name.data(), name.size(), value.data(), value.size(), err);
        });
        return *this;
    }

    /** Text that is already JSON. It is copied and not checked. */
    request &json(std::string_view text)
    {
        set([&](::plextrac_request *self, ::plextrac_error **err) {
            return ::plextrac_request_set_json(self, text.data(), text.size(), err);
        });
        return *this;
    }

    /** Bytes with their media type. They are copied. */
    request &body(std::string_view content_type, std::string_view bytes)
    {
        set([&](::plextrac_request *self, ::plextrac_error **err) {
            return ::plextrac_request_set_body(self, content_type.data(), content_type.size(), bytes.data(),
                                               bytes.size(), err);
        });
        return *this;
    }

    /**
     * Bytes that a function reads while they are sent, under a media type of their own. With a length, exactly so many
     * are read. With `rewind` the request can be sent again, also after a 401. The timeout is for progress then.
     */
    request &body_reader(std::string_view content_type, std::optional<std::uint64_t> length, read_function read,
                         rewind_function rewind = nullptr)
    {
        const ::plextrac_read_fn reads = read ? detail::read_body : nullptr;
        const ::plextrac_rewind_fn rewinds = rewind ? detail::rewind_body : nullptr;
        auto functions = std::make_unique<detail::body_functions>(
            detail::body_functions{std::move(read), std::move(rewind)});
        const bool taken = set([&](::plextrac_request *self, ::plextrac_error **err) {
            return ::plextrac_request_set_body_reader(self, content_type.data(), content_type.size(),
                                                      length.value_or(PLEXTRAC_LENGTH_UNKNOWN), reads, rewinds,
                                                      functions.get(), detail::forget<detail::body_functions>, err);
        });
        if (taken)
            functions.release();
        return *this;
    }
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_REQUEST_HPP */

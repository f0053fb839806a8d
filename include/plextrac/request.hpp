/**
 * @file request.hpp
 * A request to the instance of a session.
 */
#ifndef PLEXTRAC_REQUEST_HPP
#define PLEXTRAC_REQUEST_HPP

#include <plextrac/settings.hpp>

#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/**
 * Authorized when it is sent, and can be sent any number of times:
 *
 *     plextrac::request request("POST", "/api/v1/client/4/report/9/flaw/create");
 *     request.json(finding);
 *
 * As with a config, the first part that is refused is remembered, and sending it fails with that error.
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

    /** Text that is JSON already. It is copied, and not looked into. */
    request &json(std::string_view text)
    {
        set([&](::plextrac_request *self, ::plextrac_error **err) {
            return ::plextrac_request_set_json(self, text.data(), text.size(), err);
        });
        return *this;
    }

    /** Bytes under a media type of their own. They are copied. */
    request &body(std::string_view content_type, std::string_view bytes)
    {
        set([&](::plextrac_request *self, ::plextrac_error **err) {
            return ::plextrac_request_set_body(self, content_type.data(), content_type.size(), bytes.data(),
                                               bytes.size(), err);
        });
        return *this;
    }
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_REQUEST_HPP */

/**
 * @file secret.hpp
 * A header or cookie value, which its destructor wipes.
 */
#ifndef PLEXTRAC_SECRET_HPP
#define PLEXTRAC_SECRET_HPP

#include <plextrac/handle.hpp>

#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** Move-only, so there is only one copy. If you copy the value, wipe your copy. */
class secret {
public:
    /** Takes ownership of a handle from a C function. */
    explicit secret(::plextrac_secret *handle) noexcept : handle_(handle) {}

    /** The value itself, as long as the secret lives. */
    std::string_view view() const & noexcept { return detail::view(::plextrac_secret_str(handle_.get())); }
    std::string_view view() && = delete;

    /** The same for C functions: a NUL follows it. */
    const char *c_str() const & noexcept { return ::plextrac_secret_str(handle_.get()).data; }
    const char *c_str() && = delete;

    ::plextrac_secret *c_handle() const noexcept { return handle_.get(); }

private:
    detail::owned<::plextrac_secret, ::plextrac_secret_free> handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_SECRET_HPP */

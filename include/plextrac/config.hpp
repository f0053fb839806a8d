/**
 * @file config.hpp
 * Settings for sessions and machines.
 */
#ifndef PLEXTRAC_CONFIG_HPP
#define PLEXTRAC_CONFIG_HPP

#include <plextrac/budget.hpp>
#include <plextrac/callback.hpp>
#include <plextrac/settings.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

/** Whom to trust besides the certificates given. */
enum class roots : std::int32_t {
    system = PLEXTRAC_ROOTS_SYSTEM,
    only_given = PLEXTRAC_ROOTS_ONLY_GIVEN,
};

/** How the token stands in the `Authorization` header. */
enum class scheme : std::int32_t {
    raw = PLEXTRAC_SCHEME_RAW,
    bearer = PLEXTRAC_SCHEME_BEARER,
};

/**
 * Settings, chained:
 *
 *     plextrac::config config("acme.plextrac.com");
 *     config.password("me@acme.example", password).totp_secret(seed).timeout(10s);
 *
 * Each setting is checked at once and copied. The configuration remembers the first setting that was refused and skips
 * the settings after it. Creating a session or machine from it fails with that error. check() returns the error before.
 * Sessions and machines copy what they need, so you may change or destroy the configuration.
 *
 * The function of the same name in plextrac.h describes each setting and its errors.
 */
class config : public detail::settings<::plextrac_config, ::plextrac_config_free> {
public:
    /** For the instance at `url`, which may have no scheme, a final slash, or `/api/v1`. */
    explicit config(std::string_view url)
    {
        make([url](::plextrac_config **out, ::plextrac_error **err) {
            return ::plextrac_config_new(url.data(), url.size(), out, err);
        });
    }

    /** The address of the instance, without a slash at the end; empty if the URL was refused. */
    std::string_view base_url() const & noexcept { return detail::view(::plextrac_config_base_url(c_handle())); }
    std::string_view base_url() && = delete;

    config &password(std::string_view user, std::string_view password)
    {
        set([&](::plextrac_config *self, ::plextrac_error **err) {
            return ::plextrac_config_set_password(self, user.data(), user.size(), password.data(), password.size(),
                                                  err);
        });
        return *this;
    }

    /** Imports a token from elsewhere. */
    config &token(std::string_view token) { return text(::plextrac_config_set_token, token); }

    /** As base32 or as an `otpauth://totp/` URI. */
    config &totp_secret(std::string_view secret) { return text(::plextrac_config_set_totp_secret, secret); }

    /** Sets a callback that asks for one-time codes. Replaces a TOTP secret. */
    config &mfa_callback(mfa_function ask)
    {
        const ::plextrac_mfa_fn called = ask ? detail::ask_for_mfa : nullptr;
        return callback(std::move(ask), [called](auto *self, void *userdata, auto **err) {
            return ::plextrac_config_set_mfa_callback(self, called, userdata, detail::forget<mfa_function>, err);
        });
    }

    /** Trusts the certificates in a PEM file as well. The file is read now. */
    config &ca_file(std::string_view path) { return text(::plextrac_config_set_ca_file, path); }

    config &ca_pem(std::string_view pem) { return text(::plextrac_config_set_ca_pem, pem); }

    config &roots(plextrac::roots roots)
    {
        return number(::plextrac_config_set_roots, static_cast<std::int32_t>(roots));
    }

    /** Sends a header with every request, sign-in included. */
    config &header(std::string_view name, std::string_view value)
    {
        set([&](::plextrac_config *self, ::plextrac_error **err) {
            return ::plextrac_config_set_header(self, name.data(), name.size(), value.data(), value.size(), err);
        });
        return *this;
    }

    /** The `User-Agent` of all requests. The default names this library and its version. */
    config &user_agent(std::string_view user_agent) { return text(::plextrac_config_set_user_agent, user_agent); }

    /** For servers and proxies that require one: the certificate with its chain, and its private key, as PEM. */
    config &client_certificate(std::string_view chain_pem, std::string_view key_pem)
    {
        set([&](::plextrac_config *self, ::plextrac_error **err) {
            return ::plextrac_config_set_client_certificate(self, chain_pem.data(), chain_pem.size(), key_pem.data(),
                                                            key_pem.size(), err);
        });
        return *this;
    }

    /** `http://host:port`. An empty text means no proxy; the environment is then ignored. */
    config &proxy(std::string_view url) { return text(::plextrac_config_set_proxy, url); }

    config &auth_scheme(scheme scheme)
    {
        return number(::plextrac_config_set_auth_scheme, static_cast<std::int32_t>(scheme));
    }

    /**
     * Shares sessions with other processes of this user. With an empty path, the default, nothing is shared. Then
     * neither the limit of ten authentication requests a minute nor the lockout holds for all processes together.
     */
    config &state_dir(std::string_view path) { return text(::plextrac_config_set_state_dir, path); }

    /**
     * Shares sessions with other machines on a Redis or Valkey server, such as `rediss://USER@HOST/0?password-file=/FILE`.
     * `key` is base64, as `plextrac-auth store-key` makes it. An empty `url` shares nothing, which is the default.
     */
    config &store(std::string_view url, std::string_view key)
    {
        set([&](::plextrac_config *self, ::plextrac_error **err) {
            return ::plextrac_config_set_store(self, url.data(), url.size(), key.data(), key.size(), err);
        });
        return *this;
    }

    config &timeout(std::chrono::milliseconds limit)
    {
        return number(::plextrac_config_set_timeout_ms, detail::count(limit));
    }

    /** How long a call may wait for the budget or a back-off. */
    config &wait(std::chrono::milliseconds limit)
    {
        return number(::plextrac_config_set_wait_ms, detail::count(limit));
    }

    /** Refreshes in the background for this long, even if the program does nothing. 0, the default: only when used. */
    config &keep_alive(std::chrono::milliseconds duration)
    {
        return number(::plextrac_config_set_keep_alive_ms, detail::count(duration));
    }

    /** The longest body of an answer to a request of a session. */
    config &response_limit(std::uint64_t bytes) { return number(::plextrac_config_set_response_limit, bytes); }

    config &auth_budget(std::uint32_t per_minute) { return number(::plextrac_config_set_auth_budget, per_minute); }

    /** The budget that machines made from this configuration share with others. */
    config &budget(const plextrac::budget &budget) { return number(::plextrac_config_set_budget, budget.c_handle()); }

    config &allow_http(bool allow) { return number(::plextrac_config_set_allow_http, allow); }

    config &danger_accept_invalid_certs(bool accept)
    {
        return number(::plextrac_config_set_danger_accept_invalid_certs, accept);
    }

    /** Sets a function that logs events of sessions made from this, from log_level::error up to `level`. */
    config &log_callback(log_level level, log_function log)
    {
        const ::plextrac_log_fn called = log ? detail::log_line : nullptr;
        return callback(std::move(log), [called, level](auto *self, void *userdata, auto **err) {
            return ::plextrac_config_set_log_callback(self, called, static_cast<std::int32_t>(level), userdata,
                                                      detail::forget<log_function>, err);
        });
    }

private:
    template <class Setter>
    config &text(Setter setter, std::string_view text)
    {
        set([&](::plextrac_config *self, ::plextrac_error **err) {
            return setter(self, text.data(), text.size(), err);
        });
        return *this;
    }

    template <class Setter, class Value>
    config &number(Setter setter, Value value)
    {
        set([&](::plextrac_config *self, ::plextrac_error **err) { return setter(self, value, err); });
        return *this;
    }

    /** The library owns the function once it has taken it, and not before. */
    template <class Function, class Setter>
    config &callback(Function function, Setter setter)
    {
        auto userdata = std::make_unique<Function>(std::move(function));
        const bool taken = set([&](::plextrac_config *self, ::plextrac_error **err) {
            return setter(self, userdata.get(), err);
        });
        if (taken)
            userdata.release();
        return *this;
    }
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_CONFIG_HPP */

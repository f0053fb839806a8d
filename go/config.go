package plextrac

// #include <plextrac.h>
// #include "callback.h"
import "C"

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"math"
	"net/http"
	"os"
	"time"
)

// Option is a setting for sessions and machines alike.
type Option interface {
	SessionOption
	MachineOption
}

// SessionOption is a setting for [NewSession].
type SessionOption interface{ setSession(*config) error }

// MachineOption is a setting for [NewMachine] and [NewMachineSession]. Certificates and proxies are not
// among them: your own HTTP stack is responsible for them.
type MachineOption interface{ setMachine(*config) error }

// WithPassword sets the user name (usually an e-mail address) and the password. [ErrInvalidArgument] if
// one is empty, over 1024 bytes, or has a control character (perhaps the line end that was read with it).
func WithPassword(user, password string) Option {
	u, uLen := text(user)
	p, pLen := text(password)
	return set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_password(c, u, uLen, p, pLen, err)
	})
}

// WithToken imports a token from elsewhere, with or without "Bearer " before it. It is refreshed at its
// first use. If there is also a password, the session signs in when the token has expired.
func WithToken(token string) Option {
	t, tLen := text(token)
	return set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_token(c, t, tLen, err)
	})
}

// WithTOTPSecret sets the TOTP secret of the account, as base32 or as an otpauth://totp/ URI. The library
// then computes the one-time codes.
func WithTOTPSecret(secret string) Option {
	t, tLen := text(secret)
	return set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_totp_secret(c, t, tLen, err)
	})
}

// WithMFACallback sets a function that asks for one-time codes, instead of a TOTP secret. A [Machine] never
// calls it: its callers wait for the code that the program submits.
func WithMFACallback(ask MFAFunc) Option {
	return option(func(c *config) error {
		if ask == nil {
			return &Error{Status: ErrInvalidArgument, Message: "the MFA callback is nil"}
		}
		c.asker = &asker{ask: ask, ctx: c.ctx}
		return lend(c.asker, func(callback C.uintptr_t, err **C.plextrac_error) C.int32_t {
			return C.plextrac_go_set_mfa(c.ptr, callback, err)
		})
	})
}

// WithHeader sends a header with every request, including sign-in, for a gateway in front of the instance.
// The value is treated as a secret. A second value for a name replaces the first.
func WithHeader(name, value string) Option {
	return option(func(c *config) error {
		n, nLen := text(name)
		v, vLen := text(value)
		err := check(func(err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_header(c.ptr, n, nLen, v, vLen, err)
		})
		if err == nil {
			c.headers.Set(name, value)
		}
		return err
	})
}

// WithUserAgent sets the User-Agent of all requests, including sign-in, unless a request has its own. The
// default names this library and its version. A [Machine] has the header in its actions only if it was set.
func WithUserAgent(userAgent string) Option {
	return WithHeader("User-Agent", userAgent)
}

// WithBearer sends the token as "Authorization: Bearer TOKEN". Without it the header has the token alone,
// as PlexTrac's own programs send it.
func WithBearer() Option {
	return set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_auth_scheme(c, C.PLEXTRAC_SCHEME_BEARER, err)
	})
}

// WithTimeout limits a session's call from entry to return, not counting the time in which a person types.
// For a machine it limits the wait for an answer. Default 30 s, at most an hour. The context of a call may end it sooner.
func WithTimeout(timeout time.Duration) Option {
	return set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_timeout_ms(c, wholeMilliseconds(timeout), err)
	})
}

// WithWait sets how long a call may wait for the budget or a back-off. If it would take longer, the call
// returns [ErrMustWait]. A [Session] does not wait by default, except for the next TOTP step. A
// [MachineSession] waits up to 30 s by default. A [Machine] gets the wait limit with each caller.
func WithWait(wait time.Duration) Option {
	return option(func(c *config) error {
		if wait < 0 {
			return &Error{Status: ErrInvalidArgument, Message: "the time to wait is negative"}
		}
		c.wait = &wait
		return check(func(err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_wait_ms(c.ptr, wholeMilliseconds(wait), err)
		})
	})
}

// WithKeepAlive keeps a session alive while the program does nothing: for duration from [NewSession] on,
// its token is refreshed in the background when half of its life is over. Nothing is sent before the first
// call that needs a token. The session signs in by itself only where no person is needed: without MFA, or
// with a TOTP secret. Otherwise it is kept alive again from the next sign-in on. Of several sessions that
// share an account in a state directory, one does the work.
func WithKeepAlive(duration time.Duration) SessionOption {
	return setSession(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_keep_alive_ms(c, wholeMilliseconds(duration), err)
	})
}

// WithResponseLimit is the longest body of an answer to a request of a session, in bytes; it is read into
// memory. A longer one gives [ErrTooLarge]. Default 64 MiB. A transport has no such limit: it streams.
func WithResponseLimit(bytes int64) SessionOption {
	return setSession(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_response_limit(c, C.uint64_t(max(0, bytes)), err)
	})
}

// WithAuthBudget is how many authentication requests a minute may be sent to the instance, 2 to 60:
// by all sessions of this process together (where they differ, the lowest number holds), or by one
// machine that has no [WithBudget]. Default 6, of the 10 that an instance accepts from all clients.
func WithAuthBudget(perMinute int) Option {
	return set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_auth_budget(c, C.uint32_t(max(0, min(perMinute, math.MaxInt32))), err)
	})
}

// WithAllowHTTP allows http:// to hosts other than this machine. Others in the network can then read
// everything, including the password.
func WithAllowHTTP() Option {
	return set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_allow_http(c, true, err)
	})
}

// WithCAFile trusts the certificates in a PEM file as well as the system's. The file is read now.
func WithCAFile(path string) SessionOption {
	return sessionOption(func(c *config) error {
		p, pLen := text(path)
		if err := c.set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_ca_file(c, p, pLen, err)
		}); err != nil {
			return err
		}
		pem, err := os.ReadFile(path)
		if err != nil {
			return &Error{Status: ErrInvalidArgument, Message: "the CA file cannot be read: " + err.Error()}
		}
		c.network.authorities = append(c.network.authorities, pem)
		return nil
	})
}

// WithCAPEM trusts the certificates in a PEM text as well as the system's.
func WithCAPEM(pem []byte) SessionOption {
	return sessionOption(func(c *config) error {
		p, pLen := blob(pem)
		err := c.set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_ca_pem(c, p, pLen, err)
		})
		if err == nil {
			c.network.authorities = append(c.network.authorities, bytes.Clone(pem))
		}
		return err
	})
}

// WithClientCertificate sets the certificate for servers and proxies that require one. chainPEM is the
// certificate, followed by the intermediate CAs. keyPEM is its unencrypted private key.
func WithClientCertificate(chainPEM, keyPEM []byte) SessionOption {
	return sessionOption(func(c *config) error {
		chain, chainLen := blob(chainPEM)
		key, keyLen := blob(keyPEM)
		if err := c.set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_client_certificate(c, chain, chainLen, key, keyLen, err)
		}); err != nil {
			return err
		}
		certificate, err := tls.X509KeyPair(chainPEM, keyPEM)
		if err != nil {
			return &Error{Status: ErrInvalidArgument, Message: "net/http refuses the client certificate: " + err.Error()}
		}
		c.network.certificates = []tls.Certificate{certificate}
		return nil
	})
}

// WithOnlyGivenRoots trusts only the certificates that you give, not those of the system.
func WithOnlyGivenRoots() SessionOption {
	return sessionOption(func(c *config) error {
		c.network.onlyGiven = true
		return c.set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_roots(c, C.PLEXTRAC_ROOTS_ONLY_GIVEN, err)
		})
	})
}

// WithProxy uses the proxy "http://host:port", or no proxy if the URL is empty. By default the environment
// decides, by curl's rules.
func WithProxy(url string) SessionOption {
	return sessionOption(func(c *config) error {
		u, uLen := text(url)
		if err := c.set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_proxy(c, u, uLen, err)
		}); err != nil {
			return err
		}
		return c.network.setProxy(url)
	})
}

// WithStateDir shares sessions with other processes of this user through a directory, which is created if
// it does not exist. [ErrStore] if other users can read or change it.
//
// Without this, or with "", nothing is shared, and sessions are in memory. Then processes do not know each
// other's rejected passwords and requests. So neither the limit of ten authentication requests a minute
// nor the lockout holds for all processes together.
func WithStateDir(path string) SessionOption {
	p, pLen := text(path)
	return setSession(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_state_dir(c, p, pLen, err)
	})
}

// WithStore shares sessions with other machines on a Redis or Valkey server, instead of a state directory. The
// URL is such as "rediss://USER@HOST/0?password-file=/FILE". The key is base64, as `plextrac-auth store-key`
// makes it: records are sealed under it. With an empty URL nothing is shared.
//
// While the server cannot be used, no sign-in and no refresh is sent, and calls fail with [ErrStore]. A live
// token is used to its end.
func WithStore(url, key string) SessionOption {
	u, uLen := text(url)
	k, kLen := text(key)
	return setSession(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_set_store(c, u, uLen, k, kLen, err)
	})
}

// WithDangerAcceptInvalidCerts accepts any certificate. Others in the network can then read the password.
// Use it only for tests against a local machine.
func WithDangerAcceptInvalidCerts() SessionOption {
	return sessionOption(func(c *config) error {
		c.network.insecure = true
		return c.set(func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_danger_accept_invalid_certs(c, true, err)
		})
	})
}

// WithLogger logs the events of the session. Level Error: a person must act. Warn: an attempt failed. Info:
// a sign-in or sign-out. Debug: each refresh. No line contains a secret. The logger is called on any thread,
// and may be called on several at once.
func WithLogger(logger *slog.Logger) SessionOption {
	return sessionOption(func(c *config) error {
		if logger == nil {
			return &Error{Status: ErrInvalidArgument, Message: "the logger is nil"}
		}
		return lend(logger, func(callback C.uintptr_t, err **C.plextrac_error) C.int32_t {
			return C.plextrac_go_set_log(c.ptr, callback, err)
		})
	})
}

// WithBudget sets a shared budget. Use one budget for all machines of an instance.
func WithBudget(budget *Budget) MachineOption {
	return machineOption(func(c *config) error {
		if budget == nil {
			return &Error{Status: ErrInvalidArgument, Message: "the budget is nil"}
		}
		return budget.use(func(b *C.plextrac_budget, err **C.plextrac_error) C.int32_t {
			return C.plextrac_config_set_budget(c.ptr, b, err)
		})
	})
}

// config is a configuration while a session or machine is made from it.
type config struct {
	ptr *C.plextrac_config
	// ctx is done when the session or machine is closed.
	ctx context.Context
	kept
}

// kept is the part of a configuration that Go still needs when the session or machine exists.
type kept struct {
	headers http.Header
	wait    *time.Duration
	asker   *asker
	network network
}

type (
	option        func(*config) error
	sessionOption func(*config) error
	machineOption func(*config) error
	setter        = func(c *C.plextrac_config, err **C.plextrac_error) C.int32_t
)

func (o option) setSession(c *config) error        { return o(c) }
func (o option) setMachine(c *config) error        { return o(c) }
func (o sessionOption) setSession(c *config) error { return o(c) }
func (o machineOption) setMachine(c *config) error { return o(c) }

func set(call setter) option { return func(c *config) error { return c.set(call) } }

func setSession(call setter) sessionOption { return func(c *config) error { return c.set(call) } }

// baseURL is the base URL of the instance, without a final slash.
func (c *config) baseURL() string {
	return string(view(C.plextrac_config_base_url(c.ptr)))
}

func newConfig(ctx context.Context, url string) (*config, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	c := &config{ctx: ctx, kept: kept{headers: http.Header{"User-Agent": {"plextrac-auth/" + Version()}}}}
	u, uLen := text(url)
	err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_config_new(u, uLen, &c.ptr, err)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// free must be called once. Sessions and machines do not need the configuration any more.
func (c *config) free() {
	C.plextrac_config_free(c.ptr)
}

func (c *config) set(call setter) error {
	return check(func(err **C.plextrac_error) C.int32_t { return call(c.ptr, err) })
}

// wholeMilliseconds rounds up, so that a wait of this length is long enough.
func wholeMilliseconds(d time.Duration) C.uint64_t {
	d = max(d, 0)
	whole := d / time.Millisecond
	if d%time.Millisecond > 0 {
		whole++
	}
	return C.uint64_t(whole)
}

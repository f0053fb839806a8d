package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"
)

// Session is one account on one instance, for all goroutines of the program. It signs in when a token is
// needed, and refreshes the token while it is used. It has its own HTTP and TLS.
//
// Methods with a context return [ErrCancelled] soon after the context is done, wherever they are blocked. A
// sign-in for which other callers wait continues. A blocked method holds a thread of the operating system.
type Session struct {
	handle   *handle[*C.plextrac_session]
	cleanup  runtime.Cleanup
	stop     context.CancelFunc
	instance *instance
	asker    *asker
	// own sends the requests of [Session.Client].
	own *ownTransport
}

// NewSession makes a session for the instance at url, which may have no scheme, a final slash, or /api/v1.
// Nothing is sent until a token is needed. [ErrInvalidArgument] if there are no credentials, or the URL is
// http:// and that is not allowed.
//
// Close it when it is no longer needed.
func NewSession(url string, options ...SessionOption) (*Session, error) {
	ctx, stop := context.WithCancel(context.Background())
	s, err := newSession(ctx, url, options)
	if err != nil {
		stop()
		return nil, err
	}
	s.stop = stop
	return s, nil
}

func newSession(ctx context.Context, url string, options []SessionOption) (*Session, error) {
	config, err := newConfig(ctx, url)
	if err != nil {
		return nil, err
	}
	defer config.free()
	for _, option := range options {
		if err := option.setSession(config); err != nil {
			return nil, err
		}
	}
	instance, err := instanceOf(config.baseURL(), config.headers)
	if err != nil {
		return nil, err
	}
	var ptr *C.plextrac_session
	if err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_new(config.ptr, &ptr, err)
	}); err != nil {
		return nil, err
	}
	s := &Session{instance: instance, asker: config.asker, own: &ownTransport{network: config.network}}
	return s.with(ptr), nil
}

// WithTimeout returns the same session with another time limit for each call.
// The context of a call may end it sooner. Closing one closes the session for both.
func (s *Session) WithTimeout(limit time.Duration) (*Session, error) {
	var ptr *C.plextrac_session
	if err := s.call(func(p *C.plextrac_session, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_with_timeout_ms(p, wholeMilliseconds(limit), &ptr, err)
	}); err != nil {
		return nil, err
	}
	return s.with(ptr), nil
}

// Login signs in if there is no usable token. If there is one, it sends nothing. Other methods do this by
// themselves.
//
// [ErrMFARequired]: call [Session.SubmitMFA] within two minutes. [ErrRejected]: this session, and others
// that share its state directory, do not send this password again until it changes or
// [Session.ForgetRejection] is called. [ErrTimeout]: the attempt continues, and its result is kept.
// [ErrMustWait], and errors of the network.
func (s *Session) Login(ctx context.Context) error {
	return s.wait(ctx, func(p *C.plextrac_session, cancel *C.plextrac_cancel, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_login(p, cancel, err)
	})
}

// SubmitMFA sends a one-time code after [ErrMFARequired], and waits for the token. [ErrInvalidArgument] if
// it is not six digits, or was sent before; [ErrWrongState] if no code is needed; [ErrRejected] if it is
// wrong: the next sign-in starts with the password.
func (s *Session) SubmitMFA(ctx context.Context, code string) error {
	c, cLen := text(code)
	return s.wait(ctx, func(p *C.plextrac_session, cancel *C.plextrac_cancel, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_submit_mfa(p, c, cLen, cancel, err)
	})
}

// Authorization is the value for the Authorization header of your own request. It signs in or refreshes if
// needed, with the errors of [Session.Login]. With a live token it does not block.
//
// If your request is answered with 401, call [Session.ReportUnauthorized]. A [Session.Transport]
// does all that.
func (s *Session) Authorization(ctx context.Context) (string, error) {
	var secret *C.plextrac_secret
	err := s.wait(ctx, func(p *C.plextrac_session, cancel *C.plextrac_cancel, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_authorization(p, cancel, &secret, err)
	})
	if err != nil {
		return "", err
	}
	return takeSecret(secret), nil
}

// Cookie is the value for "Cookie: token=VALUE", which GET /api/v1/uploads/… needs instead of
// Authorization. Errors are those of [Session.Login], and [ErrUnsupported] if the server sent no cookie
// with the token.
func (s *Session) Cookie(ctx context.Context) (string, error) {
	var secret *C.plextrac_secret
	err := s.wait(ctx, func(p *C.plextrac_session, cancel *C.plextrac_cancel, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_cookie(p, cancel, &secret, err)
	})
	if err != nil {
		return "", err
	}
	return takeSecret(secret), nil
}

// Token is the token of [Session.Authorization] and when it ends.
func (s *Session) Token(ctx context.Context) (Token, error) {
	return tokenFrom(ctx, s)
}

// ReportUnauthorized reports that your own request, with rejected as its Authorization, was answered with
// 401. The session drops only this token. If retry is true, get the authorization again, and send the
// request once more. If it is false, a new token was already tried, and the 401 is the answer.
func (s *Session) ReportUnauthorized(rejected string) (retry bool, err error) {
	r, rLen := text(rejected)
	var can C.bool
	err = s.call(func(p *C.plextrac_session, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_report_unauthorized_retry(p, r, rLen, &can, err)
	})
	return bool(can), err
}

// Refresh gets a new token now, even if the current one is live. If it fails, the current token stays.
func (s *Session) Refresh(ctx context.Context) error {
	return s.wait(ctx, func(p *C.plextrac_session, cancel *C.plextrac_cancel, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_refresh(p, cancel, err)
	})
}

// Do sends a request with the session's token. After a 401 it gets one new token and sends the request
// once more. Redirects are not followed. GET /api/v1/uploads/… is sent with the cookie and without
// Authorization.
//
// An answer with any status is a response and not an error. Errors are those of [Session.Login] for
// the token, and for the request [ErrTimeout], [ErrCancelled], [ErrClosed], [ErrNetwork], [ErrTLS],
// [ErrIO] (a BodyReader failed), or [ErrTooLarge]: an answer over 64 MiB.
func (s *Session) Do(ctx context.Context, request *Request) (*Response, error) {
	r, body, err := request.c()
	if err != nil {
		return nil, err
	}
	defer C.plextrac_request_free(r)
	var response *C.plextrac_response
	err = s.wait(ctx, func(p *C.plextrac_session, cancel *C.plextrac_cancel, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_request(p, r, cancel, &response, err)
	})
	if err != nil || body.hasPanicked() {
		C.plextrac_response_free(response)
		return nil, body.explain(err)
	}
	return takeResponse(response), nil
}

// Client is an http.Client with Session.Transport(nil): the session authorizes its requests to the
// instance. It streams bodies both ways, and has no time limit: give each request a context with a
// deadline, or set Timeout.
func (s *Session) Client() *http.Client {
	return &http.Client{Transport: s.Transport(nil)}
}

// Transport authorizes the requests of any http.Client to the instance; see [Transport]. base sends
// them. If base is nil, an http.Transport with the session's CAs, client certificate and proxy
// sends them; its other settings are those of http.DefaultTransport. Without [WithProxy] it reads the
// environment as net/http does. [Session.Close] closes its idle connections. Any other base uses its own
// certificates and proxy.
func (s *Session) Transport(base http.RoundTripper) *Transport {
	if base == nil {
		base = s.own.get()
	}
	return &Transport{of: s, base: base}
}

// BaseURL is the base URL of the instance, without a final slash. The path of a request follows it.
func (s *Session) BaseURL() string {
	return s.instance.base.String()
}

// State is the state of the session. It is [StateActive] or [StateRefreshing] exactly while a token is usable.
func (s *Session) State() State {
	state := StateClosed
	s.look(func(p *C.plextrac_session) { state = State(C.plextrac_session_state(p)) })
	return state
}

// ExpiresIn is how long the token lives; false if there is no usable one.
func (s *Session) ExpiresIn() (time.Duration, bool) {
	var ms C.uint64_t
	known := false
	s.look(func(p *C.plextrac_session) { known = bool(C.plextrac_session_expires_in_ms(p, &ms)) })
	return milliseconds(uint64(ms)), known
}

// TenantID is the tenant of the current token. False if there is no token or the server named no tenant. 0
// is a tenant.
func (s *Session) TenantID() (int64, bool) {
	var id C.int64_t
	known := false
	s.look(func(p *C.plextrac_session) { known = bool(C.plextrac_session_tenant_id(p, &id)) })
	return int64(id), known
}

// ForgetRejection allows rejected credentials to be sent again. Repeated failures lock accounts.
func (s *Session) ForgetRejection() error {
	return s.call(func(p *C.plextrac_session, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_forget_rejection(p, err)
	})
}

// Logout forgets the token. PlexTrac has no call for this: the token itself stays valid until it
// expires. The budget, rejected credentials and used one-time codes are still remembered.
func (s *Session) Logout() error {
	return s.call(func(p *C.plextrac_session, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_logout(p, err)
	})
}

// Close ends the session. Every current and every later call returns [ErrClosed]. It waits at most a second,
// for an authentication request that was sent. Closing again does nothing.
func (s *Session) Close() error {
	s.cleanup.Stop()
	// Afterwards, so that the MFA callback does not give up while the session is open.
	defer s.stop()
	ptr, open := s.handle.enter()
	if !open {
		return nil
	}
	defer s.handle.leave()
	defer s.handle.close()
	defer s.own.closeIdleConnections()
	return check(func(err **C.plextrac_error) C.int32_t { return C.plextrac_session_close(ptr, err) })
}

// Format shows the instance and the state.
func (s *Session) Format(f fmt.State, _ rune) {
	show(f, "plextrac.Session(%s, %s)", s.BaseURL(), s.State())
}

// with is a session that has this handle, and all else in common.
func (s *Session) with(ptr *C.plextrac_session) *Session {
	another := &Session{
		handle:   newHandle(ptr, func(ptr *C.plextrac_session) { C.plextrac_session_free(ptr) }),
		stop:     s.stop,
		instance: s.instance,
		asker:    s.asker,
		own:      s.own,
	}
	// Freeing waits up to a second for a refresh that was sent: too long for the runtime's own goroutine.
	another.cleanup = runtime.AddCleanup(another, func(h *handle[*C.plextrac_session]) { go h.close() }, another.handle)
	return another
}

// wait makes a call that ctx can end.
func (s *Session) wait(
	ctx context.Context,
	call func(p *C.plextrac_session, cancel *C.plextrac_cancel, err **C.plextrac_error) C.int32_t,
) error {
	err := withCancel(ctx, func(cancel *C.plextrac_cancel) error {
		return s.call(func(p *C.plextrac_session, err **C.plextrac_error) C.int32_t {
			return call(p, cancel, err)
		})
	})
	return s.asker.explain(err)
}

func (s *Session) call(call func(p *C.plextrac_session, err **C.plextrac_error) C.int32_t) error {
	var err error
	if !s.look(func(p *C.plextrac_session) {
		err = check(func(detail **C.plextrac_error) C.int32_t { return call(p, detail) })
	}) {
		return closed("session")
	}
	return err
}

// look is where the pointer is taken, and nowhere else but in Close; false after Close.
func (s *Session) look(use func(p *C.plextrac_session)) bool {
	ptr, open := s.handle.enter()
	if !open {
		return false
	}
	defer runtime.KeepAlive(s)
	defer s.handle.leave()
	use(ptr)
	return true
}

func (s *Session) where() *instance { return s.instance }

// grant is for one request. It asks for the cookie last: if a new token comes in between, a 401 is reported
// for the older one, which does no harm.
func (s *Session) grant(ctx context.Context, cookie bool) (grant, error) {
	authorization, err := s.Authorization(ctx)
	if err != nil || !cookie {
		return grant{authorization: authorization}, err
	}
	value, err := s.Cookie(ctx)
	return grant{authorization, value}, err
}

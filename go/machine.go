package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"sync"
	"time"
)

// Machine makes all decisions about one account on one instance. It has no clock, no goroutines and no
// network, and it never blocks. [MachineSession] is a machine with net/http and a clock. Use a Machine with
// your own.
//
// There is one rule: after each input, and at the moment of an ActionWait, call [Machine.Poll] until an
// action is the last of its drain. Inputs before that are refused with [ErrMustDrain].
//
// A machine may be used from any goroutine. Each call locks it. Hold a lock of your own while you poll a
// drain to its end.
type Machine struct {
	handle  *handle[*C.plextrac_machine]
	cleanup runtime.Cleanup
	baseURL string

	mu sync.Mutex
}

// Failure is the reason why a request of a [Machine] got no answer.
type Failure int32

const (
	// FailureTimeout: there was no answer in time.
	FailureTimeout = Failure(C.PLEXTRAC_FAILURE_TIMEOUT)
	// FailureConnect: there was no connection, for reasons such as name resolution, refusal, or a proxy.
	FailureConnect = Failure(C.PLEXTRAC_FAILURE_CONNECT)
	// FailureTLS: the TLS handshake failed.
	FailureTLS = Failure(C.PLEXTRAC_FAILURE_TLS)
	// FailureCancelled: the program cancelled the request.
	FailureCancelled = Failure(C.PLEXTRAC_FAILURE_CANCELLED)
	// FailureOther: any other failure.
	FailureOther = Failure(C.PLEXTRAC_FAILURE_OTHER)
)

// NewMachine makes a machine that has sent nothing, for the instance at url, which may have no
// scheme, a final slash, or /api/v1. now is the start of its time. Close it when it is no longer needed.
func NewMachine(url string, now Time, options ...MachineOption) (*Machine, error) {
	machine, _, err := newMachine(context.Background(), url, now, options)
	return machine, err
}

func newMachine(ctx context.Context, url string, now Time, options []MachineOption) (*Machine, kept, error) {
	config, err := newConfig(ctx, url)
	if err != nil {
		return nil, kept{}, err
	}
	defer config.free()
	for _, option := range options {
		if err := option.setMachine(config); err != nil {
			return nil, kept{}, err
		}
	}
	var ptr *C.plextrac_machine
	if err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_new(config.ptr, now.c(), &ptr, err)
	}); err != nil {
		return nil, kept{}, err
	}
	m := &Machine{
		handle:  newHandle(ptr, func(ptr *C.plextrac_machine) { C.plextrac_machine_free(ptr) }),
		baseURL: config.baseURL(),
	}
	m.cleanup = runtime.AddCleanup(m, (*handle[*C.plextrac_machine]).close, m.handle)
	return m, config.kept, nil
}

// BaseURL is the base URL of the instance, without a final slash. The path of a request follows it.
func (m *Machine) BaseURL() string { return m.baseURL }

// WantToken asks once for a usable token. Polls then return actions until ActionSignedIn,
// ActionTokenReplaced, ActionNeedMFA, ActionWait or ActionFailed. If the token is live and no refresh is
// due, there is no action. Without a want, nothing is sent: to keep a token alive, want one at the moment
// that ActionWait names.
func (m *Machine) WantToken(now Time) error {
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_want_token(p, now.c(), err)
	})
}

// NeedToken starts the call of one caller that needs a token. It joins the current attempt, or starts one.
// The ActionWake with its ID ends the call. Any number of callers may wait at once, and one attempt serves
// them all. otherThan is an Authorization value that the caller does not accept; "" accepts any token.
//
// timeout is how long the call may take; NoLimit is no limit. Time in which a person is asked for a code
// does not count. wait is how long the caller may wait for the budget, a rate limit or a back-off. If that
// takes longer, ActionWake has [ErrMustWait] at once.
//
// If a one-time code is needed and there is neither a TOTP secret nor a callback, ActionWake has
// [ErrMFARequired]. With [WithMFACallback], which a Machine never calls, the caller continues to wait until
// [Machine.SubmitMFA] or [Machine.DeclineMFA].
func (m *Machine) NeedToken(otherThan string, timeout, wait time.Duration, now Time) (caller uint64, err error) {
	o, oLen := text(otherThan)
	var id C.uint64_t
	err = m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_need_token(p, o, oLen, wholeMilliseconds(timeout), wholeMilliseconds(wait),
			now.c(), &id, err)
	})
	return uint64(id), err
}

// NoLimit is a timeout or a wait without end.
const NoLimit = time.Duration(math.MaxInt64)

// Leave ends the call of a caller, without an ActionWake. A request that was sent continues, and its token
// is kept. [ErrStale] if no caller with this ID waits; [ErrMustDrain].
func (m *Machine) Leave(caller uint64, now Time) error {
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_leave(p, C.uint64_t(caller), now.c(), err)
	})
}

// Poll returns what to do next.
func (m *Machine) Poll(now Time) (*Action, error) {
	var action *C.plextrac_action
	err := m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_poll(p, now.c(), &action, err)
	})
	if err != nil {
		return nil, err
	}
	return takeAction(action), nil
}

// HandleResponse passes the answer to the ActionSend with this ID: status, header lines and the whole body.
// You may stop reading a body after 1 MiB: a larger one is ignored. [ErrStale] if the request with this ID
// is not outstanding; [ErrMustDrain]; [ErrInvalidArgument] for an invalid status.
func (m *Machine) HandleResponse(id uint64, status int, header http.Header, body []byte, now Time) error {
	l := linesOf(header)
	defer l.unpin()
	b, bLen := blob(body)
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_handle_response(p, C.uint64_t(id), C.uint16_t(max(0, min(status, math.MaxUint16))),
			first(l.names), first(l.values), C.size_t(len(l.names)), b, bLen, now.c(), err)
	})
}

// HandleFailure reports that the ActionSend with this ID got no answer, and why.
func (m *Machine) HandleFailure(id uint64, failure Failure, now Time) error {
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_handle_failure(p, C.uint64_t(id), C.int32_t(failure), now.c(), err)
	})
}

// SubmitMFA passes a one-time code after ActionNeedMFA. [ErrInvalidArgument] if it is not six digits, or
// was sent before; [ErrWrongState] if no code is needed, or the challenge is over; [ErrMustDrain].
func (m *Machine) SubmitMFA(code string, now Time) error {
	c, cLen := text(code)
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_submit_mfa(p, c, cLen, now.c(), err)
	})
}

// DeclineMFA reports after ActionNeedMFA that there is no code. Callers that wait for it get
// [ErrMFARequired]. [ErrWrongState] if no code is needed; [ErrMustDrain].
func (m *Machine) DeclineMFA(now Time) error {
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_decline_mfa(p, now.c(), err)
	})
}

// ReportUnauthorized reports that your request, with rejected as its Authorization, was answered with 401.
// The machine drops only this token. If retry is true, want a token, poll, and send the request once more.
// If it is false, a new token was already tried, and the 401 is the answer.
func (m *Machine) ReportUnauthorized(rejected string, now Time) (retry bool, err error) {
	r, rLen := text(rejected)
	var can C.bool
	err = m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_report_unauthorized_retry(p, r, rLen, now.c(), &can, err)
	})
	return bool(can), err
}

// Authorization is the value for the Authorization header. [ErrNotReady] if there is no token yet,
// [ErrExpired] if it has expired: want one.
func (m *Machine) Authorization(now Time) (string, error) {
	return m.secret(func(p *C.plextrac_machine, out **C.plextrac_secret, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_authorization(p, now.c(), out, err)
	})
}

// Cookie is the value for "Cookie: token=VALUE", which GET /api/v1/uploads/… needs instead of
// Authorization, at the time of the latest call that passed a time. Errors are those of
// [Machine.Authorization], and [ErrUnsupported] if the token came without one.
func (m *Machine) Cookie() (string, error) {
	return m.secret(func(p *C.plextrac_machine, out **C.plextrac_secret, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_cookie(p, out, err)
	})
}

// ExpiresIn is how long the token lives from now on; false if there is no usable one.
func (m *Machine) ExpiresIn(now Time) (time.Duration, bool) {
	var ms C.uint64_t
	known := false
	m.look(func(p *C.plextrac_machine) { known = bool(C.plextrac_machine_expires_in_ms(p, now.c(), &ms)) })
	return milliseconds(uint64(ms)), known
}

// Close frees the machine; later calls fail with [ErrClosed]. The answer to an outstanding request is not
// needed any more. Closing again does nothing.
func (m *Machine) Close() error {
	m.cleanup.Stop()
	m.handle.close()
	return nil
}

// Format shows no more than what it is.
func (m *Machine) Format(f fmt.State, _ rune) {
	show(f, "plextrac.Machine")
}

func (m *Machine) secret(
	call func(p *C.plextrac_machine, out **C.plextrac_secret, err **C.plextrac_error) C.int32_t,
) (string, error) {
	var secret *C.plextrac_secret
	err := m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t { return call(p, &secret, err) })
	if err != nil {
		return "", err
	}
	return takeSecret(secret), nil
}

func (m *Machine) call(call func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t) error {
	var err error
	if !m.look(func(p *C.plextrac_machine) {
		err = check(func(detail **C.plextrac_error) C.int32_t { return call(p, detail) })
	}) {
		return closed("machine")
	}
	return err
}

// look is where the pointer is taken, and nowhere else; false after Close. The library wants a machine
// to itself.
func (m *Machine) look(use func(p *C.plextrac_machine)) bool {
	ptr, open := m.handle.enter()
	if !open {
		return false
	}
	defer runtime.KeepAlive(m)
	defer m.handle.leave()
	m.mu.Lock()
	defer m.mu.Unlock()
	use(ptr)
	return true
}

// first is an array as C takes it.
func first(s []C.plextrac_str) *C.plextrac_str {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

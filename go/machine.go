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

// Machine is every decision about one account on one instance, and nothing else: no clock, no
// goroutines, no network. It never blocks. [MachineSession] is a machine with net/http and a clock; this
// is for what has neither, or others.
//
// There is one rule: after anything was handed in, and when the moment of an ActionWait has come, [Machine.Poll]
// until an action is the last of its drain. Anything that is handed in before is refused with
// [ErrMustDrain].
//
// A machine may be used from any goroutine. It is locked for the time of a call; who polls a drain to its
// end should keep others out for longer.
type Machine struct {
	handle  *handle[*C.plextrac_machine]
	cleanup runtime.Cleanup
	baseURL string

	mu sync.Mutex
}

// Failure is how a request of a [Machine] came to bring no answer.
type Failure int32

const (
	// FailureTimeout: no answer in time.
	FailureTimeout = Failure(C.PLEXTRAC_FAILURE_TIMEOUT)
	// FailureConnect: no connection, for reasons such as name resolution, refusal, or a proxy.
	FailureConnect = Failure(C.PLEXTRAC_FAILURE_CONNECT)
	// FailureTLS: the TLS handshake failed.
	FailureTLS = Failure(C.PLEXTRAC_FAILURE_TLS)
	// FailureCancelled: given up on purpose.
	FailureCancelled = Failure(C.PLEXTRAC_FAILURE_CANCELLED)
	// FailureOther: anything else.
	FailureOther = Failure(C.PLEXTRAC_FAILURE_OTHER)
)

// NewMachine makes a machine that has sent nothing, for the instance at url, as people paste it; now is
// where its time begins. Close it when it is no longer needed.
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

// BaseURL is the address of the instance, without a slash at the end: the path of a request follows it.
func (m *Machine) BaseURL() string { return m.baseURL }

// WantToken is one request for a usable token. Polls then yield what to do until ActionSignedIn,
// ActionTokenReplaced, ActionNeedMFA, ActionWait or ActionFailed; nothing if the token is live and its
// refresh not due. Without a want nothing is ever sent: to keep a token alive, want one at the moment
// that ActionWait names.
func (m *Machine) WantToken(now Time) error {
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_want_token(p, now.c(), err)
	})
}

// NeedToken says that one caller needs a token. It joins the attempt that is under way, or starts one. The
// ActionWake with its ID ends the call; any number of callers may wait at once, and one attempt serves them
// all. otherThan is a value for the Authorization header that does not serve; "" if any token does.
//
// timeout is how long the call may take; NoLimit is without end. The time in which a code is asked for is
// added. wait is how much of it may be spent on waiting for the budget, a rate limit or a back-off: if that
// takes longer, ActionWake brings [ErrMustWait] at once.
//
// If a one-time code is needed and there is neither a TOTP secret nor a callback, ActionWake brings
// [ErrMFARequired]. With [WithMFACallback], which a Machine never calls, the caller goes on waiting until
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

// Leave says that a caller waits no longer; there will be no ActionWake for it. A request that is out goes
// on, and its token is kept. [ErrStale] if no caller of that ID waits; [ErrMustDrain].
func (m *Machine) Leave(caller uint64, now Time) error {
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_leave(p, C.uint64_t(caller), now.c(), err)
	})
}

// Poll says what to do next.
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

// HandleResponse hands in the answer to the ActionSend of that ID: status, header lines and the whole
// body. One over 1 MiB need not be read on, it is of no use. [ErrStale] if that request is not the one
// that is out; [ErrMustDrain]; [ErrInvalidArgument] for a status that is none.
func (m *Machine) HandleResponse(id uint64, status int, header http.Header, body []byte, now Time) error {
	l := linesOf(header)
	defer l.unpin()
	b, bLen := blob(body)
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_handle_response(p, C.uint64_t(id), C.uint16_t(max(0, min(status, math.MaxUint16))),
			first(l.names), first(l.values), C.size_t(len(l.names)), b, bLen, now.c(), err)
	})
}

// HandleFailure says that the ActionSend of that ID brought no answer, and how.
func (m *Machine) HandleFailure(id uint64, failure Failure, now Time) error {
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_handle_failure(p, C.uint64_t(id), C.int32_t(failure), now.c(), err)
	})
}

// SubmitMFA hands in six digits after ActionNeedMFA. [ErrInvalidArgument] if these are not six digits, or
// were sent before; [ErrWrongState] if none are asked for, or the challenge is over; [ErrMustDrain].
func (m *Machine) SubmitMFA(code string, now Time) error {
	c, cLen := text(code)
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_submit_mfa(p, c, cLen, now.c(), err)
	})
}

// DeclineMFA says, after ActionNeedMFA, that there is no code: callers that wait for it get
// [ErrMFARequired]. [ErrWrongState] if no code is asked for; [ErrMustDrain].
func (m *Machine) DeclineMFA(now Time) error {
	return m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_decline_mfa(p, now.c(), err)
	})
}

// ReportUnauthorized says that a request of yours, with rejected as its Authorization, was answered with
// 401. The machine gives up that token, and no other. If retry is true, want a token, poll, and send the
// request once more. If it is false, a new token was tried already, and the 401 is the answer.
func (m *Machine) ReportUnauthorized(rejected string, now Time) (retry bool, err error) {
	r, rLen := text(rejected)
	var can C.bool
	err = m.call(func(p *C.plextrac_machine, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_report_unauthorized_retry(p, r, rLen, now.c(), &can, err)
	})
	return bool(can), err
}

// Authorization is the value for the Authorization header. [ErrNotReady] if there is no token yet,
// [ErrExpired] if it has ended: want one.
func (m *Machine) Authorization(now Time) (string, error) {
	return m.secret(func(p *C.plextrac_machine, out **C.plextrac_secret, err **C.plextrac_error) C.int32_t {
		return C.plextrac_machine_authorization(p, now.c(), out, err)
	})
}

// Cookie is the value for "Cookie: token=VALUE", which GET /api/v1/uploads/… wants instead of
// Authorization; as of the latest call that gave the machine a time. Errors are those of
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

// Close frees the machine; later calls fail with [ErrClosed]. A request that is out need not be answered
// any more. Closing again does nothing.
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

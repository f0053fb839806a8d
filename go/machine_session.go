//go:build cgo

package plextrac

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// MachineSession is like [Session], for all goroutines of the program, but with a [Machine] and net/http
// instead of the library's own HTTP. Callers that wait for the network do not hold a thread. Proxy and certificates are those of the http.RoundTripper that it is made with.
//
// One attempt (a sign-in or refresh) serves all waiters. The machine decides which caller starts one, which
// joins, and how long each waits. A goroutine sends the request. It continues when the context of a caller
// ends. Machine sessions share nothing with other processes, and the budget of an
// instance only through [WithBudget].
type MachineSession struct {
	machine  *Machine
	instance *instance
	base     http.RoundTripper
	wait     time.Duration
	asker    *asker
	now      func() Time

	// ctx ends with Close.
	ctx  context.Context
	stop context.CancelFunc

	// mu is held for an input and all its actions.
	mu sync.Mutex
	// waiting has the waiting callers, by their IDs.
	waiting map[uint64]*caller
	// timer polls at the next moment of the machine, while a caller waits.
	timer *time.Timer
	// isAsking says that the callback has not returned.
	isAsking bool
}

// defaultWait is how long a call waits for the budget or a back-off.
const defaultWait = 30 * time.Second

// NewMachineSession makes a session for the instance at url, whose requests base sends; nil is
// http.DefaultTransport. Nothing is sent until a token is needed. Close it when it is no longer needed.
func NewMachineSession(base http.RoundTripper, url string, options ...MachineOption) (*MachineSession, error) {
	ctx, stop := context.WithCancel(context.Background())
	machine, kept, err := newMachine(ctx, url, Now(), options)
	if err != nil {
		stop()
		return nil, err
	}
	instance, err := instanceOf(machine.BaseURL(), kept.headers)
	if err != nil {
		stop()
		_ = machine.Close() // never fails
		return nil, err
	}
	if base == nil {
		base = http.DefaultTransport
	}
	s := &MachineSession{
		machine: machine, instance: instance, base: base,
		wait: defaultWait, asker: kept.asker, now: Now,
		ctx: ctx, stop: stop,
		waiting: map[uint64]*caller{},
	}
	if kept.wait != nil {
		s.wait = *kept.wait
	}
	return s, nil
}

// Login signs in if there is no usable token. If there is one, it sends nothing. Other methods do this by
// themselves. Its errors are those of [Session.Login].
func (s *MachineSession) Login(ctx context.Context) error {
	_, err := s.grant(ctx, false)
	return err
}

// SubmitMFA sends a one-time code after [ErrMFARequired], and waits for the token. Its errors are those of
// [Session.SubmitMFA].
func (s *MachineSession) SubmitMFA(ctx context.Context, code string) error {
	_, err := s.call(ctx, false, func(now Time) error {
		if s.isAsking {
			return &Error{Status: ErrWrongState, Message: "no one-time code is asked for now: the MFA callback is asked; return the code there"}
		}
		return s.machine.SubmitMFA(code, now)
	})
	return err
}

// Authorization is the value for the Authorization header of your own request. It signs in if needed. It
// starts a refresh when one is due, and does not wait for it while there is a token.
func (s *MachineSession) Authorization(ctx context.Context) (string, error) {
	granted, err := s.grant(ctx, false)
	return granted.authorization, err
}

// Cookie is [Session.Cookie].
func (s *MachineSession) Cookie(ctx context.Context) (string, error) {
	granted, err := s.grant(ctx, true)
	return granted.cookie, err
}

// Token is the token of [MachineSession.Authorization] and when it ends.
func (s *MachineSession) Token(ctx context.Context) (Token, error) {
	return tokenFrom(ctx, s)
}

// ReportUnauthorized is [Session.ReportUnauthorized].
func (s *MachineSession) ReportUnauthorized(rejected string) (retry bool, err error) {
	err = s.input(func(now Time) error {
		var err error
		retry, err = s.machine.ReportUnauthorized(rejected, now)
		return err
	})
	return retry && err == nil, s.asOfSession(err)
}

// Client is an http.Client with MachineSession.Transport(nil): the session authorizes its requests to the
// instance. It streams bodies both ways, and has no time limit: give each request a context with a
// deadline, or set Timeout.
func (s *MachineSession) Client() *http.Client {
	return &http.Client{Transport: s.Transport(nil)}
}

// Transport authorizes the requests of any http.Client to the instance; see [Transport]. base sends
// them; nil is the one that the session was made with.
func (s *MachineSession) Transport(base http.RoundTripper) *Transport {
	if base == nil {
		base = s.base
	}
	return &Transport{of: s, base: base}
}

// BaseURL is the base URL of the instance, without a final slash. The path of a request follows it.
func (s *MachineSession) BaseURL() string {
	return s.instance.base.String()
}

// ExpiresIn is how long the token lives; false if there is no usable one.
func (s *MachineSession) ExpiresIn() (time.Duration, bool) {
	return s.machine.ExpiresIn(s.now())
}

// Close ends the session. Every current and every later call returns [ErrClosed]. An outstanding request is
// dropped. Closing again does nothing.
func (s *MachineSession) Close() error {
	s.stop()
	s.mu.Lock()
	s.stopTimer()
	s.mu.Unlock()
	return s.machine.Close()
}

// Format shows the instance.
func (s *MachineSession) Format(f fmt.State, _ rune) {
	show(f, "plextrac.MachineSession(%s)", s.BaseURL())
}

func (s *MachineSession) where() *instance { return s.instance }

// grant is a usable token, waited for if need be.
func (s *MachineSession) grant(ctx context.Context, cookie bool) (grant, error) {
	return s.call(ctx, cookie, func(Time) error { return nil })
}

// asOfSession rewords an error of the machine, because the program knows only the session.
func (s *MachineSession) asOfSession(err error) error {
	if err != nil && s.ctx.Err() != nil {
		return closed("session")
	}
	return err
}

package plextrac

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// MachineSession is what [Session] is, for all goroutines of the program, with a [Machine] and net/http
// in place of the library's own HTTP: however many callers wait for the network, none of them holds a
// thread. Proxy and certificates are those of the http.RoundTripper that it is made with.
//
// One flight (a sign-in or refresh) serves all who wait. It runs in a goroutine that ends with it, and
// goes on when the context of a caller ends. Machine sessions share nothing with other processes, and
// the budget of an instance only through [WithBudget].
type MachineSession struct {
	machine  *Machine
	instance *instance
	base     http.RoundTripper
	patience time.Duration
	asker    *asker
	now      func() Time

	// ctx ends with Close.
	ctx  context.Context
	stop context.CancelFunc

	mu     sync.Mutex
	flight *flight
	// quiet is what the machine last said to wait for: until then a want would start nothing.
	quiet *Action
}

// defaultPatience covers the wait for the next TOTP step (RFC 6238: 30 s).
const defaultPatience = 30 * time.Second

// NewMachineSession makes a session for the instance at url, whose requests base sends; nil is
// http.DefaultTransport. Nothing is sent until a token is needed. Close it when it is no longer needed.
func NewMachineSession(base http.RoundTripper, url string, options ...MachineOption) (*MachineSession, error) {
	ctx, stop := context.WithCancel(context.Background())
	machine, kept, err := newMachine(ctx, url, Now(), options)
	if err != nil {
		stop()
		return nil, err
	}
	instance, err := instanceOf(url, kept.headers)
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
		patience: defaultPatience, asker: kept.asker, now: Now,
		ctx: ctx, stop: stop,
	}
	if kept.wait != nil {
		s.patience = *kept.wait
	}
	return s, nil
}

// Login makes sure that there is a usable token: it signs in if there is none, and sends nothing if
// there is one. Other methods do this by themselves. Its errors are those of [Session.Login].
func (s *MachineSession) Login(ctx context.Context) error {
	_, err := s.grant(ctx, false)
	return err
}

// SubmitMFA hands in six digits after [ErrMFARequired], and waits for the token. Its errors are those of
// [Session.SubmitMFA].
func (s *MachineSession) SubmitMFA(ctx context.Context, code string) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	flight, err := s.submit(code)
	if err != nil {
		return err
	}
	return s.await(ctx, flight)
}

// Authorization is the value for the Authorization header of a request of your own; it signs in when
// needed, and starts a refresh that nobody waits for as long as there is a token.
func (s *MachineSession) Authorization(ctx context.Context) (string, error) {
	granted, err := s.grant(ctx, false)
	return granted.authorization, err
}

// Token is the token of [MachineSession.Authorization] and when it ends.
func (s *MachineSession) Token(ctx context.Context) (Token, error) {
	return tokenFrom(ctx, s)
}

// ReportUnauthorized is [Session.ReportUnauthorized].
func (s *MachineSession) ReportUnauthorized(rejected string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	next, err := s.apply(now, func() error { return s.machine.ReportUnauthorized(rejected, now) })
	if err != nil {
		return s.told(err)
	}
	if s.flight == nil {
		s.quiet = nil
	}
	if next.send != nil {
		// A want stands from before, and its time has come.
		_ = s.follow(next) // a flight that starts has not failed
	}
	return nil
}

// Transport authorizes the requests of any http.Client to the instance; see [Transport]. base sends
// them; nil is the one that the session was made with.
func (s *MachineSession) Transport(base http.RoundTripper) *Transport {
	if base == nil {
		base = s.base
	}
	return newTransport(s, base)
}

// BaseURL is the address of the instance, without a slash at the end: what the path of a request follows.
func (s *MachineSession) BaseURL() string {
	return s.instance.base.String()
}

// ExpiresIn is how long the token lives; false if there is no usable one.
func (s *MachineSession) ExpiresIn() (time.Duration, bool) {
	return s.machine.ExpiresIn(s.now())
}

// Close ends the session: every caller returns with [ErrClosed], and so does every later call; a request
// that is out is given up. Closing again does nothing.
func (s *MachineSession) Close() error {
	s.stop()
	return s.machine.Close()
}

// Format shows the instance.
func (s *MachineSession) Format(f fmt.State, _ rune) {
	show(f, "plextrac.MachineSession(%s)", s.BaseURL())
}

func (s *MachineSession) where() *instance { return s.instance }

// grant is a usable token, waited for if need be.
func (s *MachineSession) grant(ctx context.Context, cookie bool) (grant, error) {
	patienceEnds := time.Now().Add(s.patience)
	// A flight that was joined may have been about something else; the one after it is about this.
	for range 3 {
		granted, flight, err := s.look(ctx, cookie)
		for wait := mustWait(err); wait > 0; wait = mustWait(err) {
			if err := s.sit(ctx, wait, patienceEnds, err); err != nil {
				return grant{}, err
			}
			granted, flight, err = s.look(ctx, cookie)
		}
		if err != nil || flight == nil {
			return granted, err
		}
		if err := s.await(ctx, flight); err != nil {
			// What is in hand serves all the same.
			if granted, ok := s.inHand(cookie); ok {
				return granted, nil
			}
			return grant{}, err
		}
	}
	return grant{}, &Error{Status: ErrNotReady, Retryable: true,
		Message: "there is no token: it ended as soon as it came; call again"}
}

// look is the token in hand, or the flight that may bring one, or why there is neither. It starts what
// is due.
func (s *MachineSession) look(ctx context.Context, cookie bool) (grant, *flight, error) {
	if ctx.Err() != nil {
		return grant{}, nil, cancelled(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var failed error
	if s.flight == nil && s.quietFor(now) == 0 {
		next, err := s.want(now)
		if err != nil {
			return grant{}, nil, s.told(err)
		}
		failed = s.follow(next)
	}
	granted, err := s.held(now, cookie)
	switch {
	case err == nil || errors.Is(err, ErrUnsupported) || errors.Is(err, ErrClosed):
		return granted, nil, s.told(err)
	case s.flight != nil && isInCallbackOf(ctx, s):
		return grant{}, nil, &Error{Status: ErrBusy,
			Message: "a callback called back into the sign-in that waits for it; return the six digits instead"}
	case s.flight != nil:
		return grant{}, s.flight, nil
	case failed != nil:
		return grant{}, nil, failed
	case s.quietFor(now) > 0:
		return grant{}, nil, &Error{Status: ErrMustWait, RetryAfter: s.quietFor(now), Retryable: true,
			Message: "nothing may be sent yet: " + s.quiet.Reason}
	default:
		return grant{}, nil, err
	}
}

// want tells the machine that a token is wanted. What time has brought since is not this caller's.
func (s *MachineSession) want(now Time) (drained, error) {
	next, err := s.drain(now)
	if err != nil || next.send != nil {
		return next, err
	}
	return s.apply(now, func() error { return s.machine.WantToken(now) })
}

// submit starts the flight that sends six digits.
func (s *MachineSession) submit(code string) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight != nil {
		return nil, &Error{Status: ErrWrongState,
			Message: "no one-time code is asked for now: a sign-in is under way; wait for its result"}
	}
	now := s.now()
	next, err := s.apply(now, func() error { return s.machine.SubmitMFA(code, now) })
	if err != nil {
		return nil, s.told(err)
	}
	s.quiet = nil
	if failed := s.follow(next); failed != nil {
		return nil, failed
	}
	if s.flight == nil {
		return &flight{done: alreadyDone}, nil
	}
	return s.flight, nil
}

// await is the outcome of a flight.
func (s *MachineSession) await(ctx context.Context, flight *flight) error {
	select {
	case <-flight.done:
		return s.told(flight.err)
	case <-ctx.Done():
		return cancelled(ctx)
	case <-s.ctx.Done():
		return closed("session")
	}
}

// sit waits as the machine asks, unless that takes longer than the caller wants to: then why is the error.
func (s *MachineSession) sit(ctx context.Context, wait time.Duration, patienceEnds time.Time, why error) error {
	ends := time.Now().Add(wait)
	if deadline, ok := ctx.Deadline(); ends.After(patienceEnds) || ok && ends.After(deadline) {
		return why
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return cancelled(ctx)
	case <-s.ctx.Done():
		return closed("session")
	}
}

func (s *MachineSession) inHand(cookie bool) (grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	granted, err := s.held(s.now(), cookie)
	return granted, err == nil
}

// held is what the machine has. The caller holds the lock, as for all that follows.
func (s *MachineSession) held(now Time, cookie bool) (grant, error) {
	authorization, err := s.machine.Authorization(now)
	if err != nil || !cookie {
		return grant{authorization: authorization}, err
	}
	value, err := s.machine.Cookie()
	return grant{authorization, value}, err
}

func (s *MachineSession) quietFor(now Time) time.Duration {
	if s.quiet == nil {
		return 0
	}
	return now.until(s.quiet.Deadline)
}

// told is an error as this session tells it: it is not the machine that the program knows.
func (s *MachineSession) told(err error) error {
	if err != nil && s.ctx.Err() != nil {
		return closed("session")
	}
	return err
}

// mustWait is how long to wait before the same call may succeed; 0 if that is not what err says.
func mustWait(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.Status == ErrMustWait && e.HTTPStatus == 0 {
		return e.RetryAfter
	}
	return 0
}

//go:build cgo

package plextrac

import (
	"context"
	"errors"
	"time"
)

// caller is one call of a machine session that waits for a token.
type caller struct {
	wantsCookie bool
	// done gets what the call came to.
	done chan outcome
}

type outcome struct {
	grant grant
	err   error
}

// timeoutMargin has the context of a caller end before its timeout does, so that the error is the context's.
const timeoutMargin = time.Second

// call passes an input, and waits for a token as a new caller. No answer arrives in between.
func (s *MachineSession) call(ctx context.Context, cookie bool, first func(now Time) error) (grant, error) {
	if ctx.Err() != nil {
		return grant{}, cancelled(ctx)
	}
	c := &caller{wantsCookie: cookie, done: make(chan outcome, 1)}
	id, err := s.join(ctx, c, first)
	if err != nil {
		return grant{}, s.asOfSession(err)
	}
	if isInCallbackOf(ctx, s) && len(c.done) == 0 {
		s.leave(id)
		return grant{}, &Error{Status: ErrBusy,
			Message: "a callback called the session that waits for the callback; return the one-time code instead"}
	}
	select {
	case got := <-c.done:
		return got.grant, s.asOfSession(s.asker.explain(got.err))
	case <-ctx.Done():
		s.leave(id)
		return grant{}, cancelled(ctx)
	case <-s.ctx.Done():
		return grant{}, closed("session")
	}
}

func (s *MachineSession) join(ctx context.Context, c *caller, first func(now Time) error) (id uint64, err error) {
	timeout, wait := NoLimit, s.wait
	if deadline, ok := ctx.Deadline(); ok {
		left := max(0, time.Until(deadline))
		timeout, wait = left+timeoutMargin, min(wait, left)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.inputLocked(first); err != nil {
		return 0, err
	}
	return id, s.inputLocked(func(now Time) error {
		id, err = s.machine.NeedToken("", timeout, wait, now)
		if err == nil {
			s.waiting[id] = c
		}
		return err
	})
}

func (s *MachineSession) leave(id uint64) {
	_ = s.input(func(now Time) error { // who has been woken meanwhile has left already
		delete(s.waiting, id)
		return s.machine.Leave(id, now)
	})
}

// input passes an input to the machine, and carries out its actions.
func (s *MachineSession) input(hand func(now Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inputLocked(hand)
}

func (s *MachineSession) inputLocked(hand func(now Time) error) error {
	now := s.now()
	err := hand(now)
	if failed := s.drain(now); err == nil {
		err = failed
	}
	return err
}

// drain polls to the last action. Each is carried out elsewhere: nothing here waits.
func (s *MachineSession) drain(now Time) error {
	for {
		action, err := s.machine.Poll(now)
		if err != nil {
			return err
		}
		switch action.Kind {
		case ActionSend:
			go func() { _ = s.input(s.exchange(action)) }() // a stale answer is harmless
		case ActionWake:
			s.wake(action, now)
		case ActionNeedMFA:
			if s.asker != nil && !s.isAsking && len(s.waiting) > 0 {
				s.isAsking = true
				go s.ask(action.MFAAttempt)
			}
		}
		if action.Kind.IsLast() {
			s.pollAt(action.Deadline, now)
			return nil
		}
	}
}

func (s *MachineSession) wake(action *Action, now Time) {
	c, waits := s.waiting[action.Caller]
	if !waits {
		return
	}
	delete(s.waiting, action.Caller)
	got := outcome{err: action.Err}
	if got.err == nil {
		got.grant, got.err = s.held(now, c.wantsCookie)
	}
	c.done <- got
}

// held is what the machine has.
func (s *MachineSession) held(now Time, cookie bool) (grant, error) {
	authorization, err := s.machine.Authorization(now)
	if err != nil || !cookie {
		return grant{authorization: authorization}, err
	}
	value, err := s.machine.Cookie()
	return grant{authorization, value}, err
}

// ask calls the callback for a code.
func (s *MachineSession) ask(attempt int) {
	s.asker.remember(nil)
	code, err := s.asker.ask(context.WithValue(s.ctx, callbackOf{}, s), attempt)
	_ = s.input(func(now Time) error { // the challenge may be over
		s.isAsking = false
		if err == nil {
			err = s.machine.SubmitMFA(code, now)
		}
		if err == nil || errors.Is(err, ErrWrongState) {
			return err
		}
		s.asker.remember(err)
		return s.machine.DeclineMFA(now)
	})
}

// pollAt polls at a moment, if a caller waits. 0 is never. Without callers the session is not kept alive.
func (s *MachineSession) pollAt(deadline uint64, now Time) {
	s.stopTimer()
	if len(s.waiting) > 0 && deadline != 0 && s.ctx.Err() == nil {
		s.timer = time.AfterFunc(now.until(deadline), func() { _ = s.input(func(Time) error { return nil }) })
	}
}

func (s *MachineSession) stopTimer() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// callbackOf marks the context of a callback with the session that waits for it.
type callbackOf struct{}

func isInCallbackOf(ctx context.Context, s *MachineSession) bool {
	waits, _ := ctx.Value(callbackOf{}).(*MachineSession)
	return waits == s
}

package plextrac

import (
	"context"
	"errors"
)

// flight is one attempt of a machine session to get a token, for all who wait.
type flight struct {
	// done is closed when err has its value.
	done chan struct{}
	err  error
}

// alreadyDone is the flight of an attempt that needed none.
var alreadyDone = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// drained is what the machine said from an input to the last of its actions.
type drained struct {
	// send is the request that is to be sent now, if there is one.
	send *Action
	last *Action
	// failed is what ended the want that stood.
	failed error
}

// apply hands something to the machine and drains it.
func (s *MachineSession) apply(now Time, input func() error) (drained, error) {
	if err := input(); err != nil {
		return drained{}, err
	}
	return s.drain(now)
}

func (s *MachineSession) drain(now Time) (drained, error) {
	var d drained
	for {
		action, err := s.machine.Poll(now)
		if err != nil {
			return drained{}, err
		}
		switch {
		case action.Kind == ActionSend:
			d.send = action
		case action.Kind == ActionFailed:
			d.failed = action.Err
		case action.Kind.IsLast():
			d.last = action
			return d, nil
		}
	}
}

// follow starts the flight that a drain asks for. With none, it notes until when there is nothing to do,
// and its result is why there is no token, if that is known.
func (s *MachineSession) follow(next drained) error {
	switch {
	case next.send != nil, next.last.Kind == ActionNeedMFA && s.asker != nil:
		s.flight = &flight{done: make(chan struct{})}
		go s.fly(s.flight, next)
		return nil
	case next.last.Kind == ActionWait && next.last.Deadline != 0:
		s.quiet = next.last
		return next.failed
	case next.last.Kind == ActionNeedMFA && next.failed == nil:
		return &Error{Status: ErrMFARequired, Message: "the password was right, and six digits are needed: " +
			"submit them within two minutes, or set a TOTP secret or a callback"}
	default:
		return next.failed
	}
}

// fly sends what is to be sent and asks for what is needed, until there is nothing more to do.
func (s *MachineSession) fly(f *flight, next drained) {
	for attempt := 1; ; {
		var input func(now Time) error
		if next.send != nil {
			input = s.exchange(next.send)
		} else {
			code, err := s.asker.ask(context.WithValue(s.ctx, callbackOf{}, s), attempt)
			if err != nil {
				s.land(f, s.gaveUp(err))
				return
			}
			attempt++
			input = func(now Time) error {
				err := s.machine.SubmitMFA(code, now)
				if errors.Is(err, ErrInvalidArgument) {
					return s.gaveUp(err)
				}
				return err
			}
		}
		var goesOn bool
		if next, goesOn = s.step(f, input); !goesOn {
			return
		}
	}
}

// step hands the machine what the flight brought; the flight ends here unless there is more for it to do.
func (s *MachineSession) step(f *flight, input func(now Time) error) (drained, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	next, err := s.apply(now, func() error { return input(now) })
	if errors.Is(err, ErrStale) || errors.Is(err, ErrWrongState) {
		// Time went over the request or the challenge; what that comes to is told by the next poll.
		next, err = s.drain(now)
	}
	s.quiet = nil
	if err != nil {
		s.end(f, err)
		return drained{}, false
	}
	if next.send != nil || next.last.Kind == ActionNeedMFA && s.asker != nil {
		return next, true
	}
	s.end(f, s.follow(next))
	return drained{}, false
}

// land ends a flight that has nothing to hand in.
func (s *MachineSession) land(f *flight, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(f, err)
}

func (s *MachineSession) end(f *flight, err error) {
	f.err = err
	s.flight = nil
	close(f.done)
}

func (s *MachineSession) gaveUp(err error) error {
	if s.ctx.Err() != nil {
		return closed("session")
	}
	e := &Error{Status: ErrMFARequired, Message: "six digits are needed, and whoever was asked gave none"}
	return e.because(err)
}

// callbackOf marks the context of a callback with the session that waits for it.
type callbackOf struct{}

func isInCallbackOf(ctx context.Context, s *MachineSession) bool {
	waits, _ := ctx.Value(callbackOf{}).(*MachineSession)
	return waits == s
}

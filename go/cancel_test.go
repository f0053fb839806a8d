package plextrac_test

import (
	"context"
	"errors"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

// soon is far more than a cancellation takes (docs/design.md: 5 ms), and far less than the 30 s that a
// call without one would.
const soon = 2 * time.Second

var stall = "stall"

func TestACallThatIsBlockedEndsWithItsContextAndLeavesNothing(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		e.Fault(t, "sign_in", 1, stall)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- session.Login(ctx) }()
		e.Await(t, "sign_in", "faulted", 1)
		if len(ours()) == 0 {
			t.Fatal("control: a goroutine that waits is not seen")
		}
		began := time.Now()
		cancel()
		err := <-ended
		took := time.Since(began)
		if !errors.Is(err, plextrac.ErrCancelled) || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if took > soon {
			t.Errorf("it took %v", took)
		}
		t.Logf("cancelled in %v", took)
		session.Close()
		nothingIsLeft(t)
	})
}

func TestADeadlineIsADeadlineToWhoeverAsks(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		e.Fault(t, "sign_in", 1, stall)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := session.Login(ctx)
		var e2 *plextrac.Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e2) || !e2.Timeout() {
			t.Errorf("%v", err)
		}
	})
}

func TestTheCauseOfACancellationIsInTheError(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		why := errors.New("the user went home")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		if err := session.Login(ctx); !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if n := e.Count(t, "sign_in", ""); n != 0 {
			t.Errorf("%d sign-ins", n)
		}
	})
}

func TestACallerThatStaysGetsTheTokenOfAnAttempt(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		// Long after a busy machine has seen the request and let its caller leave.
		e.Fault(t, "sign_in", 1, map[string]any{"slow": map[string]any{"ms": 2000}})
		ctx, cancel := context.WithCancel(t.Context())
		left, stayed := make(chan error, 1), make(chan error, 1)
		go func() { left <- session.Login(ctx) }()
		e.Await(t, "sign_in", "", 1)
		go func() { stayed <- session.Login(t.Context()) }()
		cancel()
		if err := <-left; !errors.Is(err, plextrac.ErrCancelled) {
			t.Errorf("who left: %v", err)
		}
		if err := <-stayed; err != nil {
			t.Errorf("who stayed: %v", err)
		}
		if n := e.Count(t, "sign_in", ""); n != 1 {
			t.Errorf("%d sign-ins", n)
		}
	})
}

func TestARequestThatIsOutEndsWithItsContext(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	if err := session.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Fault(t, "api", 1, stall)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := session.Do(ctx, &plextrac.Request{Path: "/api/v2/whoami"})
		ended <- err
	}()
	e.Await(t, "whoami", "faulted", 1)
	began := time.Now()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > soon {
		t.Errorf("it took %v", took)
	}
	nothingIsLeft(t)
}

func TestATimeoutIsTheLibrarysOwn(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()), plextrac.WithTimeout(100*time.Millisecond))
		e.Fault(t, "sign_in", 1, stall)
		err := session.Login(context.Background())
		var e2 *plextrac.Error
		if !errors.Is(err, plextrac.ErrTimeout) || !errors.As(err, &e2) || !e2.Timeout() {
			t.Errorf("%v", err)
		}
	})
}

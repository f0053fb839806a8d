package plextrac_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

func TestClosingGetsEveryCallerOut(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		e.Fault(t, "sign_in", 1, stall)
		const callers = 8
		ended := make(chan error, callers)
		for range callers {
			go func() { ended <- session.Login(context.Background()) }()
		}
		e.Await(t, "sign_in", "faulted", 1)
		began := time.Now()
		var closers sync.WaitGroup
		for range 3 {
			closers.Add(1)
			go func() {
				defer closers.Done()
				if err := session.Close(); err != nil {
					t.Error(err)
				}
			}()
		}
		for range callers {
			if err := <-ended; !errors.Is(err, plextrac.ErrClosed) {
				t.Errorf("%v", err)
			}
		}
		closers.Wait()
		if took := time.Since(began); took > soon {
			t.Errorf("it took %v", took)
		}
		nothingIsLeft(t)
	})
}

func TestAfterCloseEveryCallSaysSo(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := session.Close(); err != nil {
				t.Error(err)
			}
		}
		_, errA := session.Authorization(t.Context())
		_, errT := session.Token(t.Context())
		for i, err := range []error{
			session.Login(t.Context()), errA, errT, session.SubmitMFA(t.Context(), "123456"),
			second(session.Cookie(t.Context())), second(session.ReportUnauthorized("x")),
		} {
			if !errors.Is(err, plextrac.ErrClosed) {
				t.Errorf("%d: %v", i, err)
			}
		}
		if base := session.BaseURL(); base != e.TLSURL {
			t.Errorf("%s", base)
		}
	})
}

func TestASessionThatIsClosedAnswersWithoutTheLibrary(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	session.Close()
	if state := session.State(); state != plextrac.StateClosed {
		t.Errorf("%v", state)
	}
	if _, known := session.ExpiresIn(); known {
		t.Error("it has a life")
	}
	if _, known := session.TenantID(); known {
		t.Error("it has a tenant")
	}
	if _, err := session.Do(t.Context(), &plextrac.Request{Path: "/"}); !errors.Is(err, plextrac.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestWhoeverIsAskedForSixDigitsLearnsThatTheSessionIsClosed(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		asked, released := make(chan struct{}), make(chan struct{})
		session := open(t, password(e.WithMFA()), plextrac.WithMFACallback(func(ctx context.Context, _ int) (string, error) {
			close(asked)
			<-ctx.Done()
			close(released)
			return "", ctx.Err()
		}))
		ended := make(chan error, 1)
		go func() { ended <- session.Login(context.Background()) }()
		<-asked
		session.Close()
		if err := <-ended; !errors.Is(err, plextrac.ErrClosed) {
			t.Errorf("%v", err)
		}
		<-released
		nothingIsLeft(t)
	})
}

func TestASessionCanBeClosedByItsOwnCallback(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		var session account
		ready := make(chan struct{})
		session = open(t, password(e.WithMFA()), plextrac.WithMFACallback(func(context.Context, int) (string, error) {
			<-ready
			return "", session.Close()
		}))
		close(ready)
		if err := session.Login(context.Background()); !errors.Is(err, plextrac.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

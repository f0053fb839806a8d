package plextrac_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

func TestWhatIsForgottenIsFreed(t *testing.T) {
	e := emulatortest.Start(t)
	freed := make(chan struct{})
	func() {
		marker := new([64]byte)
		runtime.AddCleanup(marker, func(freed chan struct{}) { close(freed) }, freed)
		// The library holds the callback, and the callback the marker: that is collected when the library
		// has freed the last that held it.
		session, err := plextrac.NewSession(e.TLSURL, password(e.WithoutMFA()), plextrac.WithCAFile(e.CAFile),
			plextrac.WithProxy(""), plextrac.WithMFACallback(func(context.Context, int) (string, error) {
				return string(marker[:6]), nil
			}))
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		select {
		case <-freed:
			t.Error("control: it was freed while the session was in use")
		default:
		}
		runtime.KeepAlive(session)
	}()
	for began := time.Now(); ; runtime.GC() {
		select {
		case <-freed:
			return
		default:
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("the callback was never given back")
		}
	}
}

func TestGarbageCollectionDisturbsNoCall(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		stop := make(chan struct{})
		var collector, callers sync.WaitGroup
		collector.Add(1)
		go func() {
			defer collector.Done()
			for {
				select {
				case <-stop:
					return
				default:
					runtime.GC()
				}
			}
		}()
		user := e.WithoutMFA()
		session := open(t, password(user))
		for range 4 {
			callers.Add(1)
			go func() {
				defer callers.Done()
				for range 25 {
					ctx, cancel := context.WithCancel(context.Background())
					if _, err := session.Token(ctx); err != nil {
						t.Error(err)
					}
					cancel()
				}
			}()
		}
		callers.Wait()
		// Nothing refers to these after the call but the call.
		for range 10 {
			if err := open(t, password(user)).SubmitMFA(t.Context(), "123456"); !errors.Is(err, plextrac.ErrWrongState) {
				t.Error(err)
			}
			if err := unkept(t, user).WantToken(start); err != nil {
				t.Error(err)
			}
		}
		close(stop)
		collector.Wait()
	})
}

// unkept is a machine that no cleanup of a test refers to.
func unkept(t *testing.T, user emulatortest.Account) *plextrac.Machine {
	t.Helper()
	machine, err := plextrac.NewMachine("acme.plextrac.com", start, password(user))
	if err != nil {
		t.Fatal(err)
	}
	return machine
}

package plextrac_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

func TestWhoWaitsForTheNetworkHoldsNoThread(t *testing.T) {
	e := emulatortest.Start(t)
	e.Fault(t, "sign_in", 2, stall)
	const callers = 100
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, callers)

	machine := machineSessionOn(t, e, password(e.WithoutMFA()))
	for range callers {
		go func() { ended <- machine.Login(ctx) }()
	}
	e.Await(t, "sign_in", "faulted", 1)
	// All wait, the attempt as well, and the network says nothing: none holds a thread. On its
	// way there each is in C for a moment, so one look alone says nothing of who is held.
	awaitStacks(t, "whoever waits holds no thread", func(stacks []string) bool {
		return len(stacks) > callers && !slices.ContainsFunc(stacks, notParked)
	})

	session := sessionOn(t, e, password(e.WithoutMFA()))
	go func() { ended <- session.Login(ctx) }()
	e.Await(t, "sign_in", "faulted", 2)
	for range 100 { // the control: a thread that is held shows, as long as it is held
		if stacks := ours(); !slices.ContainsFunc(stacks, inC) || !slices.ContainsFunc(stacks, notParked) {
			t.Fatalf("control: a thread that is held does not show:\n%s", strings.Join(stacks, "\n\n"))
		}
	}

	cancel()
	for range callers + 1 {
		if err := <-ended; !errors.Is(err, plextrac.ErrCancelled) {
			t.Error(err)
		}
	}
}

func TestARefreshThatIsDueMakesNobodyWait(t *testing.T) {
	e := emulatortest.Start(t)
	session, clock := movable(t, e, password(e.WithoutMFA()))
	first, err := session.Authorization(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(t, 9*time.Minute) // refresh point: between 10 and 11 minutes (docs/design.md)
	if value, err := session.Authorization(t.Context()); err != nil || value != first {
		t.Errorf("too early: %v", err)
	}
	clock.advance(t, 2*time.Minute)
	e.Fault(t, "refresh", 1, map[string]any{"slow": map[string]any{"ms": 300}})
	if value, err := session.Authorization(t.Context()); err != nil || value != first {
		t.Errorf("the token in hand was not handed out: %v", err)
	}
	e.Await(t, "refresh", "ok", 1)
	eventuallyAnother(t, session, first)
	if n := e.Count(t, "sign_in", ""); n != 1 {
		t.Errorf("%d sign-ins", n)
	}
	if n := e.Count(t, "refresh", ""); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestATokenThatHasEndedIsReplacedBySigningIn(t *testing.T) {
	e := emulatortest.Start(t)
	session, clock := movable(t, e, password(e.WithoutMFA()))
	first, err := session.Authorization(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(t, 16*time.Minute)
	if _, known := session.ExpiresIn(); known {
		t.Error("it still has a life")
	}
	second, err := session.Authorization(t.Context())
	if err != nil || second == first {
		t.Errorf("the same token, %v", err)
	}
	if n := e.Count(t, "sign_in", "ok"); n != 2 {
		t.Errorf("%d sign-ins", n)
	}
}

func TestARefreshThatFailsCostsNobodyTheTokenInHand(t *testing.T) {
	e := emulatortest.Start(t)
	session, clock := movable(t, e, password(e.WithoutMFA()))
	first, err := session.Authorization(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(t, 12*time.Minute)
	e.Fault(t, "refresh", 1, map[string]any{"html": map[string]any{"code": 502}})
	for range 3 {
		if value, err := session.Authorization(t.Context()); err != nil || value != first {
			t.Errorf("%v", err)
		}
	}
	e.Await(t, "refresh", "faulted", 1)
	nothingIsLeft(t)
	for range 3 {
		if value, err := session.Authorization(t.Context()); err != nil || value != first {
			t.Errorf("%v", err)
		}
	}
	if n := e.Count(t, "refresh", ""); n != 1 {
		t.Errorf("%d refreshes within the back-off", n)
	}
}

func TestMachinesOfAnInstanceShareABudget(t *testing.T) {
	e := emulatortest.Start(t)
	budget, err := plextrac.NewBudget(2)
	if err != nil {
		t.Fatal(err)
	}
	defer budget.Close()
	open := func() *plextrac.MachineSession {
		return machineSessionOn(t, e, password(e.WithoutMFA()), plextrac.WithBudget(budget), plextrac.WithWait(0))
	}
	first, second := open(), open()
	if err := budget.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = second.Login(t.Context())
	var got *plextrac.Error
	if !errors.Is(err, plextrac.ErrMustWait) || !errors.As(err, &got) || got.RetryAfter < 50*time.Second || got.RetryAfter > 61*time.Second {
		t.Fatalf("%v", err)
	}
	if n := e.Count(t, "sign_in", ""); n != 1 {
		t.Errorf("%d sign-ins", n)
	}
	if err := budget.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := plextrac.NewMachine(e.URL, plextrac.Now(), password(e.WithoutMFA()), plextrac.WithBudget(budget)); !errors.Is(err, plextrac.ErrClosed) {
		t.Errorf("a budget that is closed: %v", err)
	}
}

func TestACallWaitsAsLongAsItWasToldToAndItsContextAllows(t *testing.T) {
	e := emulatortest.Start(t)
	backOff := func(options ...plextrac.MachineOption) (*plextrac.MachineSession, *movableClock) {
		session, clock := movable(t, e, append(options, password(e.WithoutMFA()))...)
		e.Fault(t, "sign_in", 1, map[string]any{"html": map[string]any{"code": 502}})
		if err := session.Login(t.Context()); !errors.Is(err, plextrac.ErrUnexpectedAnswer) {
			t.Fatal(err)
		}
		return session, clock
	}

	hasty, _ := backOff(plextrac.WithWait(0))
	if err := hasty.Login(t.Context()); !errors.Is(err, plextrac.ErrMustWait) {
		t.Errorf("with no wait: %v", err)
	}

	patient, clock := backOff()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := patient.Login(ctx); !errors.Is(err, plextrac.ErrMustWait) || ctx.Err() != nil {
		t.Errorf("with a context that ends before: %v, %v", err, ctx.Err())
	}
	clock.offset.Add(3900) // of the 4 to 6 seconds that a back-off is
	if err := patient.Login(t.Context()); err != nil {
		t.Errorf("with the default wait: %v", err)
	}
}

func TestCloseEndsAnAttemptThatNobodyWaitsFor(t *testing.T) {
	e := emulatortest.Start(t)
	session := machineSessionOn(t, e, password(e.WithoutMFA()))
	e.Fault(t, "sign_in", 1, stall)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- session.Login(ctx) }()
	e.Await(t, "sign_in", "faulted", 1)
	cancel()
	<-ended
	awaitStacks(t, "the attempt goes on", func(stacks []string) bool { return len(stacks) > 0 })
	session.Close()
	nothingIsLeft(t)
}

// movable is a session whose clock and the emulator's are moved together.
func movable(t *testing.T, e *emulatortest.Emulator, options ...plextrac.MachineOption) (*plextrac.MachineSession, *movableClock) {
	clock := &movableClock{emulator: e}
	session := machineSessionOn(t, e, options...)
	session.SetClock(clock.now)
	return session, clock
}

type movableClock struct {
	emulator *emulatortest.Emulator
	offset   atomic.Int64 // milliseconds
}

func (c *movableClock) now() plextrac.Time {
	now, offset := plextrac.Now(), c.offset.Load()
	return plextrac.Time{MonotonicMS: now.MonotonicMS + uint64(offset), UnixMS: now.UnixMS + offset}
}

func (c *movableClock) advance(t *testing.T, by time.Duration) {
	c.emulator.Advance(t, by)
	c.offset.Add(by.Milliseconds())
}

func eventuallyAnother(t *testing.T, session *plextrac.MachineSession, first string) {
	t.Helper()
	for began := time.Now(); ; {
		value, err := session.Authorization(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if value != first {
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("the token was not replaced")
		}
	}
}

var _ http.RoundTripper = (*plextrac.Transport)(nil)

package plextrac_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

func TestAnAccountWithATOTPSecretIsSignedInOverTLS(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		user := e.WithMFA()
		session := open(t, password(user), plextrac.WithTOTPSecret(user.TOTPSecret))
		value, err := session.Authorization(t.Context())
		if err != nil || value == "" {
			t.Fatalf("%q, %v", value, err)
		}
		if again, err := session.Authorization(t.Context()); err != nil || again != value {
			t.Errorf("another token without need, %v", err)
		}
		if signIns, codes := e.Count(t, "sign_in", ""), e.Count(t, "mfa", ""); signIns != 1 || codes != 1 {
			t.Errorf("%d sign-ins and %d second steps were sent", signIns, codes)
		}
	})
}

func TestSixDigitsCanBeHandedInLater(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		user := e.WithMFA()
		session := open(t, password(user))
		if err := session.SubmitMFA(t.Context(), "123456"); !errors.Is(err, plextrac.ErrWrongState) || !strings.Contains(err.Error(), "sign in first") {
			t.Errorf("a code that nobody asked for: %v", err)
		}
		for range 2 {
			if err := session.Login(t.Context()); !errors.Is(err, plextrac.ErrMFARequired) {
				t.Fatalf("login: %v", err)
			}
		}
		if signIns := e.Count(t, "sign_in", ""); signIns != 1 {
			t.Errorf("the challenge in hand was not used: %d sign-ins", signIns)
		}
		if err := session.SubmitMFA(t.Context(), "12345"); !errors.Is(err, plextrac.ErrInvalidArgument) {
			t.Errorf("five digits: %v", err)
		}
		if err := session.SubmitMFA(t.Context(), user.Digits(t, time.Now())); err != nil {
			t.Fatalf("the right digits: %v", err)
		}
		if err := session.Login(t.Context()); err != nil {
			t.Errorf("signed in: %v", err)
		}
	})
}

func TestACallbackIsAskedAgainAfterWrongDigits(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		user := e.WithMFA()
		var mu sync.Mutex
		var attempts []int
		session := open(t, password(user), plextrac.WithMFACallback(func(_ context.Context, attempt int) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, attempt)
			digits := user.Digits(t, time.Now())
			if attempt == 1 {
				return other(digits), nil
			}
			return digits[:3] + " " + digits[3:], nil
		}))
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(attempts, []int{1, 2}) {
			t.Errorf("attempts: %v", attempts)
		}
	})
}

func TestWhyACallbackGaveUpIsInTheError(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		nobody := errors.New("nobody is at the keyboard")
		session := open(t, password(e.WithMFA()), plextrac.WithMFACallback(func(context.Context, int) (string, error) {
			return "", nobody
		}))
		err := session.Login(t.Context())
		if !errors.Is(err, plextrac.ErrMFARequired) || !errors.Is(err, nobody) {
			t.Errorf("%v", err)
		}
	})
}

func TestACallbackThatGivesNoSixDigitsIsAnErrorThatSaysSo(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithMFA()), plextrac.WithMFACallback(func(context.Context, int) (string, error) {
			return "swordfish", nil
		}))
		err := session.Login(t.Context())
		var e2 *plextrac.Error
		if !errors.Is(err, plextrac.ErrMFARequired) || !errors.As(err, &e2) || len(e2.Unwrap()) != 1 {
			t.Fatalf("%v", err)
		}
		if cause := e2.Unwrap()[0].Error(); !strings.Contains(cause, "six digits") || strings.Contains(cause, "swordfish") {
			t.Errorf("%v", cause)
		}
	})
}

func TestACallbackThatCallsBackIsBusyInsteadOfWaitingForItself(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		var session account
		ready := make(chan struct{})
		inside := make(chan error, 1)
		session = open(t, password(e.WithMFA()), plextrac.WithMFACallback(func(ctx context.Context, _ int) (string, error) {
			<-ready
			inside <- session.Login(ctx)
			return "", errors.New("enough")
		}))
		close(ready)
		_ = session.Login(t.Context())
		if err := <-inside; !errors.Is(err, plextrac.ErrBusy) {
			t.Errorf("%v", err)
		}
	})
}

func TestSixtyFourGoroutinesAreServedByOneSignIn(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		e.Fault(t, "sign_in", 1, map[string]any{"slow": map[string]any{"ms": 300}})
		values := make([]string, 64)
		var start, all sync.WaitGroup
		start.Add(1)
		for i := range values {
			all.Add(1)
			go func() {
				defer all.Done()
				start.Wait()
				value, err := session.Authorization(context.Background())
				if err != nil {
					t.Error(err)
				}
				values[i] = value
			}()
		}
		start.Done()
		all.Wait()
		if signIns := e.Count(t, "sign_in", ""); signIns != 1 {
			t.Errorf("%d sign-ins", signIns)
		}
		if len(slices.Compact(values)) != 1 {
			t.Error("not all have the same token")
		}
	})
}

func TestARejectedPasswordIsSentOnce(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, plextrac.WithPassword(e.WithoutMFA().Username, "wrong"))
		for range 3 {
			if err := session.Login(t.Context()); !errors.Is(err, plextrac.ErrRejected) {
				t.Errorf("%v", err)
			}
		}
		if signIns := e.Count(t, "sign_in", ""); signIns != 1 {
			t.Errorf("%d sign-ins", signIns)
		}
	})
}

// other is six digits that are wrong.
func other(digits string) string {
	return digits[:5] + string('0'+(digits[5]-'0'+5)%10)
}

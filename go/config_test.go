package plextrac_test

import (
	"errors"
	"math"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

func TestADurationIsRoundedUpToMilliseconds(t *testing.T) {
	for given, want := range map[time.Duration]uint64{
		-time.Second:         0,
		0:                    0,
		1:                    1,
		time.Millisecond:     1,
		time.Millisecond + 1: 2,
		math.MaxInt64:        math.MaxInt64/uint64(time.Millisecond) + 1,
	} {
		if got := plextrac.WholeMilliseconds(given); got != want {
			t.Errorf("%v: %d, not %d", given, got, want)
		}
	}
}

func TestAKeptSessionRefreshesItself(t *testing.T) {
	e := emulatortest.Start(t, "--token-life", "6")
	session := sessionOn(t, e, password(e.WithoutMFA()), plextrac.WithKeepAlive(time.Hour))
	if err := session.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Await(t, "refresh", "ok", 2)
	if signIns := e.Count(t, "sign_in", "ok"); signIns != 1 {
		t.Errorf("%d sign-ins", signIns)
	}
}

func TestTheLongestDurationsAreTaken(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()), plextrac.WithWait(math.MaxInt64))
		if err := session.Login(t.Context()); err != nil {
			t.Error(err)
		}
	})
	_, err := plextrac.NewSession("acme.example", plextrac.WithTimeout(math.MaxInt64))
	if !errors.Is(err, plextrac.ErrInvalidArgument) {
		t.Errorf("%v", err)
	}
}

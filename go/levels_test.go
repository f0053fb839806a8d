package plextrac_test

import (
	"context"
	"net/http"
	"testing"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

// account is what both levels can do; what is promised of both is tested with both.
type account interface {
	Login(ctx context.Context) error
	SubmitMFA(ctx context.Context, code string) error
	Authorization(ctx context.Context) (string, error)
	Token(ctx context.Context) (plextrac.Token, error)
	Cookie(ctx context.Context) (string, error)
	ReportUnauthorized(rejected string) (retry bool, err error)
	Client() *http.Client
	Transport(base http.RoundTripper) *plextrac.Transport
	BaseURL() string
	Close() error
}

// onBothLevels runs a test with each, against an emulator of its own.
func onBothLevels(t *testing.T, test func(t *testing.T, e *emulatortest.Emulator, open opener)) {
	t.Run("Session", func(t *testing.T) {
		e := emulatortest.Start(t)
		test(t, e, func(t *testing.T, options ...plextrac.Option) account {
			return sessionOn(t, e, forSessions(options)...)
		})
	})
	t.Run("MachineSession", func(t *testing.T) {
		e := emulatortest.Start(t)
		test(t, e, func(t *testing.T, options ...plextrac.Option) account {
			return machineSessionOn(t, e, forMachines(options)...)
		})
	})
}

type opener func(t *testing.T, options ...plextrac.Option) account

// sessionOn is a session with room in its budget for all that a test does.
func sessionOn(t testing.TB, e *emulatortest.Emulator, options ...plextrac.SessionOption) *plextrac.Session {
	t.Helper()
	session, err := plextrac.NewSession(e.TLSURL, append([]plextrac.SessionOption{
		plextrac.WithCAFile(e.CAFile), plextrac.WithProxy(""), plextrac.WithAuthBudget(60),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func machineSessionOn(t testing.TB, e *emulatortest.Emulator, options ...plextrac.MachineOption) *plextrac.MachineSession {
	t.Helper()
	session, err := plextrac.NewMachineSession(e.HTTP(t), e.TLSURL, append([]plextrac.MachineOption{
		plextrac.WithAuthBudget(60),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func password(of emulatortest.Account) plextrac.Option {
	return plextrac.WithPassword(of.Username, of.Password)
}

func forSessions(options []plextrac.Option) (all []plextrac.SessionOption) {
	for _, option := range options {
		all = append(all, option)
	}
	return all
}

func forMachines(options []plextrac.Option) (all []plextrac.MachineOption) {
	for _, option := range options {
		all = append(all, option)
	}
	return all
}

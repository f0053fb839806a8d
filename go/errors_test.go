package plextrac_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

// eitherStatus: the levels stop reading at different places.
const eitherStatus = -1

func TestAnErrorCarriesItsSortTheHTTPStatusAndTheWait(t *testing.T) {
	for name, want := range map[string]struct {
		fault      any
		status     plextrac.Status
		httpStatus int
		wait       time.Duration
		retryable  bool
	}{
		"rate limit":  {map[string]any{"rate_limited": map[string]any{"retry_after": "7"}}, plextrac.ErrMustWait, 429, 7 * time.Second, true},
		"maintenance": {"maintenance", plextrac.ErrUnexpectedAnswer, 503, 5 * time.Second, true},
		"redirect":    {map[string]any{"redirect": map[string]any{"code": 302, "location": "https://x.example/"}}, plextrac.ErrUnexpectedAnswer, 302, 5 * time.Second, true},
		"lost":        {"drop_connection", plextrac.ErrNetwork, 0, 5 * time.Second, true},
		"rejected":    {map[string]any{"error_shape_two": map[string]any{"code": 401}}, plextrac.ErrRejected, 401, 0, false},
		"too large":   {map[string]any{"huge_body": map[string]any{"bytes": 2 << 20}}, plextrac.ErrTooLarge, eitherStatus, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
				session := open(t, password(e.WithoutMFA()), plextrac.WithWait(0))
				e.Fault(t, "sign_in", 1, want.fault)
				err := session.Login(t.Context())
				var got *plextrac.Error
				if !errors.As(err, &got) {
					t.Fatalf("%v", err)
				}
				if !errors.Is(err, want.status) || got.Status != want.status || want.httpStatus != eitherStatus && got.HTTPStatus != want.httpStatus || got.Retryable != want.retryable {
					t.Errorf("%+v: status %v, HTTP %d, retryable %v", got, got.Status, got.HTTPStatus, got.Retryable)
				}
				// Back-off is 5 s, 20 % more or less (docs/design.md).
				if got.RetryAfter < want.wait*8/10-time.Second || got.RetryAfter > want.wait*12/10 {
					t.Errorf("wait %v", got.RetryAfter)
				}
				if !strings.HasPrefix(err.Error(), "plextrac: ") {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func TestAServerThatIsNotThereAndOneThatIsNotTrustedAreToldApart(t *testing.T) {
	e := emulatortest.Start(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := "http://" + listener.Addr().String()
	listener.Close()
	user := password(e.WithoutMFA())
	for url, want := range map[string]plextrac.Status{nowhere: plextrac.ErrNetwork, e.TLSURL: plextrac.ErrTLS} {
		session, err := plextrac.NewSession(url, user, plextrac.WithProxy(""))
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		machine, err := plextrac.NewMachineSession(&http.Transport{}, url, user)
		if err != nil {
			t.Fatal(err)
		}
		defer machine.Close()
		for level, session := range map[string]account{"Session": session, "MachineSession": machine} {
			err := session.Login(t.Context())
			var got *plextrac.Error
			if !errors.Is(err, want) || !errors.As(err, &got) {
				t.Fatalf("%s, %s: %v", level, url, err)
			}
			if got.Retryable != (want == plextrac.ErrNetwork) || (got.RetryAfter > 0) != got.Retryable {
				t.Errorf("%s, %s: retryable %v, after %v", level, url, got.Retryable, got.RetryAfter)
			}
		}
	}
}

func TestAPortThatIsNoneIsNamed(t *testing.T) {
	user := plextrac.WithPassword("me@acme.example", "x")
	_, errOfSession := plextrac.NewSession("https://acme.example:99999", user)
	_, errOfMachine := plextrac.NewMachine("https://acme.example:99999", plextrac.Now(), user)
	for _, err := range []error{errOfSession, errOfMachine} {
		if !errors.Is(err, plextrac.ErrInvalidArgument) || !strings.Contains(err.Error(), "from 1 to 65535") {
			t.Errorf("%v", err)
		}
	}
}

func TestAStatusHasTheNameThatTheLibraryGivesIt(t *testing.T) {
	if name := plextrac.ErrMustWait.Error(); name != "plextrac: MUST_WAIT" {
		t.Error(name)
	}
	if name := plextrac.Status(9999).Error(); name != "plextrac: UNKNOWN" {
		t.Error(name)
	}
	if errors.Is(plextrac.ErrMustWait, plextrac.ErrBusy) {
		t.Error("all statuses are one")
	}
}

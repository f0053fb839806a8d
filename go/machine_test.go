package plextrac_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
)

// start is the moment at which machines of these tests are made; no clock is read.
var start = plextrac.Time{MonotonicMS: 1_000_000, UnixMS: 1_900_000_000_000}

const (
	challenge = `{"status":"success","mfa_enabled":true,"code":"the-challenge"}`
	granted   = `{"status":"success","tenant_id":0,"token":"the.header.token","cookie":"the.cookie.token"}`
)

func TestAMachineSaysWhatToSendAndBelievesWhatItIsTold(t *testing.T) {
	machine := machineFor(t, plextrac.WithPassword("me@acme.example", "correct horse"))
	if _, err := machine.Authorization(start); !errors.Is(err, plextrac.ErrNotReady) {
		t.Errorf("before: %v", err)
	}
	if err := machine.WantToken(start); err != nil {
		t.Fatal(err)
	}
	send := drain(t, machine, start, plextrac.ActionWait)
	request, err := send.NewRequest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(request.Body)
	if request.Method != "POST" || request.URL.String() != machine.BaseURL()+"/api/v1/authenticate" ||
		machine.BaseURL() != "https://acme.plextrac.com" ||
		request.Header.Get("Content-Type") != "application/json" || !strings.Contains(string(body), "correct horse") {
		t.Errorf("%s %s %v %s", request.Method, request.URL, request.Header, body)
	}
	if send.Deadline != start.MonotonicMS+30_000 {
		t.Errorf("deadline %d", send.Deadline)
	}

	answer(t, machine, send, 200, challenge)
	drain(t, machine, start, plextrac.ActionNeedMFA)
	if err := machine.SubmitMFA("123456", start); err != nil {
		t.Fatal(err)
	}
	answer(t, machine, drain(t, machine, start, plextrac.ActionWait), 200, granted)
	drain(t, machine, start, plextrac.ActionWait)

	if value, err := machine.Authorization(start); err != nil || value != "the.header.token" {
		t.Errorf("%q, %v", value, err)
	}
	if value, err := machine.Cookie(); err != nil || value != "the.cookie.token" {
		t.Errorf("%q, %v", value, err)
	}
	if left, known := machine.ExpiresIn(start); !known || left != 14*time.Minute {
		t.Errorf("%v, %v", left, known)
	}
}

func TestInputsThatDoNotFitChangeNothing(t *testing.T) {
	machine := machineFor(t, plextrac.WithPassword("me@acme.example", "correct horse"))
	if err := machine.WantToken(start); err != nil {
		t.Fatal(err)
	}
	if err := machine.WantToken(start); !errors.Is(err, plextrac.ErrMustDrain) {
		t.Errorf("not drained: %v", err)
	}
	send := drain(t, machine, start, plextrac.ActionWait)
	for name, refused := range map[string]struct {
		err  error
		want plextrac.Status
	}{
		"another ID":   {machine.HandleFailure(send.RequestID+1, plextrac.FailureOther, start), plextrac.ErrStale},
		"no status":    {machine.HandleResponse(send.RequestID, -1, nil, nil, start), plextrac.ErrInvalidArgument},
		"no HTTP":      {machine.HandleResponse(send.RequestID, 1<<20, nil, nil, start), plextrac.ErrInvalidArgument},
		"no failure":   {machine.HandleFailure(send.RequestID, 99, start), plextrac.ErrInvalidArgument},
		"not asked":    {machine.SubmitMFA("123456", start), plextrac.ErrWrongState},
		"no six":       {machine.SubmitMFA("abc", start), plextrac.ErrInvalidArgument},
		"no token yet": {second(machine.Cookie()), plextrac.ErrNotReady},
	} {
		if !errors.Is(refused.err, refused.want) {
			t.Errorf("%s: %v", name, refused.err)
		}
	}
	answer(t, machine, send, 200, granted)
	drain(t, machine, start, plextrac.ActionWait)
}

func TestWhyAMachineFailedIsInItsAction(t *testing.T) {
	machine := machineFor(t, plextrac.WithPassword("me@acme.example", "correct horse"))
	if err := machine.WantToken(start); err != nil {
		t.Fatal(err)
	}
	send := drain(t, machine, start, plextrac.ActionWait)
	header := http.Header{"Retry-After": {"7"}, "X-Empty": {""}, "X-Two": {"a", "b"}}
	if err := machine.HandleResponse(send.RequestID, 429, header, []byte(`{"statusCode":429}`), start); err != nil {
		t.Fatal(err)
	}
	action, err := machine.Poll(start)
	if err != nil || action.Kind != plextrac.ActionFailed {
		t.Fatalf("%v, %v", action, err)
	}
	var got *plextrac.Error
	if !errors.As(action.Err, &got) || got.Status != plextrac.ErrMustWait || got.RetryAfter != 7*time.Second || got.HTTPStatus != 429 {
		t.Errorf("%v", action.Err)
	}
	if _, err := action.NewRequest(t.Context()); !errors.Is(err, plextrac.ErrWrongState) {
		t.Errorf("it has a request: %v", err)
	}
	if action.Reason == "" || !strings.Contains(action.Err.Error(), action.Reason) {
		t.Errorf("%q", action.Reason)
	}
}

func TestAMachineThatIsClosedSaysSo(t *testing.T) {
	machine := machineFor(t, plextrac.WithPassword("me@acme.example", "correct horse"))
	for range 2 {
		if err := machine.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := machine.WantToken(start); !errors.Is(err, plextrac.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := machine.Poll(start); !errors.Is(err, plextrac.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, known := machine.ExpiresIn(start); known {
		t.Error("it has a life")
	}
}

func TestABudgetIsOfTwoToSixty(t *testing.T) {
	for _, perMinute := range []int{-1, 0, 1, 61, 1 << 40} {
		if _, err := plextrac.NewBudget(perMinute); !errors.Is(err, plextrac.ErrInvalidArgument) {
			t.Errorf("%d: %v", perMinute, err)
		}
	}
}

func machineFor(t *testing.T, options ...plextrac.MachineOption) *plextrac.Machine {
	t.Helper()
	machine, err := plextrac.NewMachine("acme.plextrac.com/", start, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { machine.Close() })
	return machine
}

// drain polls to the end, which is of this kind, and returns what is to be sent, if anything.
func drain(t *testing.T, machine *plextrac.Machine, now plextrac.Time, last plextrac.ActionKind) (send *plextrac.Action) {
	t.Helper()
	for {
		action, err := machine.Poll(now)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case action.Kind == plextrac.ActionSend:
			send = action
		case action.Kind == plextrac.ActionFailed:
			t.Fatalf("%v", action)
		case action.Kind.IsLast():
			if action.Kind != last {
				t.Fatalf("the drain ended with %v", action)
			}
			return send
		}
	}
}

func answer(t *testing.T, machine *plextrac.Machine, send *plextrac.Action, status int, body string) {
	t.Helper()
	if err := machine.HandleResponse(send.RequestID, status, http.Header{"Content-Type": {"application/json"}}, []byte(body), start); err != nil {
		t.Fatal(err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestCallersOfAMachineAreWokenByTheirIDs(t *testing.T) {
	machine := machineFor(t, plextrac.WithPassword("me@acme.example", "correct horse"))
	join := func() uint64 {
		t.Helper()
		caller, err := machine.NeedToken("", plextrac.NoLimit, 0, start)
		if err != nil || caller == 0 {
			t.Fatalf("%d, %v", caller, err)
		}
		return caller
	}
	first := join()
	if err := machine.Leave(first, start); !errors.Is(err, plextrac.ErrMustDrain) {
		t.Errorf("not drained: %v", err)
	}
	send := drain(t, machine, start, plextrac.ActionWait)
	gone := join()
	drain(t, machine, start, plextrac.ActionWait)
	if err := machine.Leave(gone, start); err != nil {
		t.Fatal(err)
	}
	drain(t, machine, start, plextrac.ActionWait)
	if err := machine.Leave(gone, start); !errors.Is(err, plextrac.ErrStale) {
		t.Errorf("left already: %v", err)
	}
	if err := machine.DeclineMFA(start); !errors.Is(err, plextrac.ErrWrongState) {
		t.Errorf("no code is asked for: %v", err)
	}
	answer(t, machine, send, 200, challenge)
	var woken []uint64
	for {
		action, err := machine.Poll(start)
		if err != nil {
			t.Fatal(err)
		}
		if action.Kind == plextrac.ActionWake {
			woken = append(woken, action.Caller)
			if !errors.Is(action.Err, plextrac.ErrMFARequired) {
				t.Errorf("%v", action.Err)
			}
		}
		if action.Kind.IsLast() {
			if action.Kind != plextrac.ActionNeedMFA || action.MFAAttempt != 1 {
				t.Errorf("%v, attempt %d", action, action.MFAAttempt)
			}
			break
		}
	}
	if !slices.Equal(woken, []uint64{first}) {
		t.Errorf("woken: %v", woken)
	}
}

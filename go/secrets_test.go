package plextrac_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

// verbs are those of fmt, and every way that a type can be asked for itself.
var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%p", "%T"}

func TestNoFormattingOfAnythingShowsASecret(t *testing.T) {
	e := emulatortest.Start(t)
	user := e.WithMFA()
	options := []plextrac.Option{
		password(user), plextrac.WithTOTPSecret(user.TOTPSecret), plextrac.WithHeader("X-Gateway", "gateway-secret"),
	}
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	session := sessionOn(t, e, append(forSessions(options), plextrac.WithLogger(logger))...)
	token, err := session.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := session.Do(t.Context(), &plextrac.Request{Method: "POST", Path: "/api/v1/echo", Body: []byte(`"body-secret"`)})
	if err != nil {
		t.Fatal(err)
	}
	machines := machineSessionOn(t, e, forMachines(options)...)
	send, machine := sendOf(t, options)
	request := plextrac.Request{
		Path: "/x?key=query-secret", Body: []byte("body-secret"), Header: http.Header{"X": {"header-secret"}},
	}

	secrets := []string{
		user.Password, user.TOTPSecret, token.AccessToken(), "gateway-secret", "body-secret", "query-secret", "header-secret",
	}
	shown := map[string]any{
		"Session": session, "*Token": &token, "Token": token, "Response": answer, "Response value": *answer,
		"MachineSession": machines, "Machine": machine, "Action": send, "Action value": *send,
		"Transport": session.Transport(nil), "Request": &request, "Request value": request,
		"Option": options[0], "Options": options,
		// In fields that are not exported fmt asks no method.
		"inside": struct {
			session  *plextrac.Session
			token    plextrac.Token
			machines *plextrac.MachineSession
			option   plextrac.Option
			action   *plextrac.Action
			value    plextrac.Action
		}{session, token, machines, options[0], send, *send},
	}
	for name, value := range shown {
		programsOwn := strings.HasPrefix(name, "Request") || strings.HasPrefix(name, "Response")
		for _, verb := range verbs {
			if programsOwn && verb == "%p" {
				continue // the one verb that asks no method; vet refuses it
			}
			leaks(t, name+" by "+verb, fmt.Sprintf(verb, value), secrets)
		}
		if programsOwn {
			continue // it may well be wanted as JSON
		}
		if text, err := json.Marshal(value); err == nil {
			leaks(t, name+" as JSON", string(text), secrets)
		}
	}
	if log.String() == "" {
		t.Error("nothing was logged")
	}
	leaks(t, "the log", log.String(), secrets)

	control := fmt.Sprintf("%+v", struct{ password string }{user.Password})
	if !strings.Contains(control, user.Password) {
		t.Error("control: what is shown is not found")
	}
}

func TestNoErrorHoldsWhatWasInTheRequest(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, plextrac.WithPassword(e.WithoutMFA().Username, "password-secret"))
		echo := map[string]any{"status": map[string]any{
			"code": 401, "content_type": "application/json", "body": `{"status":"error","message":"no password-secret here"}`,
		}}
		e.Fault(t, "sign_in", 1, echo)
		err := session.Login(t.Context())
		if !errors.Is(err, plextrac.ErrRejected) {
			t.Fatal(err)
		}
		for _, verb := range verbs {
			leaks(t, verb, fmt.Sprintf(verb, err), []string{"password-secret"})
		}
	})
	for _, option := range []plextrac.Option{
		plextrac.WithPassword("me", "password-secret\n"), plextrac.WithToken("token secret\r\n\x00"),
		plextrac.WithTOTPSecret("totp-secret!"), plextrac.WithHeader("X", "header-secret\n"),
	} {
		_, err := plextrac.NewSession("acme.plextrac.com", option)
		if err == nil {
			t.Fatal("it was taken")
		}
		leaks(t, "an option", fmt.Sprintf("%+v", err), []string{"secret\n", "-secret", "token secret"})
	}
	if _, err := plextrac.NewSession("https://me:url-secret@host"); err == nil || strings.Contains(err.Error(), "url-secret") {
		t.Errorf("%v", err)
	}
}

func leaks(t *testing.T, what, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret))} {
			if strings.Contains(text, strings.Trim(form, "[]")) {
				t.Errorf("%s shows %.8s…", what, secret)
			}
		}
	}
}

// sendOf is the action of a machine that is about to send the password.
func sendOf(t *testing.T, options []plextrac.Option) (*plextrac.Action, *plextrac.Machine) {
	t.Helper()
	machine := machineFor(t, forMachines(options)...)
	if err := machine.WantToken(start); err != nil {
		t.Fatal(err)
	}
	return drain(t, machine, start, plextrac.ActionWait), machine
}

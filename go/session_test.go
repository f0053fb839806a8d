package plextrac_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

func TestASessionSendsRequestsAndTellsWhereItStands(t *testing.T) {
	e := emulatortest.Start(t)
	user := e.WithoutMFA()
	session := sessionOn(t, e, password(user))
	if state := session.State(); state != plextrac.StateSignedOut {
		t.Errorf("before: %v", state)
	}
	answer, err := session.Do(t.Context(), &plextrac.Request{Path: "/api/v2/whoami"})
	if err != nil {
		t.Fatal(err)
	}
	var who struct{ Username string }
	if err := json.Unmarshal(answer.Body, &who); err != nil || who.Username != user.Username {
		t.Errorf("%d %s", answer.StatusCode, answer.Body)
	}
	if answer.Header.Get("Content-Type") == "" {
		t.Error("no header lines")
	}
	if state := session.State(); state != plextrac.StateActive {
		t.Errorf("after: %v", state)
	}
	if left, ok := session.ExpiresIn(); !ok || left < 13*time.Minute || left > 15*time.Minute {
		t.Errorf("it lives %v, %v", left, ok)
	}
	if cookie, err := session.Cookie(t.Context()); err != nil || len(cookie) < 20 {
		t.Errorf("cookie of %d bytes, %v", len(cookie), err)
	}
	if tenant, ok := session.TenantID(); !ok || tenant != 0 {
		t.Errorf("tenant %d, %v", tenant, ok)
	}
}

func TestABodyIsCalledJSONUnlessItIsCalledSomethingElse(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	for _, request := range []*plextrac.Request{
		{Method: "POST", Path: "/api/v1/echo", Body: []byte(`{"a":1}`)},
		{Method: "PUT", Path: "/api/v1/echo", Body: []byte("x\x00y"), Header: http.Header{"Content-Type": {"image/png"}}},
	} {
		answer, err := session.Do(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(answer.Body, request.Body) || answer.Header.Get("X-Echo-Method") != request.Method {
			t.Errorf("%v: %d %q", request, answer.StatusCode, answer.Body)
		}
	}
}

func TestARequestThatCannotBeMeantIsRefusedAndNothingIsSent(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	for _, request := range []*plextrac.Request{
		{Path: e.TLSURL + "/api/v2/whoami"},
		{Path: ""},
		{Path: "/x", Method: "NO METHOD"},
		{Path: "/x", Header: http.Header{"Authorization": {"mine"}}},
		{Path: "/x", Header: http.Header{"X": {"a\r\nb"}}},
	} {
		if _, err := session.Do(t.Context(), request); !errors.Is(err, plextrac.ErrInvalidArgument) {
			t.Errorf("%v: %v", request, err)
		}
	}
	if sent := e.Count(t, "sign_in", ""); sent != 0 {
		t.Errorf("%d sign-ins", sent)
	}
}

func TestRefreshAndLogoutDoWhatTheySay(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	before, err := session.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.Advance(t, time.Second) // or the new token would be byte for byte the old one
	if err := session.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := session.Token(t.Context())
	if err != nil || after.AccessToken() == before.AccessToken() {
		t.Errorf("the same token, %v", err)
	}
	if n := e.Count(t, "refresh", "ok"); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	if err := session.Logout(); err != nil {
		t.Fatal(err)
	}
	if state := session.State(); state != plextrac.StateSignedOut {
		t.Errorf("%v", state)
	}
}

func TestForgettingARejectionLetsThePasswordBeSentAgain(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, plextrac.WithPassword(e.WithoutMFA().Username, "wrong"))
	for range 2 {
		if err := session.Login(t.Context()); !errors.Is(err, plextrac.ErrRejected) {
			t.Fatal(err)
		}
	}
	if state := session.State(); state != plextrac.StateLatched {
		t.Errorf("%v", state)
	}
	if err := session.ForgetRejection(); err != nil {
		t.Fatal(err)
	}
	_ = session.Login(t.Context())
	if n := e.Count(t, "sign_in", "rejected"); n != 2 {
		t.Errorf("%d sign-ins", n)
	}
}

func TestATokenFitsOAuth2WhateverTheScheme(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		for _, options := range [][]plextrac.Option{nil, {plextrac.WithBearer()}} {
			session := open(t, append(options, password(e.WithoutMFA()))...)
			token, err := session.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(token.AccessToken(), ".") != 2 || strings.Contains(token.AccessToken(), " ") {
				t.Errorf("not a JWT alone: %d bytes", len(token.AccessToken()))
			}
			if left := time.Until(token.Expiry); left < 13*time.Minute || left > 15*time.Minute {
				t.Errorf("it lives %v", left)
			}
			value, err := session.Authorization(t.Context())
			if want := token.AccessToken(); err != nil || value != want && value != "Bearer "+want {
				t.Errorf("another header value, %v", err)
			}
		}
	})
}

func TestALoggerIsToldWhatHappens(t *testing.T) {
	e := emulatortest.Start(t)
	var out lockedBuffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	session := sessionOn(t, e, password(e.WithoutMFA()), plextrac.WithLogger(logger))
	if err := session.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := session.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, level := range []string{"level=INFO", "level=DEBUG"} {
		// The logger may be called a moment after the call that it is about.
		for began := time.Now(); !strings.Contains(out.String(), level); time.Sleep(time.Millisecond) {
			if time.Since(began) > 20*time.Second {
				t.Fatalf("no line of %s in:\n%s", level, out.String())
			}
		}
	}
}

func TestOptionsThatCannotBeMeantAreRefused(t *testing.T) {
	for name, option := range map[string]plextrac.SessionOption{
		"empty password":  plextrac.WithPassword("me", ""),
		"line end":        plextrac.WithPassword("me", "x\n"),
		"token":           plextrac.WithToken("a\r\nb"),
		"seed":            plextrac.WithTOTPSecret("!"),
		"no callback":     plextrac.WithMFACallback(nil),
		"header":          plextrac.WithHeader("Authorization", "x"),
		"timeout":         plextrac.WithTimeout(0),
		"negative":        plextrac.WithTimeout(-time.Second),
		"negative wait":   plextrac.WithWait(-1),
		"budget":          plextrac.WithAuthBudget(-1),
		"large budget":    plextrac.WithAuthBudget(1 << 40),
		"CA file":         plextrac.WithCAFile("/does/not/exist"),
		"CA text":         plextrac.WithCAPEM([]byte("no certificate")),
		"proxy":           plextrac.WithProxy("ftp://x"),
		"no logger":       plextrac.WithLogger(nil),
		"bytes, not text": plextrac.WithToken("\xff\xfe"),
	} {
		session, err := plextrac.NewSession("acme.plextrac.com", plextrac.WithPassword("me", "x"), option)
		if !errors.Is(err, plextrac.ErrInvalidArgument) || session != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, url := range []string{"", "ftp://x", "https://me:pw@host", "http://acme.plextrac.com"} {
		if _, err := plextrac.NewSession(url, plextrac.WithPassword("me", "x")); !errors.Is(err, plextrac.ErrInvalidArgument) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := plextrac.NewSession("acme.plextrac.com"); !errors.Is(err, plextrac.ErrInvalidArgument) {
		t.Errorf("nothing to sign in with: %v", err)
	}
}

func TestTheAddressOfAnInstanceIsReadAsPeoplePasteIt(t *testing.T) {
	for _, pasted := range []string{
		"acme.plextrac.com", "https://acme.plextrac.com/", "https://ACME.plextrac.com:443/api/v1/",
	} {
		session, err := plextrac.NewSession(pasted, plextrac.WithPassword("me", "x"))
		if err != nil {
			t.Fatal(err)
		}
		if base := session.BaseURL(); base != "https://acme.plextrac.com" {
			t.Errorf("%s is %s", pasted, base)
		}
		session.Close()
	}
}

func TestSessionsAreSharedThroughADirectory(t *testing.T) {
	e := emulatortest.Start(t)
	folder := t.TempDir() + "/state"
	first := sessionOn(t, e, password(e.WithoutMFA()), plextrac.WithStateDir(folder))
	value, err := first.Authorization(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second := sessionOn(t, e, password(e.WithoutMFA()), plextrac.WithStateDir(folder))
	if shared, err := second.Authorization(t.Context()); err != nil || shared != value {
		t.Errorf("not the same token, %v", err)
	}
	if n := e.Count(t, "sign_in", ""); n != 1 {
		t.Errorf("%d sign-ins", n)
	}
}

func TestSessionsAreSharedThroughAStore(t *testing.T) {
	const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	engine := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no")
	if err := engine.Start(); err != nil {
		t.Fatalf("%v; install Debian's package redis-server", err)
	}
	stop := sync.OnceFunc(func() {
		_ = engine.Process.Kill()
		_ = engine.Wait()
	})
	t.Cleanup(stop)
	for ends := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			break
		} else if time.Now().After(ends) {
			t.Fatal(err)
		}
	}

	e := emulatortest.Start(t)
	var values [2]string
	for i := range values {
		session := sessionOn(t, e, password(e.WithoutMFA()), plextrac.WithStore("redis://"+address, key))
		if values[i], err = session.Authorization(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := e.Count(t, "sign_in", ""); values[0] != values[1] || n != 1 {
		t.Errorf("%d sign-ins", n)
	}
	_, err = plextrac.NewSession("acme.example", plextrac.WithStore("redis://:hunter2@", key))
	if !errors.Is(err, plextrac.ErrInvalidArgument) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	stop()
	_, err = plextrac.NewSession(e.TLSURL, password(e.WithoutMFA()), plextrac.WithStore("redis://"+address, key))
	if !errors.Is(err, plextrac.ErrStore) {
		t.Errorf("%v", err)
	}
}

func TestTheLibraryThatIsLoadedSaysItsVersion(t *testing.T) {
	if strings.Count(plextrac.Version(), ".") != 2 {
		t.Errorf("%q", plextrac.Version())
	}
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func TestAnAnswerOverTheResponseLimitIsRefused(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()), plextrac.WithResponseLimit(4))
	echo := func(body string) error {
		request := &plextrac.Request{Method: "PUT", Path: "/api/v1/echo", Body: []byte(body)}
		_, err := session.Do(t.Context(), request)
		return err
	}
	if err := echo("1234"); err != nil {
		t.Error(err)
	}
	if err := echo("12345"); !errors.Is(err, plextrac.ErrTooLarge) {
		t.Error(err)
	}
}

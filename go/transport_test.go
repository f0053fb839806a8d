package plextrac_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

func TestAnyHTTPClientIsAuthorized(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		response, err := client.Get(session.BaseURL() + "/api/v2/whoami")
		if err != nil {
			t.Fatal(err)
		}
		if body := read(t, response); response.StatusCode != 200 || !strings.Contains(body, e.WithoutMFA().Username) {
			t.Errorf("%d %s", response.StatusCode, body)
		}
		client.CloseIdleConnections()
	})
}

func TestAfterA401ARequestIsSentOnceMoreWithItsBody(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.Revoke(t)
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		response, err := client.Post(session.BaseURL()+"/api/v1/echo", "text/plain", strings.NewReader("twice"))
		if err != nil {
			t.Fatal(err)
		}
		if body := read(t, response); response.StatusCode != 200 || body != "twice" {
			t.Errorf("%d %s", response.StatusCode, body)
		}
		if refused, ok := e.Count(t, "echo", "unauthorized"), e.Count(t, "echo", "ok"); refused != 1 || ok != 1 {
			t.Errorf("%d refused, %d accepted", refused, ok)
		}
	})
}

func TestABodyThatCannotBeGivenAgainIsNotSentAgain(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.Revoke(t)
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		body := &closing{Reader: strings.NewReader("once")}
		response, err := client.Post(session.BaseURL()+"/api/v1/echo", "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		read(t, response)
		if response.StatusCode != http.StatusUnauthorized || e.Count(t, "echo", "") != 1 {
			t.Errorf("%d after %d requests", response.StatusCode, e.Count(t, "echo", ""))
		}
		response, err = client.Post(session.BaseURL()+"/api/v1/echo", "text/plain", &closing{Reader: strings.NewReader("next")})
		if err != nil {
			t.Fatal(err)
		}
		if answer := read(t, response); response.StatusCode != 200 || answer != "next" {
			t.Errorf("the next one: %d %s", response.StatusCode, answer)
		}
	})
}

func TestA401ThatANewTokenDoesNotCureIsTheAnswer(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		e.Fault(t, "api", 4, map[string]any{"status": map[string]any{"code": 401, "body": "no"}})
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		for i, wantSent := range []int{2, 3} {
			response, err := client.Get(session.BaseURL() + "/api/v1/echo")
			if err != nil {
				t.Fatal(err)
			}
			if body := read(t, response); response.StatusCode != 401 || body != "no" {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			if sent := e.Count(t, "echo", ""); sent != wantSent {
				t.Errorf("after %d: %d were sent", i+1, sent)
			}
		}
	})
}

func TestTheTokenGoesToNoOtherOrigin(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		stranger := emulatortest.Start(t)
		session := open(t, password(e.WithoutMFA()))
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		e.Fault(t, "api", 1, map[string]any{"redirect": map[string]any{"code": 302, "location": stranger.URL + "/api/v1/echo"}})
		for _, url := range []string{
			session.BaseURL() + "/api/v1/echo", // is redirected
			stranger.TLSURL + "/api/v1/echo",
			e.URL + "/api/v1/echo", // the same host on another port and scheme
			"https://localhost/",
		} {
			_, err := client.Get(url)
			var got *plextrac.Error
			if !errors.Is(err, plextrac.ErrInvalidArgument) || !errors.As(err, &got) {
				t.Errorf("%s: %v", url, err)
			}
		}
		if n := stranger.Count(t, "echo", ""); n != 0 {
			t.Errorf("the stranger got %d requests", n)
		}
	})
}

func TestWhatASessionRefusesOfAPathItsTransportRefuses(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		for _, path := range []string{
			"/../x", "/api/v1/uploads/../echo", "/%2e%2E/x", "/x/.", "/x%2f..%2Fy",
			"/api/v1/authenticate", "/api/v1/authenticate/mfa", "//API/v1/token/refresh/",
		} {
			request := &plextrac.Request{Method: "POST", Path: path}
			_, err := client.Post(session.BaseURL()+path, "application/json", strings.NewReader("{}"))
			if !errors.Is(err, plextrac.ErrInvalidArgument) {
				t.Errorf("%s: %v", path, err)
			}
			if level1, ok := session.(*plextrac.Session); ok {
				if _, err := level1.Do(t.Context(), request); !errors.Is(err, plextrac.ErrInvalidArgument) {
					t.Errorf("by the session: %s: %v", path, err)
				}
			}
		}
		if n := e.Count(t, "sign_in", ""); n != 0 {
			t.Errorf("%d sign-ins", n)
		}
		for _, path := range []string{"/api/v1/echo/...", "/api/v1/echo?to=/../x"} {
			response, err := client.Get(session.BaseURL() + path)
			if err != nil {
				t.Fatal(err)
			}
			if read(t, response); response.StatusCode != 200 {
				t.Errorf("%s: %d", path, response.StatusCode)
			}
		}
	})
}

func TestTheCallersRequestIsNotChangedAndItsBodyIsAlwaysClosed(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()), plextrac.WithHeader("X-Gateway", "let me in"))
		transport := session.Transport(e.HTTP(t))
		for _, url := range []string{session.BaseURL() + "/api/v1/echo", "https://localhost/", session.BaseURL() + "/api/v1/uploads/x"} {
			body := &closing{Reader: strings.NewReader("x"), closed: make(chan struct{})}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, body)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "the caller's own")
			before := request.Header.Clone()
			if response, err := transport.RoundTrip(request); err == nil {
				read(t, response)
			}
			if !reflect.DeepEqual(request.Header, before) || request.Body != body {
				t.Errorf("%s: changed to %v", url, request.Header)
			}
			body.await(t)
		}
	})
}

func TestWhenThereIsNoTokenTheRequestIsNotSent(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithMFA()))
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		_, err := client.Get(session.BaseURL() + "/api/v1/echo")
		if !errors.Is(err, plextrac.ErrMFARequired) {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, session.BaseURL()+"/api/v1/echo", nil)
		if _, err := client.Do(request); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if n := e.Count(t, "echo", ""); n != 0 {
			t.Errorf("%d were sent", n)
		}
	})
}

func TestRequestHeadersReplaceThoseOfTheSession(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()), plextrac.WithHeader("X-Gateway", "let me in"))
		seen := &recorder{base: e.HTTP(t)}
		client := &http.Client{Transport: session.Transport(seen)}
		request, _ := http.NewRequest(http.MethodGet, session.BaseURL()+"/api/v1/echo", nil)
		for _, want := range []string{"let me in", "my own"} {
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			read(t, response)
			if got := seen.last.Header.Values("X-Gateway"); len(got) != 1 || got[0] != want {
				t.Errorf("%v, not %s", got, want)
			}
			request.Header.Set("X-Gateway", "my own")
		}
	})
}

func TestAnUploadIsFetchedWithTheCookie(t *testing.T) {
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		want := []byte("upload logo.png\n")
		for b := range 256 {
			want = append(want, byte(b))
		}
		for _, revoked := range []bool{false, true} {
			if revoked {
				e.Revoke(t)
			}
			request, _ := http.NewRequest(http.MethodGet, session.BaseURL()+"/api/v1/uploads/logo.png", nil)
			request.Header.Set("User-Agent", "mine/1")
			request.Header.Set("Cookie", "of=the-program")
			request.Header.Set("Authorization", "of the program")
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if body := read(t, response); response.StatusCode != 200 || body != string(want) || response.Status != "200 OK" {
				t.Errorf("revoked %v: %s, %d bytes", revoked, response.Status, len(body))
			}
		}
	})
}

func read(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// closing is a body that net/http cannot give again, and that knows when it was closed.
type closing struct {
	io.Reader
	closed chan struct{}
}

func (c *closing) Close() error {
	if c.closed != nil {
		select {
		case <-c.closed:
		default:
			close(c.closed)
		}
	}
	return nil
}

// await lets the goroutine in which net/http writes come to its end.
func (c *closing) await(t *testing.T) {
	t.Helper()
	select {
	case <-c.closed:
	case <-time.After(10 * time.Second):
		t.Error("the body was not closed")
	}
}

// recorder keeps the last request that passed.
type recorder struct {
	base http.RoundTripper
	last *http.Request
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.last = request
	return r.base.RoundTrip(request)
}

package plextrac_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

// zeros is a body of zeros, and no reader that net/http knows.
type zeros struct{ left int }

func (z *zeros) Read(room []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	count := min(len(room), z.left)
	clear(room[:count])
	z.left -= count
	return count, nil
}

func TestATransportHoldsNoBodyInMemory(t *testing.T) {
	// Holding one of the two bodies takes at least large. The race detector drops pooled buffers: 13 MiB then.
	const large, little = 32 << 20, 24 << 20
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		response, err := client.Post(session.BaseURL()+"/api/v1/echo", "text/plain", &zeros{left: large})
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		length, err := io.Copy(io.Discard, response.Body)
		if err != nil || length != large || response.StatusCode != 200 {
			t.Errorf("%d: %d bytes, %v", response.StatusCode, length, err)
		}
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > little {
			t.Errorf("%d bytes were allocated", allocated)
		}
	})
}

func TestASessionStreamsBodiesBothWays(t *testing.T) {
	const large, little = 32 << 20, 24 << 20
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	if err := session.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, length := range []int64{large, 0} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		response, err := session.Stream(t.Context(), echo(&zeros{left: large}, length))
		if err != nil {
			t.Fatal(err)
		}
		received, err := io.Copy(io.Discard, response.Body)
		if err != nil || received != large || response.StatusCode != 200 || response.Header.Get("Content-Type") == "" {
			t.Errorf("%d: %d bytes, %v, %v", response.StatusCode, received, response.Header, err)
		}
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > little {
			t.Errorf("%d bytes were allocated", allocated)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if _, err := response.Body.Read(make([]byte, 1)); err != io.EOF && !errors.Is(err, plextrac.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

func TestAfterA401ABodyIsSentAgainIfItCanSeek(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()), plextrac.WithAuthBudget(60))
	for _, test := range []struct {
		name   string
		body   io.Reader
		status int
		echoed string
	}{
		{"seeker", io.NewSectionReader(strings.NewReader("the whole body"), 4, 10), 200, "whole"},
		{"no seeker", iotest.OneByteReader(strings.NewReader("whole")), 401, ""},
	} {
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.Revoke(t)
		response, err := session.Do(t.Context(), echo(test.body, 5))
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != test.status || test.echoed != "" && string(response.Body) != test.echoed {
			t.Errorf("%s: %d %q", test.name, response.StatusCode, response.Body)
		}
	}
}

func TestAReaderThatFailsIsInTheError(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	broken := errors.New("the disk is broken")
	for want, body := range map[error]io.Reader{
		broken:           io.MultiReader(strings.NewReader("begin"), iotest.ErrReader(broken)),
		io.ErrNoProgress: stuck{},
	} {
		_, errOfDo := session.Do(t.Context(), echo(body, 0))
		_, errOfStream := session.Stream(t.Context(), echo(body, 0))
		for _, err := range []error{errOfDo, errOfStream} {
			if !errors.Is(err, plextrac.ErrIO) || !errors.Is(err, want) {
				t.Errorf("%v is not %v", err, want)
			}
		}
	}
	for _, request := range []*plextrac.Request{
		{Path: "/x", Body: []byte("x"), BodyReader: strings.NewReader("x")},
		{Path: "/x", BodyReader: strings.NewReader("x"), BodyLength: -1},
	} {
		if _, err := session.Do(t.Context(), request); !errors.Is(err, plextrac.ErrInvalidArgument) {
			t.Errorf("%v", err)
		}
	}
}

func TestAPanicOfAReaderReachesTheCaller(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	for name, call := range map[string]func(){
		"Do":     func() { _, _ = session.Do(t.Context(), echo(panicking{}, 0)) },
		"Stream": func() { _, _ = session.Stream(t.Context(), echo(panicking{}, 0)) },
	} {
		func() {
			defer func() {
				if got := recover(); got != "a bug" {
					t.Errorf("%s: %v", name, got)
				}
			}()
			call()
		}()
	}
	if _, err := session.Do(t.Context(), &plextrac.Request{Path: "/api/v2/whoami"}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAStreamThatIsStalledCanBeEnded(t *testing.T) {
	reached := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, granted)
			return
		}
		_, _ = io.WriteString(w, "begin")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	for name, test := range map[string]struct {
		end   func(session *plextrac.Session, body io.Closer, cancel func())
		want  error
		limit time.Duration
	}{
		"context": {func(_ *plextrac.Session, _ io.Closer, cancel func()) { cancel() }, context.Canceled, time.Minute},
		"body":    {func(_ *plextrac.Session, body io.Closer, _ func()) { _ = body.Close() }, plextrac.ErrClosed, time.Minute},
		"session": {func(session *plextrac.Session, _ io.Closer, _ func()) { session.Close() }, plextrac.ErrClosed, time.Minute},
		"limit":   {func(*plextrac.Session, io.Closer, func()) {}, plextrac.ErrTimeout, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			session, err := plextrac.NewSession(server.URL, plextrac.WithPassword("me", "x"), plextrac.WithProxy(""),
				plextrac.WithTimeout(test.limit))
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			response, err := session.Stream(ctx, &plextrac.Request{Path: "/stalled"})
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			ended := make(chan error, 1)
			go func() {
				var begin bytes.Buffer
				_, err := io.CopyN(&begin, response.Body, 5)
				if err == nil && begin.String() == "begin" {
					reached <- struct{}{}
					_, err = response.Body.Read(make([]byte, 1))
				}
				ended <- err
			}()
			<-reached
			test.end(session, response.Body, cancel)
			if err := <-ended; !errors.Is(err, test.want) {
				t.Errorf("%v", err)
			}
			response.Body.Close()
			session.Close()
			cancel()
			nothingIsLeft(t)
		})
	}
}

func TestASessionCanHaveAnotherTimeLimitForACall(t *testing.T) {
	e := emulatortest.Start(t)
	session := sessionOn(t, e, password(e.WithoutMFA()))
	short, err := session.WithTimeout(100 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	whoami := &plextrac.Request{Path: "/api/v2/whoami"}
	e.Fault(t, "api", 1, stall)
	if _, err := short.Do(t.Context(), whoami); !errors.Is(err, plextrac.ErrTimeout) {
		t.Errorf("%v", err)
	}
	e.Fault(t, "api", 1, map[string]any{"slow": map[string]any{"ms": 300}})
	if _, err := session.Do(t.Context(), whoami); err != nil {
		t.Errorf("the other limit holds for the session too: %v", err)
	}
	if _, err := session.WithTimeout(0); !errors.Is(err, plextrac.ErrInvalidArgument) {
		t.Errorf("%v", err)
	}
	if n := e.Count(t, "sign_in", ""); n != 1 || short.BaseURL() != session.BaseURL() {
		t.Errorf("%d sign-ins, %s", n, short.BaseURL())
	}
	short.Close()
	if err := session.Login(t.Context()); !errors.Is(err, plextrac.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// echo is a request whose response has its body.
func echo(body io.Reader, length int64) *plextrac.Request {
	header := http.Header{"Content-Type": {"text/plain"}}
	return &plextrac.Request{
		Method: http.MethodPost, Path: "/api/v1/echo", Header: header, BodyReader: body, BodyLength: length,
	}
}

// stuck reads nothing and does not end.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("a bug") }

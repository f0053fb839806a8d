package plextrac_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

func TestTheClientOfASessionTrustsWhatTheSessionTrusts(t *testing.T) {
	e := emulatortest.Start(t)
	ca, err := os.ReadFile(e.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string][]plextrac.SessionOption{
		"CA file":    {plextrac.WithCAFile(e.CAFile)},
		"CA PEM":     {plextrac.WithCAPEM(ca)},
		"CA alone":   {plextrac.WithCAPEM(ca), plextrac.WithOnlyGivenRoots()},
		"everything": {plextrac.WithDangerAcceptInvalidCerts()},
	} {
		options = append(options, password(e.WithoutMFA()), plextrac.WithProxy(""), plextrac.WithAuthBudget(60))
		session, err := plextrac.NewSession(e.TLSURL, options...)
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		for _, client := range []*http.Client{session.Client(), {Transport: session.Transport(nil)}} {
			response, err := client.Get(session.BaseURL() + "/api/v2/whoami")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if read(t, response); response.StatusCode != 200 {
				t.Errorf("%s: %s", name, response.Status)
			}
		}
	}
	if standard := http.DefaultTransport.(*http.Transport); standard.TLSClientConfig != nil && standard.TLSClientConfig.InsecureSkipVerify {
		t.Error("http.DefaultTransport was changed")
	}
}

func TestTheClientOfASessionGoesThroughItsProxy(t *testing.T) {
	e := emulatortest.Start(t)
	var tunnels atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tunnels.Add(1)
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = here.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		go func() {
			_, _ = io.Copy(there, buffered)
			_ = there.Close()
		}()
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}))
	defer proxy.Close()
	for _, address := range []string{proxy.URL, strings.TrimPrefix(proxy.URL, "http://")} {
		tunnels.Store(0)
		session := sessionOn(t, e, password(e.WithoutMFA()), plextrac.WithProxy(address))
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := tunnels.Load()
		response, err := session.Client().Get(session.BaseURL() + "/api/v2/whoami")
		if err != nil {
			t.Fatal(err)
		}
		if read(t, response); response.StatusCode != 200 || before == 0 || tunnels.Load() != before+1 {
			t.Errorf("%s: %s, %d tunnels and %d before", address, response.Status, tunnels.Load(), before)
		}
		session.Close()
	}
}

func TestAClientCertificateIsShownBySessionAndClient(t *testing.T) {
	var shown atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 1 && r.TLS.PeerCertificates[0].Subject.CommonName == "a client" {
			shown.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, granted)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	chain, key := clientCertificate(t)
	session, err := plextrac.NewSession(server.URL, plextrac.WithPassword("me", "x"), plextrac.WithProxy(""),
		plextrac.WithCAPEM(ca), plextrac.WithClientCertificate(chain, key))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := session.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	response, err := session.Client().Get(session.BaseURL() + "/api/v2/whoami")
	if err != nil {
		t.Fatal(err)
	}
	if read(t, response); shown.Load() != 2 {
		t.Errorf("it was shown %d times", shown.Load())
	}
	_, err = plextrac.NewSession(server.URL, plextrac.WithPassword("me", "x"), plextrac.WithClientCertificate(chain, chain))
	if err == nil {
		t.Error("a certificate was taken for a key")
	}
}

func TestTheUserAgentNamesTheLibraryUnlessItIsSet(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.UserAgent())
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, granted)
	}))
	defer server.Close()
	user := plextrac.WithPassword("me", "x")
	plain, err := plextrac.NewSession(server.URL, user, plextrac.WithProxy(""))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	named, err := plextrac.NewSession(server.URL, user, plextrac.WithProxy(""), plextrac.WithUserAgent("report-bot/2.0"))
	if err != nil {
		t.Fatal(err)
	}
	defer named.Close()
	machine, err := plextrac.NewMachineSession(nil, server.URL, user, plextrac.WithUserAgent("report-bot/2.0"))
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	bare, err := plextrac.NewMachineSession(nil, server.URL, user)
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	for _, session := range []account{plain, bare, named, machine} {
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, client := range []*http.Client{plain.Client(), bare.Client(), named.Client(), machine.Client()} {
		response, err := client.Get(server.URL + "/api/v2/whoami")
		if err != nil {
			t.Fatal(err)
		}
		read(t, response)
	}
	request := &plextrac.Request{Path: "/api/v2/whoami", Header: http.Header{"User-Agent": {"mine/1"}}}
	if _, err := named.Do(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	own, bot := "plextrac-auth/"+plextrac.Version(), "report-bot/2.0"
	want := []string{own, own, bot, bot, own, own, bot, bot, "mine/1"}
	if !slices.Equal(seen, want) {
		t.Errorf("User-Agents %q, not %q", seen, want)
	}
}

// clientCertificate is one that signs itself, and its key.
func clientCertificate(t *testing.T) (chainPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "a client"},
		NotAfter:     time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

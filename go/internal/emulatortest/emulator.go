// Package emulatortest runs `plextrac-auth emulator`, a stand-in for a PlexTrac instance, for tests.
package emulatortest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Binary is the variable of the environment that says where the command is; without it the search path
// does.
const Binary = "PLEXTRAC_EMULATOR_BIN"

// Emulator is one that runs.
type Emulator struct {
	URL      string    `json:"url"`
	TLSURL   string    `json:"tls_url"`
	CAFile   string    `json:"ca_file"`
	Accounts []Account `json:"accounts"`

	stop func()
}

// Account is one that the emulator knows.
type Account struct {
	Username   string `json:"username"`
	Password   string `json:"password"`
	TOTPSecret string `json:"totp_secret"`
}

// Stats is what the emulator counts: requests by kind, then by outcome.
type Stats struct {
	Requests map[string]map[string]int `json:"requests"`
}

// Start runs an emulator for one test: no test spends another's sign-ins or six digits.
func Start(t testing.TB, arguments ...string) *Emulator {
	t.Helper()
	e, err := Run(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e
}

// Run starts an emulator; it ends with Stop, or with this process.
func Run(arguments ...string) (*Emulator, error) {
	path := os.Getenv(Binary)
	if path == "" {
		path = "plextrac-auth"
	}
	command := exec.Command(path, append([]string{"emulator", "--until-eof"}, arguments...)...)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%w: say in %s where plextrac-auth is", err, Binary)
	}
	e := &Emulator{stop: func() {
		_ = stdin.Close()
		_ = command.Wait() // how it ends is no test's business
	}}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, e)
	}
	if err != nil {
		e.Stop()
		return nil, fmt.Errorf("the first line of %s emulator: %w", path, err)
	}
	return e, nil
}

// Stop ends it.
func (e *Emulator) Stop() { e.stop() }

// WithMFA is an account that is asked for six digits.
func (e *Emulator) WithMFA() Account { return e.account(true) }

// WithoutMFA is an account that is not.
func (e *Emulator) WithoutMFA() Account { return e.account(false) }

// HTTP sends requests over TLS to this emulator.
func (e *Emulator) HTTP(t testing.TB) *http.Transport {
	t.Helper()
	transport, err := e.Transport()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Transport is the same where there is no test.
func (e *Emulator) Transport() (*http.Transport, error) {
	pem, err := os.ReadFile(e.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", e.CAFile)
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, nil
}

// Fault spoils requests to come: on, effect and its arguments are those of POST /_emulator/fault.
func (e *Emulator) Fault(t testing.TB, on string, times int, effect any) {
	t.Helper()
	e.control(t, "fault", map[string]any{"on": on, "times": times, "do": effect})
}

// Advance moves the emulator's clock.
func (e *Emulator) Advance(t testing.TB, by time.Duration) {
	t.Helper()
	e.control(t, "advance", map[string]any{"ms": by.Milliseconds()})
}

// Revoke ends all tokens at once.
func (e *Emulator) Revoke(t testing.TB) {
	t.Helper()
	e.control(t, "revoke", nil)
}

// Count is how many requests of a kind came to an outcome; "" is any.
func (e *Emulator) Count(t testing.TB, kind, outcome string) int {
	t.Helper()
	response, err := http.Get(e.URL + "/_emulator/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var stats Stats
	if err := json.NewDecoder(response.Body).Decode(&stats); err != nil {
		t.Fatal(err)
	}
	count := 0
	for of, n := range stats.Requests[kind] {
		if outcome == "" || of == outcome {
			count += n
		}
	}
	return count
}

// Await returns as soon as that many requests of the kind have come to the outcome.
func (e *Emulator) Await(t testing.TB, kind, outcome string, enough int) {
	t.Helper()
	for began := time.Now(); e.Count(t, kind, outcome) < enough; {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d requests %s/%s did not come within 20 s", enough, kind, outcome)
		}
	}
}

func (e *Emulator) account(mfa bool) Account {
	for _, account := range e.Accounts {
		if (account.TOTPSecret != "") == mfa {
			return account
		}
	}
	panic("the emulator has no such account")
}

func (e *Emulator) control(t testing.TB, call string, argument any) {
	t.Helper()
	body, err := json.Marshal(argument)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(e.URL+"/_emulator/"+call, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(response.Body)
		t.Fatalf("%s: %d %s", call, response.StatusCode, answer)
	}
}

package plextrac_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

// exampleHTTP trusts the emulator that the examples sign in to. A program that talks to an instance on the
// internet needs no such thing.
var exampleHTTP http.RoundTripper

// TestMain gives the examples what a shell would: an instance and accounts in the environment. Tests
// have emulators of their own.
func TestMain(m *testing.M) {
	emulator, err := emulatortest.Run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	account, service := emulator.WithMFA(), emulator.WithoutMFA()
	for name, value := range map[string]string{
		"PLEXTRAC_URL":         emulator.TLSURL,
		"PLEXTRAC_CA_FILE":     emulator.CAFile,
		"PLEXTRAC_USERNAME":    account.Username,
		"PLEXTRAC_PASSWORD":    account.Password,
		"PLEXTRAC_TOTP_SECRET": account.TOTPSecret,

		"PLEXTRAC_SERVICE_USERNAME": service.Username,
		"PLEXTRAC_SERVICE_PASSWORD": service.Password,
	} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	exampleHTTP, err = emulator.Transport()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	emulator.Stop()
	os.Exit(status)
}

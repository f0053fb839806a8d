// Keeps two accounts of one instance signed in at the same time, both by net/http and within one budget.
//
// It needs the C library where pkg-config finds it. In the root of the repository:
//
//	cargo xtask install --prefix "$HOME/.local"
//	export PKG_CONFIG_PATH="$HOME/.local/lib/pkgconfig" LD_LIBRARY_PATH="$HOME/.local/lib"
//
// Then, in examples/go:
//
//	export PLEXTRAC_URL=https://acme.plextrac.com
//	export PLEXTRAC_USERNAME=someone@acme.example PLEXTRAC_PASSWORD='…' PLEXTRAC_TOTP_SECRET='…'
//	export PLEXTRAC_PLAIN_USERNAME=robot@acme.example PLEXTRAC_PLAIN_PASSWORD='…'
//	go run ./accounts
//
// The accounts of `plextrac-auth emulator` will do.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	base, err := transport(os.Getenv("PLEXTRAC_CA_FILE"))
	if err != nil {
		return err
	}
	budget, err := plextrac.NewBudget(6)
	if err != nil {
		return err
	}
	defer budget.Close()

	accounts := [][]plextrac.MachineOption{
		{
			plextrac.WithPassword(os.Getenv("PLEXTRAC_USERNAME"), os.Getenv("PLEXTRAC_PASSWORD")),
			plextrac.WithTOTPSecret(os.Getenv("PLEXTRAC_TOTP_SECRET")),
		},
		{plextrac.WithPassword(os.Getenv("PLEXTRAC_PLAIN_USERNAME"), os.Getenv("PLEXTRAC_PLAIN_PASSWORD"))},
	}
	outcomes := make(chan error)
	for _, options := range accounts {
		go func() { outcomes <- whoami(ctx, base, append(options, plextrac.WithBudget(budget))) }()
	}
	var failed error
	for range accounts {
		failed = errors.Join(failed, <-outcomes)
	}
	return failed
}

func whoami(ctx context.Context, base http.RoundTripper, options []plextrac.MachineOption) error {
	session, err := plextrac.NewMachineSession(base, os.Getenv("PLEXTRAC_URL"), options...)
	if err != nil {
		return err
	}
	defer session.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, session.BaseURL()+"/api/v2/whoami", nil)
	if err != nil {
		return err
	}
	response, err := session.Client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Printf("%s %s\n", response.Status, body)
	return err
}

// transport trusts the certificates in a file as well as the system's; "" is none.
func transport(caFile string) (http.RoundTripper, error) {
	if caFile == "" {
		return http.DefaultTransport, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return transport, nil
}

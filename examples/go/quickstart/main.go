// Signs in, with MFA if the account has it, sends a GET and a JSON POST, and stays signed in on the way.
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
//	go run ./quickstart
//
// Without an instance at hand, `plextrac-auth emulator` runs one: its first line says which URL, CA file
// (PLEXTRAC_CA_FILE) and accounts to use.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	options := []plextrac.SessionOption{
		plextrac.WithPassword(os.Getenv("PLEXTRAC_USERNAME"), os.Getenv("PLEXTRAC_PASSWORD")),
	}
	if secret := os.Getenv("PLEXTRAC_TOTP_SECRET"); secret != "" {
		options = append(options, plextrac.WithTOTPSecret(secret))
	}
	if path := os.Getenv("PLEXTRAC_CA_FILE"); path != "" {
		options = append(options, plextrac.WithCAFile(path))
	}
	// Nothing is sent yet. The first request signs in; later ones refresh the token when its time has come.
	session, err := plextrac.NewSession(os.Getenv("PLEXTRAC_URL"), options...)
	if err != nil {
		return err
	}
	defer session.Close()

	answer, err := session.Do(ctx, &plextrac.Request{Path: "/api/v2/whoami"})
	if err != nil {
		return err
	}
	fmt.Printf("GET  /api/v2/whoami: HTTP %d, %s\n", answer.StatusCode, answer.Body)

	// The emulator's echo; on a real instance, take a path of its API.
	answer, err = session.Do(ctx, &plextrac.Request{
		Method: "POST", Path: "/api/v1/echo", Body: []byte(`{"name":"ACME","tags":["internal"]}`),
	})
	if err != nil {
		return err
	}
	fmt.Printf("POST /api/v1/echo: HTTP %d, %s\n", answer.StatusCode, answer.Body)
	return nil
}

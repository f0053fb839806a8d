package plextrac_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
)

// A program that needs nothing but its requests sent.
func Example() {
	session, err := plextrac.NewSession(os.Getenv("PLEXTRAC_URL"),
		plextrac.WithPassword(os.Getenv("PLEXTRAC_USERNAME"), os.Getenv("PLEXTRAC_PASSWORD")),
		plextrac.WithTOTPSecret(os.Getenv("PLEXTRAC_TOTP_SECRET")),
		plextrac.WithCAFile(os.Getenv("PLEXTRAC_CA_FILE")))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	answer, err := session.Do(ctx, &plextrac.Request{Path: "/api/v2/whoami"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.StatusCode)
	// Output: 200
}

// An http.Client that is authorized, and trusts what the session trusts. Its requests go over connections
// of its own.
func ExampleSession_Client() {
	session, err := plextrac.NewSession(os.Getenv("PLEXTRAC_URL"),
		plextrac.WithPassword(os.Getenv("PLEXTRAC_SERVICE_USERNAME"), os.Getenv("PLEXTRAC_SERVICE_PASSWORD")),
		plextrac.WithCAFile(os.Getenv("PLEXTRAC_CA_FILE")),
		plextrac.WithWait(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	response, err := session.Client().Get(session.BaseURL() + "/api/v2/whoami")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	fmt.Println(response.Status)
	// Output: 200 OK
}

// With a machine session net/http does all the sending, the sign-in's too.
func ExampleNewMachineSession() {
	session, err := plextrac.NewMachineSession(exampleHTTP, os.Getenv("PLEXTRAC_URL"),
		plextrac.WithPassword(os.Getenv("PLEXTRAC_SERVICE_USERNAME"), os.Getenv("PLEXTRAC_SERVICE_PASSWORD")))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	response, err := session.Client().Get(session.BaseURL() + "/api/v2/whoami")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	fmt.Println(response.Status)
	// Output: 200 OK
}

// What an error is about is asked with errors.Is, and its details with errors.As.
func ExampleError() {
	session, err := plextrac.NewSession("acme.plextrac.com", plextrac.WithPassword("me@acme.example", "x"))
	if err != nil {
		log.Fatal(err)
	}
	session.Close()

	err = session.Login(context.Background())
	fmt.Println(errors.Is(err, plextrac.ErrClosed))
	var e *plextrac.Error
	if errors.As(err, &e) {
		fmt.Println(e.Status, e.Retryable)
	}
	// Output:
	// true
	// plextrac: CLOSED false
}

// A machine is told what time it is and says what to do; nothing happens by itself.
func ExampleMachine() {
	now := plextrac.Now()
	machine, err := plextrac.NewMachine("acme.plextrac.com", now, plextrac.WithPassword("me@acme.example", "x"))
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()

	if err := machine.WantToken(now); err != nil {
		log.Fatal(err)
	}
	for {
		action, err := machine.Poll(now)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(action.Kind)
		if action.Kind.IsLast() {
			break
		}
		if action.Kind == plextrac.ActionSend {
			request, err := action.NewRequest(context.Background())
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(request.Method, request.URL)
		}
	}
	// Output:
	// send
	// POST https://acme.plextrac.com/api/v1/authenticate
	// wait
}

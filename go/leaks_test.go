//go:build asan

package plextrac_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	plextrac "github.com/plextrac-auth/plextrac-auth/go"
	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

// TestManyOfEverythingLeaveNothing fails when the program has ended: what the library made and nobody
// freed is told by the sanitizer then. One of a kind could be overlooked, for a pointer to it may stand
// somewhere still; so there are many. Nor does the sanitizer know Go's garbage from what is in use: it has
// to be collected first, and overwritten, as GODEBUG=clobberfree=1 has it.
func TestManyOfEverythingLeaveNothing(t *testing.T) {
	const many = 200
	e := emulatortest.Start(t)
	user := password(e.WithoutMFA())
	session := sessionOn(t, e, user)
	budget, err := plextrac.NewBudget(60)
	if err != nil {
		t.Fatal(err)
	}
	defer budget.Close()
	defer runtime.GC()
	for i := range many {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := session.Token(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Do(ctx, &plextrac.Request{Path: "/api/v2/whoami"}); err != nil {
			t.Fatal(err)
		}
		response, err := session.Stream(ctx, echo(strings.NewReader("x"), 1))
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // the other half is left to the garbage collector
			response.Body.Close()
		}
		if _, err := session.WithTimeout(time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Do(ctx, &plextrac.Request{Path: "no path"}); err == nil {
			t.Fatal("it was sent")
		}
		cancel()
		another, err := plextrac.NewSession(e.TLSURL, user, plextrac.WithMFACallback(
			func(context.Context, int) (string, error) { return "", nil }))
		if err != nil {
			t.Fatal(err)
		}
		another.Close()
		machine, err := plextrac.NewMachine(e.TLSURL, start, user, plextrac.WithBudget(budget))
		if err != nil {
			t.Fatal(err)
		}
		if err := machine.WantToken(start); err != nil {
			t.Fatal(err)
		}
		if _, err := machine.Poll(start); err != nil {
			t.Fatal(err)
		}
		machine.Close()
		small, err := plextrac.NewBudget(2)
		if err != nil {
			t.Fatal(err)
		}
		small.Close()
	}
}

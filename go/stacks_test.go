package plextrac_test

import (
	"bytes"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// ours are the goroutines that are in this package, or were started by it, with all their frames; all as of
// one moment.
func ours() (stacks []string) {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2) // a buffer takes everything
	for _, stack := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(stack, "plextrac-auth/go.") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// inC says whether a goroutine is inside the library, and so holds a thread at this moment: for one of the
// short calls that every method makes, or for long.
func inC(stack string) bool {
	return strings.Contains(stack, "_Cfunc_")
}

// notParked says whether a goroutine is on its way: it waits in no select, which takes no thread.
func notParked(stack string) bool {
	head, _, _ := strings.Cut(stack, "\n")
	return inC(stack) || !strings.Contains(head, "[select")
}

// nothingIsLeft waits for goroutines that are on their way out, and for no other.
func nothingIsLeft(t *testing.T) {
	t.Helper()
	awaitStacks(t, "no goroutine is left", func(stacks []string) bool { return len(stacks) == 0 })
}

// awaitStacks waits until our goroutines are, all at the same moment, as they should be.
func awaitStacks(t *testing.T, what string, are func(stacks []string) bool) {
	t.Helper()
	for began := time.Now(); ; runtime.Gosched() {
		stacks := ours()
		if are(stacks) {
			return
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("not so after 20 s: %s:\n%s", what, strings.Join(stacks, "\n\n"))
		}
	}
}

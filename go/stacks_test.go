package plextrac_test

import (
	"bytes"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// ours are the goroutines that are in this package, or were started by it, with all their frames.
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

// inC says whether a goroutine is inside the library, and so holds a thread.
func inC(stack string) bool {
	return strings.Contains(stack, "_Cfunc_")
}

// nothingIsLeft waits for goroutines that are on their way out, and for no other.
func nothingIsLeft(t *testing.T) {
	t.Helper()
	for began := time.Now(); len(ours()) > 0; runtime.Gosched() {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("goroutines are left:\n%s", strings.Join(ours(), "\n\n"))
		}
	}
}

// eventually waits until so many goroutines are as they should be.
func eventually(t *testing.T, count int, is func(stack string) bool) {
	t.Helper()
	for began := time.Now(); ; runtime.Gosched() {
		found := 0
		for _, stack := range ours() {
			if is(stack) {
				found++
			}
		}
		if found >= count {
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d of %d goroutines:\n%s", found, count, strings.Join(ours(), "\n\n"))
		}
	}
}

package plextrac

// #include <plextrac.h>
import "C"

import (
	"math"
	"time"
)

// Time is what two clocks say at one moment. A [Machine] is told it with every call.
type Time struct {
	// MonotonicMS is milliseconds since an arbitrary start. It must never go back, and must go on while
	// the computer sleeps: lives and waits are measured by it.
	MonotonicMS uint64
	// UnixMS is milliseconds since 1970-01-01 UTC. It may be wrong: it is compared with the server's
	// clock, and chooses six digits.
	UnixMS int64
}

// Now is what the system's clocks say. Go's own monotonic clock will not do: it stands while the
// computer sleeps.
func Now() Time {
	now := C.plextrac_time_now()
	return Time{MonotonicMS: uint64(now.monotonic_ms), UnixMS: int64(now.unix_ms)}
}

func (t Time) c() C.plextrac_time {
	return C.plextrac_time{monotonic_ms: C.uint64_t(t.MonotonicMS), unix_ms: C.int64_t(t.UnixMS)}
}

// until is how long it takes from t to a moment on the monotonic clock; 0 if that is over.
func (t Time) until(monotonicMS uint64) time.Duration {
	if monotonicMS <= t.MonotonicMS {
		return 0
	}
	return milliseconds(monotonicMS - t.MonotonicMS)
}

func milliseconds(ms uint64) time.Duration {
	return time.Duration(min(ms, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}

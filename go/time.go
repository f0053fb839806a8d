package plextrac

// #include <plextrac.h>
import "C"

import (
	"math"
	"time"
)

// Time is the time of two clocks at one moment. Pass it to a [Machine] with every call.
type Time struct {
	// MonotonicMS is milliseconds since an arbitrary start. It must never go back, and must continue while
	// the computer sleeps. It measures lives and waits.
	MonotonicMS uint64
	// UnixMS is milliseconds since 1970-01-01 UTC. It may be wrong: it is compared with the server's
	// clock. It selects the one-time code.
	UnixMS int64
}

// Now returns the time of the system's clocks. Go's own monotonic clock cannot be used: it stops while the
// computer sleeps.
func Now() Time {
	now := C.plextrac_time_now()
	return Time{MonotonicMS: uint64(now.monotonic_ms), UnixMS: int64(now.unix_ms)}
}

func (t Time) c() C.plextrac_time {
	return C.plextrac_time{monotonic_ms: C.uint64_t(t.MonotonicMS), unix_ms: C.int64_t(t.UnixMS)}
}

// until is the duration from t to a moment on the monotonic clock; 0 if the moment has passed.
func (t Time) until(monotonicMS uint64) time.Duration {
	if monotonicMS <= t.MonotonicMS {
		return 0
	}
	return milliseconds(monotonicMS - t.MonotonicMS)
}

func milliseconds(ms uint64) time.Duration {
	return time.Duration(min(ms, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}

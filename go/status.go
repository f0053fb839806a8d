package plextrac

// #include <plextrac.h>
import "C"

// Status is the kind of an [Error]. It is an error itself, for [errors.Is]:
//
//	if errors.Is(err, plextrac.ErrMFARequired) { … }
//
// The numbers are those of the C library and keep their meaning. One that has no name here is from a
// newer library: treat it as final.
type Status int32

const (
	// ErrInvalidArgument: invalid argument. Nothing was changed.
	ErrInvalidArgument = Status(C.PLEXTRAC_INVALID_ARGUMENT)
	// ErrWrongState: the call does not fit the state of the session or machine. Nothing was changed.
	ErrWrongState = Status(C.PLEXTRAC_WRONG_STATE)
	// ErrMustDrain: the machine's actions must first be polled to the end. Nothing was changed.
	ErrMustDrain = Status(C.PLEXTRAC_MUST_DRAIN)
	// ErrStale: no request with this ID is outstanding. This is harmless. Nothing was changed.
	ErrStale = Status(C.PLEXTRAC_STALE)
	// ErrBusy: a callback called the session that waits for the callback.
	ErrBusy = Status(C.PLEXTRAC_BUSY)
	// ErrUnsupported: not available on this system.
	ErrUnsupported = Status(C.PLEXTRAC_UNSUPPORTED)
	// ErrIO: reading the BodyReader of a request failed. The error wraps the reader's own.
	ErrIO = Status(C.PLEXTRAC_IO)

	// ErrClosed: the session or machine was closed.
	ErrClosed = Status(C.PLEXTRAC_CLOSED)
	// ErrForked: the session was created before a fork, and cannot be used in the child.
	ErrForked = Status(C.PLEXTRAC_FORKED)
	// ErrPanic: a bug in the library was caught. The object can only be closed.
	ErrPanic = Status(C.PLEXTRAC_PANIC)

	// ErrCancelled: the context of the call was done. The same error is the context's as well, for
	// errors.Is with context.Canceled or context.DeadlineExceeded.
	ErrCancelled = Status(C.PLEXTRAC_CANCELLED)
	// ErrTimeout: the call reached the time limit of [WithTimeout].
	ErrTimeout = Status(C.PLEXTRAC_TIMEOUT)
	// ErrMustWait: nothing may be sent now. [Error.RetryAfter] is how long to wait.
	ErrMustWait = Status(C.PLEXTRAC_MUST_WAIT)

	// ErrMFARequired: the password was right. A one-time code is needed.
	ErrMFARequired = Status(C.PLEXTRAC_MFA_REQUIRED)
	// ErrRejected: the server rejected the credentials, the one-time code or the refresh.
	ErrRejected = Status(C.PLEXTRAC_REJECTED)
	// ErrNotReady: there is no token yet.
	ErrNotReady = Status(C.PLEXTRAC_NOT_READY)
	// ErrExpired: the token has expired.
	ErrExpired = Status(C.PLEXTRAC_EXPIRED)

	// ErrNetwork: the server could not be reached, or the connection broke.
	ErrNetwork = Status(C.PLEXTRAC_NETWORK)
	// ErrTLS: the TLS handshake failed, or the certificate is not trusted.
	ErrTLS = Status(C.PLEXTRAC_TLS)
	// ErrUnexpectedAnswer: the answer is an HTML page, a redirect or the wrong JSON.
	ErrUnexpectedAnswer = Status(C.PLEXTRAC_UNEXPECTED_ANSWER)
	// ErrTooLarge: the answer exceeds the size limit.
	ErrTooLarge = Status(C.PLEXTRAC_TOO_LARGE)

	// ErrStore: the shared state is not safe to use, or a change could not be written for other processes.
	ErrStore = Status(C.PLEXTRAC_STORE)
)

// Error is the name of the status, such as "plextrac: MUST_WAIT".
func (s Status) Error() string {
	return "plextrac: " + string(view(C.plextrac_status_name(C.int32_t(s))))
}

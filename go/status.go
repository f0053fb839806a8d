package plextrac

// #include <plextrac.h>
import "C"

// Status says what sort of error an [Error] is. It is an error itself, for [errors.Is]:
//
//	if errors.Is(err, plextrac.ErrMFARequired) { … }
//
// The numbers are those of the C library and keep their meaning. One that has no name here is from a
// newer library: treat it as final.
type Status int32

const (
	// ErrInvalidArgument: something handed in cannot be meant; nothing was done with it.
	ErrInvalidArgument = Status(C.PLEXTRAC_INVALID_ARGUMENT)
	// ErrWrongState: the call does not fit where the session or machine stands; nothing has changed.
	ErrWrongState = Status(C.PLEXTRAC_WRONG_STATE)
	// ErrMustDrain: a machine's actions must be polled to the end first; nothing has changed.
	ErrMustDrain = Status(C.PLEXTRAC_MUST_DRAIN)
	// ErrStale: no request of that ID is out. Harmless; nothing has changed.
	ErrStale = Status(C.PLEXTRAC_STALE)
	// ErrBusy: a callback called back into the sign-in that waits for it.
	ErrBusy = Status(C.PLEXTRAC_BUSY)
	// ErrUnsupported: not available here.
	ErrUnsupported = Status(C.PLEXTRAC_UNSUPPORTED)
	// ErrIO: reading the BodyReader of a request failed. The error wraps the reader's own.
	ErrIO = Status(C.PLEXTRAC_IO)

	// ErrClosed: the session or machine was closed.
	ErrClosed = Status(C.PLEXTRAC_CLOSED)
	// ErrForked: the session was made before a fork and cannot be used in the child.
	ErrForked = Status(C.PLEXTRAC_FORKED)
	// ErrPanic: a bug in the library was caught. What says so can only be closed.
	ErrPanic = Status(C.PLEXTRAC_PANIC)

	// ErrCancelled: the context of the call was done. The same error is the context's as well, for
	// errors.Is with context.Canceled or context.DeadlineExceeded.
	ErrCancelled = Status(C.PLEXTRAC_CANCELLED)
	// ErrTimeout: the time that [WithTimeout] grants was over.
	ErrTimeout = Status(C.PLEXTRAC_TIMEOUT)
	// ErrMustWait: nothing may be sent before a moment to come; [Error.RetryAfter] says how long.
	ErrMustWait = Status(C.PLEXTRAC_MUST_WAIT)

	// ErrMFARequired: the password was right, and six digits are needed.
	ErrMFARequired = Status(C.PLEXTRAC_MFA_REQUIRED)
	// ErrRejected: the server refuses the credentials, the six digits or the refresh.
	ErrRejected = Status(C.PLEXTRAC_REJECTED)
	// ErrNotReady: there is no token yet.
	ErrNotReady = Status(C.PLEXTRAC_NOT_READY)
	// ErrExpired: the token has ended.
	ErrExpired = Status(C.PLEXTRAC_EXPIRED)

	// ErrNetwork: the server could not be reached, or the connection broke.
	ErrNetwork = Status(C.PLEXTRAC_NETWORK)
	// ErrTLS: TLS could not be agreed on, or the certificate is not trusted.
	ErrTLS = Status(C.PLEXTRAC_TLS)
	// ErrUnexpectedAnswer: an answer that makes no sense here: a page for people, a redirect.
	ErrUnexpectedAnswer = Status(C.PLEXTRAC_UNEXPECTED_ANSWER)
	// ErrTooLarge: an answer over the size limit.
	ErrTooLarge = Status(C.PLEXTRAC_TOO_LARGE)

	// ErrStore: the shared state could not be used where it would be unsafe to go on without.
	ErrStore = Status(C.PLEXTRAC_STORE)
)

// Error is the name of the status, such as "plextrac: MUST_WAIT".
func (s Status) Error() string {
	return "plextrac: " + string(view(C.plextrac_status_name(C.int32_t(s))))
}

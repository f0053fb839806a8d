package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"errors"
	"time"
)

// Error is the reason why a call failed. Every error of this package is one, or wraps one:
//
//	var e *plextrac.Error
//	if errors.As(err, &e) && e.Retryable {
//		time.Sleep(e.RetryAfter)
//	}
//
// To compare only its kind, use a [Status]: errors.Is(err, plextrac.ErrRejected). No error holds a
// password, a one-time code, a token, or anything else that was in a request.
type Error struct {
	// Status is the kind of error.
	Status Status
	// Message says what happened, to what, and what to do next, in English.
	Message string
	// HTTPStatus is the status of the answer that caused the error. 0 if there was none.
	HTTPStatus int
	// RetryAfter is how long to wait before another attempt. 0 if that is not known.
	RetryAfter time.Duration
	// Retryable reports whether the same call may succeed later without a change.
	Retryable bool

	causes []error
}

// Error is the message, marked as this package's.
func (e *Error) Error() string {
	return "plextrac: " + e.Message
}

// Is makes errors.Is compare with a [Status].
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap returns the cause: the error of the context that ended the call, or of the callback that
// returned no code.
func (e *Error) Unwrap() []error {
	return e.causes
}

// Timeout reports whether the time limit was reached, as net.Error defines it.
func (e *Error) Timeout() bool {
	return e.Status == ErrTimeout || errors.Is(errors.Join(e.causes...), context.DeadlineExceeded)
}

// check makes a C call. If the call fails, it returns the error.
func check(call func(err **C.plextrac_error) C.int32_t) error {
	var detail *C.plextrac_error
	status := Status(call(&detail))
	if status == C.PLEXTRAC_OK {
		return nil
	}
	defer C.plextrac_error_free(detail)
	return errorOf(status, detail)
}

// errorOf copies an error of the library.
func errorOf(status Status, detail *C.plextrac_error) *Error {
	if detail == nil {
		return &Error{Status: status, Message: "the library gives no detail (" + status.Error() + ")"}
	}
	e := &Error{
		Status:    status,
		Message:   string(view(C.plextrac_error_message(detail))),
		Retryable: bool(C.plextrac_error_is_retryable(detail)),
	}
	var httpStatus C.uint16_t
	if C.plextrac_error_http_status(detail, &httpStatus) {
		e.HTTPStatus = int(httpStatus)
	}
	var wait C.uint64_t
	if C.plextrac_error_retry_after_ms(detail, &wait) {
		e.RetryAfter = milliseconds(uint64(wait))
	}
	return e
}

// cancelled is the error of a call whose context is done.
func cancelled(ctx context.Context) *Error {
	e := &Error{Status: ErrCancelled, Message: "the call was cancelled: " + ctx.Err().Error(), Retryable: true}
	return e.because(ctx.Err(), context.Cause(ctx))
}

// closed is the error of a call on a closed object.
func closed(what string) *Error {
	return &Error{Status: ErrClosed, Message: "the " + what + " is closed: make another"}
}

func (e *Error) because(causes ...error) *Error {
	for _, cause := range causes {
		if cause != nil && !errors.Is(errors.Join(e.causes...), cause) {
			e.causes = append(e.causes, cause)
		}
	}
	return e
}

package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"errors"
	"runtime/cgo"
	"sync"
)

// MFAFunc asks for a one-time code; see [WithMFACallback].
//
// attempt is 1, or 2 after a wrong code. There is no third. The function may take as long as a person needs:
// no timeout counts this time, and no lock is held. ctx is done when the session is closed. If the function
// returns an error, the call that needs the token fails with [ErrMFARequired], which wraps that error.
//
// A call on its own session that would wait for the function returns [ErrBusy]; with a [MachineSession]
// this applies to calls with ctx. Several sessions that share a function may call it at the same time.
type MFAFunc func(ctx context.Context, attempt int) (code string, err error)

// asker is a function of the program, and its last error.
type asker struct {
	ask MFAFunc
	ctx context.Context

	mu     sync.Mutex
	gaveUp error
}

var errNotSixDigits = errors.New("the MFA callback returned a code that is not six digits")

//export plextracGoAsk
func plextracGoAsk(callback C.uintptr_t, attempt C.uint32_t, reply *C.plextrac_mfa_reply) C.int32_t {
	a := cgo.Handle(callback).Value().(*asker)
	code, err := a.ask(a.ctx, int(attempt))
	if err == nil {
		c, cLen := text(code)
		if C.plextrac_mfa_reply_set_code(reply, c, cLen) != C.PLEXTRAC_OK {
			err = errNotSixDigits
		}
	}
	a.remember(err)
	if err != nil {
		return 1
	}
	return 0
}

// explain adds the cause to an error that says that there is no code. a may be nil.
func (a *asker) explain(err error) error {
	var e *Error
	if a == nil || !errors.As(err, &e) || e.Status != ErrMFARequired {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return e.because(a.gaveUp)
}

func (a *asker) remember(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gaveUp = err
}

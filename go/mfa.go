package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"errors"
	"runtime/cgo"
	"sync"
)

// MFAFunc asks for six digits; see [WithMFACallback].
//
// attempt is 1, or 2 after wrong digits; there is no third. It may take as long as a person takes: that
// counts against no timeout, and no lock is held meanwhile. ctx is done when the session is closed. With
// an error it gives up, and the call that wanted a token fails with [ErrMFARequired], which wraps that
// error.
//
// A call on its own session that would have to wait for it answers [ErrBusy]; with a [MachineSession]
// that is so for calls with ctx. Several sessions that share a function may call it at the same time.
type MFAFunc func(ctx context.Context, attempt int) (code string, err error)

// asker is a function of the program's, and why it last gave up.
type asker struct {
	ask MFAFunc
	ctx context.Context

	mu     sync.Mutex
	gaveUp error
}

var errNotSixDigits = errors.New("what the MFA callback gave is not six digits")

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

// explain adds to an error that says "no six digits" why there are none. There need not be an asker.
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

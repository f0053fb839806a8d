package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"errors"
)

// withCancel makes a call that ends when ctx is done. Nothing is left of it when it returns: neither
// the C cancellation nor the goroutine that triggered it.
func withCancel(ctx context.Context, call func(cancel *C.plextrac_cancel) error) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	if ctx.Done() == nil {
		return call(nil)
	}
	var cancel *C.plextrac_cancel
	if err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_cancel_new(&cancel, err)
	}); err != nil {
		return err
	}
	defer C.plextrac_cancel_free(cancel)

	triggered := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		C.plextrac_cancel_trigger(cancel)
		close(triggered)
	})
	defer func() {
		if !stop() {
			<-triggered
		}
	}()

	err := call(cancel)
	var e *Error
	if errors.As(err, &e) && e.Status == ErrCancelled && ctx.Err() != nil {
		return e.because(ctx.Err(), context.Cause(ctx))
	}
	return err
}

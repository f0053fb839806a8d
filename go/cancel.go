package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"errors"
	"sync"
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
	cancel, err := newCancellation(ctx)
	if err != nil {
		return err
	}
	defer cancel.free()
	return because(ctx, call(cancel.ptr))
}

// because adds the context's error to that of a call which it ended.
func because(ctx context.Context, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Status == ErrCancelled && ctx.Err() != nil {
		return e.because(ctx.Err(), context.Cause(ctx))
	}
	return err
}

// cancellation ends calls when a context is done, or when it is triggered.
type cancellation struct {
	ptr *C.plextrac_cancel
	// unhook ends the wait for the context.
	unhook func()

	mu    sync.Mutex
	freed bool
}

func newCancellation(ctx context.Context) (*cancellation, error) {
	var ptr *C.plextrac_cancel
	if err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_cancel_new(&ptr, err)
	}); err != nil {
		return nil, err
	}
	triggered := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		C.plextrac_cancel_trigger(ptr)
		close(triggered)
	})
	return &cancellation{ptr: ptr, unhook: func() {
		if !stop() {
			<-triggered
		}
	}}, nil
}

// trigger does nothing after free.
func (c *cancellation) trigger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.freed {
		C.plextrac_cancel_trigger(c.ptr)
	}
}

// free may be called any number of times.
func (c *cancellation) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.freed {
		c.freed = true
		c.unhook()
		C.plextrac_cancel_free(c.ptr)
	}
}

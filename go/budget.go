package plextrac

// #include <plextrac.h>
import "C"

import (
	"fmt"
	"runtime"
)

// Budget is the number of authentication requests a minute that all machines of one instance may send
// together, for all accounts: see [WithBudget]. It may be used from many goroutines.
//
// Sessions do not use it: those of a process share one by themselves.
type Budget struct {
	handle  *handle[*C.plextrac_budget]
	cleanup runtime.Cleanup
}

// NewBudget makes a budget of 2 to 60 requests a minute. An instance accepts 10 from all clients
// together; 6 is a good share.
func NewBudget(perMinute int) (*Budget, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	if perMinute < 2 || perMinute > 60 {
		return nil, &Error{Status: ErrInvalidArgument, Message: fmt.Sprintf(
			"a budget is 2 to 60 authentication requests a minute, not %d", perMinute)}
	}
	var ptr *C.plextrac_budget
	if err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_budget_new(C.uint32_t(perMinute), &ptr, err)
	}); err != nil {
		return nil, err
	}
	b := &Budget{handle: newHandle(ptr, func(ptr *C.plextrac_budget) { C.plextrac_budget_free(ptr) })}
	b.cleanup = runtime.AddCleanup(b, (*handle[*C.plextrac_budget]).close, b.handle)
	return b, nil
}

// Close releases the budget. Machines that have it keep it. Closing again does nothing.
func (b *Budget) Close() error {
	b.cleanup.Stop()
	b.handle.close()
	return nil
}

func (b *Budget) use(call func(b *C.plextrac_budget, err **C.plextrac_error) C.int32_t) error {
	ptr, ok := b.handle.enter()
	if !ok {
		return closed("budget")
	}
	defer runtime.KeepAlive(b)
	defer b.handle.leave()
	return check(func(err **C.plextrac_error) C.int32_t { return call(ptr, err) })
}

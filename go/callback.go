package plextrac

// #include <plextrac.h>
import "C"

import "runtime/cgo"

// plextracGoRelease releases a value that was lent to a configuration, on the thread that drops it last.
//
//export plextracGoRelease
func plextracGoRelease(callback C.uintptr_t) {
	cgo.Handle(callback).Delete()
}

// lend gives the library a Go value as an integer. The library returns it through a free
// function when no callback can run any more. After an error it is ours at once.
func lend(value any, set func(callback C.uintptr_t, err **C.plextrac_error) C.int32_t) error {
	callback := cgo.NewHandle(value)
	err := check(func(err **C.plextrac_error) C.int32_t { return set(C.uintptr_t(callback), err) })
	if err != nil {
		callback.Delete()
	}
	return err
}

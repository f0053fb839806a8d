package plextrac

// #include <plextrac.h>
import "C"

import "runtime/cgo"

// plextracGoRelease takes back what a configuration was lent, on whatever thread drops it last.
//
//export plextracGoRelease
func plextracGoRelease(callback C.uintptr_t) {
	cgo.Handle(callback).Delete()
}

// lend gives the library a Go value as an integer. It gives it back through a free function when
// nothing can call back any more; after an error it is ours at once.
func lend(value any, set func(callback C.uintptr_t, err **C.plextrac_error) C.int32_t) error {
	callback := cgo.NewHandle(value)
	err := check(func(err **C.plextrac_error) C.int32_t { return set(C.uintptr_t(callback), err) })
	if err != nil {
		callback.Delete()
	}
	return err
}

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

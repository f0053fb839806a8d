package plextrac

// #include <plextrac.h>
import "C"

import (
	"fmt"
	"io"
)

// takeSecret copies a secret and frees it. The library wipes its own copy; Go's lives until it is
// collected.
func takeSecret(secret *C.plextrac_secret) string {
	defer C.plextrac_secret_free(secret)
	return string(view(C.plextrac_secret_str(secret)))
}

// hidden keeps a secret where no formatting looks: fmt shows a function as an address, also in fields
// that are not exported, where methods such as String are not asked.
type hidden[T any] func() T

func hide[T any](secret T) hidden[T] {
	return func() T { return secret }
}

// show writes the same text for every verb. Types that hold secrets, or what a server said, have a
// Format method that calls it.
func show(f fmt.State, format string, a ...any) {
	_, _ = io.WriteString(f, fmt.Sprintf(format, a...)) // fmt keeps the error of its own writer
}

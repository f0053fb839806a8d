//go:build plextrac_static

package plextrac

// With this tag the library becomes a part of the program. pkg-config names it once more without saying
// which kind: --as-needed keeps that from making the shared one needed as well.

// #cgo pkg-config: --static plextrac
// #cgo LDFLAGS: -Wl,--as-needed -l:libplextrac.a
// #include <plextrac.h>
import "C"

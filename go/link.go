//go:build !plextrac_static

package plextrac

// pkg-config says where header and library are: an installed copy by itself, any other through
// PKG_CONFIG_PATH. Where the library is when the program runs is the business of the system (or of a
// -rpath in CGO_LDFLAGS).

// #cgo pkg-config: plextrac
// #include <plextrac.h>
import "C"

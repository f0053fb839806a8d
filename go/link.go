package plextrac

// pkg-config says where header and library are: an installed copy by itself, any other by
// PKG_CONFIG_PATH.

// #cgo pkg-config: plextrac
// #include <plextrac.h>
import "C"

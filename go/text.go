package plextrac

// #include <plextrac.h>
import "C"

import "unsafe"

// text is a string as C takes it: a pointer and a length. The library copies what it keeps, so the
// string's own memory is lent for the call; the pointer keeps it alive.
func text(s string) (*C.char, C.size_t) {
	if s == "" {
		return nil, 0
	}
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}

// blob is the same for bytes.
func blob(b []byte) (*C.char, C.size_t) {
	if len(b) == 0 {
		return nil, 0
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))), C.size_t(len(b))
}

// view is what the library shows, without a copy: valid as long as the handle it was asked of.
func view(s C.plextrac_str) []byte {
	return lent(s.data, s.len)
}

// lent is what C hands in as a pointer and a length, without a copy.
func lent(data *C.char, length C.size_t) []byte {
	if data == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(data)), int(length))
}

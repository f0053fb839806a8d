package plextrac

// #include <plextrac.h>
import "C"

import (
	"net/http"
	"runtime"
	"unsafe"
)

// lines is header lines as C takes them: two arrays of texts. Go's memory may hold pointers to Go's
// memory while C looks at it only if those are pinned; so all texts lie in one block.
type lines struct {
	names, values []C.plextrac_str
	pinner        runtime.Pinner
}

// linesOf must be followed by unpin.
func linesOf(header http.Header) *lines {
	count, size := 0, 0
	for name, values := range header {
		for _, value := range values {
			count++
			size += len(name) + len(value)
		}
	}
	l := &lines{names: make([]C.plextrac_str, 0, count), values: make([]C.plextrac_str, 0, count)}
	if size == 0 {
		return l
	}
	block := make([]byte, 0, size)
	l.pinner.Pin(unsafe.SliceData(block))
	add := func(s string) C.plextrac_str {
		from := len(block)
		block = append(block, s...) // there is room, or the block would move
		data, length := blob(block[from:])
		return C.plextrac_str{data: data, len: length}
	}
	for name, values := range header {
		for _, value := range values {
			l.names = append(l.names, add(name))
			l.values = append(l.values, add(value))
		}
	}
	return l
}

func (l *lines) unpin() { l.pinner.Unpin() }

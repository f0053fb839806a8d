package plextrac

// #include <plextrac.h>
// #include "callback.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"runtime/cgo"
)

// bodyReader reads the body of one request for the library, on the goroutine of the call that sends it.
type bodyReader struct {
	reader io.Reader
	// seeker goes back to start; nil if the reader cannot.
	seeker io.Seeker
	start  int64
	// failure ended the reading: an error of the reader, or its panic.
	failure  error
	panicked any
}

func newBodyReader(reader io.Reader) *bodyReader {
	b := &bodyReader{reader: reader}
	if seeker, ok := reader.(io.Seeker); ok {
		// A pipe is an *os.File too, and cannot seek.
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			b.seeker, b.start = seeker, start
		}
	}
	return b
}

// set makes it the body of a request, which frees it.
func (b *bodyReader) set(request *C.plextrac_request, contentType string, length int64) error {
	t, tLen := text(contentType)
	size := C.uint64_t(C.PLEXTRAC_LENGTH_UNKNOWN)
	if length > 0 {
		size = C.uint64_t(length)
	}
	return lend(b, func(callback C.uintptr_t, err **C.plextrac_error) C.int32_t {
		return C.plextrac_go_set_body_reader(request, t, tLen, size, C.bool(b.seeker != nil), callback, err)
	})
}

// explain adds the error of the reader to that of the call, and continues a panic of the reader: the
// library was between it and the caller. There need not be a reader.
func (b *bodyReader) explain(err error) error {
	if b == nil {
		return err
	}
	if b.hasPanicked() {
		panic(b.panicked)
	}
	var e *Error
	if b.failure != nil && errors.As(err, &e) && e.Status == ErrIO {
		return e.because(b.failure)
	}
	return err
}

// hasPanicked is false if there is no reader.
func (b *bodyReader) hasPanicked() bool { return b != nil && b.panicked != nil }

//export plextracGoRead
func plextracGoRead(callback C.uintptr_t, buffer *C.char, capacity C.size_t) (count C.int64_t) {
	b := cgo.Handle(callback).Value().(*bodyReader)
	defer b.catch(func() { count = -1 })
	read, err := b.read(lent(buffer, capacity))
	if err != nil {
		b.failure = err
		return -1
	}
	return C.int64_t(read)
}

//export plextracGoRewind
func plextracGoRewind(callback C.uintptr_t) (failed C.int32_t) {
	b := cgo.Handle(callback).Value().(*bodyReader)
	defer b.catch(func() { failed = 1 })
	if _, err := b.seeker.Seek(b.start, io.SeekStart); err != nil {
		b.failure = err
		return 1
	}
	return 0
}

// read reads at least one byte, or none at the end.
func (b *bodyReader) read(room []byte) (int, error) {
	// As many attempts as bufio.Reader makes.
	for range 100 {
		count, err := b.reader.Read(room)
		switch {
		case count < 0 || count > len(room):
			return 0, fmt.Errorf("the reader of the body returned %d, and there was room for %d bytes", count, len(room))
		case count > 0 && (err == nil || errors.Is(err, io.EOF)):
			return count, nil // the next Read returns io.EOF
		case err == io.EOF:
			return 0, nil
		case err != nil:
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// catch keeps a panic out of the library's frames, whose locks it would leave taken.
func (b *bodyReader) catch(failed func()) {
	if panicked := recover(); panicked != nil {
		b.panicked = panicked
		failed()
	}
}

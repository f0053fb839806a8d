//go:build cgo

package plextrac

import "sync"

// handle owns one object of the C library, P a pointer to it. Calls hold it while they use the pointer; after close no
// call gets it any more, and it is freed as soon as the last one has returned.
//
// A handle is also closed by the cleanup of the Go object that it belongs to, when nothing refers to that
// any more. So each call keeps the object alive (runtime.KeepAlive) until the call has returned: a
// handle that is collected before it is entered is closed, and one that was entered is not freed.
type handle[P comparable] struct {
	free func(P)

	mu     sync.Mutex
	ptr    P
	users  int
	closed bool
}

func newHandle[P comparable](ptr P, free func(P)) *handle[P] {
	return &handle[P]{ptr: ptr, free: free}
}

// enter is the pointer, good until leave; false if the handle is closed.
func (h *handle[P]) enter() (P, bool) {
	collectGarbage()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		var none P
		return none, false
	}
	h.users++
	return h.ptr, true
}

func (h *handle[P]) leave() {
	h.mu.Lock()
	h.users--
	h.freeIfLast()
}

// close may be called any number of times, also inside a call.
func (h *handle[P]) close() {
	h.mu.Lock()
	h.closed = true
	h.freeIfLast()
}

func (h *handle[P]) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// freeIfLast unlocks. Freeing may block, and may call back.
func (h *handle[P]) freeIfLast() {
	var none P
	last := none
	if h.closed && h.users == 0 {
		last, h.ptr = h.ptr, none
	}
	h.mu.Unlock()
	if last != none {
		h.free(last)
	}
}

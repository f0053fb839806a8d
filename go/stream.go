package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
)

// StreamedResponse is a response whose body is read part by part.
type StreamedResponse struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// Header holds the header lines, under Go's spelling of their names.
	Header http.Header
	// Body reads the body. Close it: before its end that gives up the rest of the body.
	//
	// A Read fails with [ErrNetwork] if the connection breaks off, with [ErrTimeout] if no byte comes for
	// as long as [WithTimeout] says, with [ErrCancelled] when the context of [Session.Stream] is done, and
	// with [ErrClosed] after Close.
	Body io.ReadCloser
}

// Format shows no more than the status.
func (r StreamedResponse) Format(f fmt.State, _ rune) {
	show(f, "plextrac.StreamedResponse(%d)", r.StatusCode)
}

// Stream is [Session.Do], and returns as soon as the status and the headers have come: the body is read
// while it arrives, and no limit holds for its length. The time limit is for progress. ctx holds until the
// body is closed.
func (s *Session) Stream(ctx context.Context, request *Request) (*StreamedResponse, error) {
	r, body, err := request.c()
	if err != nil {
		return nil, err
	}
	defer C.plextrac_request_free(r)
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	cancel, err := newCancellation(ctx)
	if err != nil {
		return nil, err
	}
	var stream *C.plextrac_stream
	err = s.call(func(p *C.plextrac_session, err **C.plextrac_error) C.int32_t {
		return C.plextrac_session_stream(p, r, cancel.ptr, &stream, err)
	})
	if err != nil || body.hasPanicked() {
		C.plextrac_stream_free(stream)
		cancel.free()
		return nil, body.explain(s.asker.explain(because(ctx, err)))
	}
	return newStreamedResponse(ctx, s, stream, cancel), nil
}

// streamBody is the body of a response that is still on its way.
type streamBody struct {
	// session must not be collected while its response is read.
	session *Session
	ctx     context.Context
	cleanup runtime.Cleanup
	held    streamHandles

	// reading is held by the one Read at a time.
	reading sync.Mutex
	// end is how the body ended: io.EOF, or an error.
	end error
}

// streamHandles is what has to be freed.
type streamHandles struct {
	stream *handle[*C.plextrac_stream]
	cancel *cancellation
}

func newStreamedResponse(
	ctx context.Context, session *Session, stream *C.plextrac_stream, cancel *cancellation,
) *StreamedResponse {
	head := C.plextrac_stream_response(stream)
	response := &StreamedResponse{StatusCode: int(C.plextrac_response_status(head)), Header: headerOf(head)}
	held := streamHandles{newHandle(stream, func(ptr *C.plextrac_stream) { C.plextrac_stream_free(ptr) }), cancel}
	body := &streamBody{session: session, ctx: ctx, held: held}
	// Freeing may close a connection: not on the runtime's own goroutine.
	body.cleanup = runtime.AddCleanup(body, func(held streamHandles) { go held.free() }, held)
	response.Body = body
	return response
}

// Read is io.Reader's.
func (b *streamBody) Read(room []byte) (int, error) {
	if len(room) == 0 {
		return 0, nil
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.end != nil {
		return 0, b.end
	}
	stream, open := b.held.stream.enter()
	if !open {
		return 0, closed("body of the response")
	}
	defer runtime.KeepAlive(b)
	defer b.held.stream.leave()
	start, capacity := blob(room)
	var count C.size_t
	err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_stream_read(stream, start, capacity, &count, err)
	})
	switch {
	case err != nil && b.held.stream.isClosed():
		b.end = closed("body of the response")
	case err != nil:
		b.end = because(b.ctx, err)
	case count == 0:
		b.end = io.EOF
	}
	return int(count), b.end
}

// Close is io.Closer's. It ends a Read that is blocked.
func (b *streamBody) Close() error {
	b.cleanup.Stop()
	b.held.free()
	return nil
}

func (h *streamHandles) free() {
	h.stream.close()
	h.cancel.trigger()
	h.cancel.free()
}

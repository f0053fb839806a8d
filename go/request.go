package plextrac

// #include <plextrac.h>
import "C"

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Request is a request to the instance of a session, for [Session.Do] and [Session.Stream]. It is
// authorized when it is sent, and can be sent any number of times, unless its BodyReader has ended.
type Request struct {
	// Method is the HTTP method; "" means GET.
	Method string
	// Path starts with a slash, may have a query, and follows the URL of the instance. An absolute URL
	// is refused: the token goes to no other host.
	Path string
	// Header holds what is to be sent besides. Authorization and Cookie are the session's business, and
	// what frames a message is HTTP's.
	Header http.Header
	// Body is sent as it is; nil is no body. Without a Content-Type in Header it is called JSON: PlexTrac
	// sees no body that is called nothing.
	Body []byte
	// BodyReader is read and sent part by part, in place of Body. It is read from its current position, on
	// the goroutine of the call. The time limit of the call is then for progress: the call fails with
	// [ErrTimeout] if no byte moves for so long. Neither that limit nor the context interrupts a Read of
	// the reader. If it fails, the error is [ErrIO] and wraps the reader's. After a 401 the request is sent
	// again if the reader is an io.Seeker; else the 401 is the response.
	BodyReader io.Reader
	// BodyLength is how many bytes are read from BodyReader and sent; with 0, all until its end.
	BodyLength int64
}

// Format shows no more than the method, the path without its query, and the length of the body.
func (r Request) Format(f fmt.State, _ rune) {
	path, _, _ := strings.Cut(r.Path, "?")
	show(f, "plextrac.Request(%s %s, %d body bytes)", r.method(), path, len(r.Body))
}

func (r *Request) method() string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// c makes the request for C; the caller frees it. The reader is nil unless there is a BodyReader.
func (r *Request) c() (*C.plextrac_request, *bodyReader, error) {
	var request *C.plextrac_request
	m, mLen := text(r.method())
	p, pLen := text(r.Path)
	err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_request_new(m, mLen, p, pLen, &request, err)
	})
	if err != nil {
		return nil, nil, err
	}
	var body *bodyReader
	if r.BodyReader != nil {
		body = newBodyReader(r.BodyReader)
	}
	if err := r.fill(request, body); err != nil {
		C.plextrac_request_free(request)
		return nil, nil, err
	}
	return request, body, nil
}

func (r *Request) fill(request *C.plextrac_request, body *bodyReader) error {
	for name, values := range r.Header {
		n, nLen := text(name)
		for _, value := range values {
			v, vLen := text(value)
			if err := check(func(err **C.plextrac_error) C.int32_t {
				return C.plextrac_request_add_header(request, n, nLen, v, vLen, err)
			}); err != nil {
				return err
			}
		}
	}
	if body != nil {
		if r.Body != nil || r.BodyLength < 0 {
			return &Error{Status: ErrInvalidArgument, Message: "set Body or BodyReader, not both, and no negative BodyLength"}
		}
		return body.set(request, r.contentType(), r.BodyLength)
	}
	if r.Body == nil {
		return nil
	}
	t, tLen := text(r.contentType())
	b, bLen := blob(r.Body)
	return check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_request_set_body(request, t, tLen, b, bLen, err)
	})
}

func (r *Request) contentType() string {
	if given := r.Header.Get("Content-Type"); given != "" {
		return given
	}
	return "application/json"
}

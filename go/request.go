package plextrac

// #include <plextrac.h>
import "C"

import (
	"fmt"
	"net/http"
	"strings"
)

// Request is a request to the instance of a session, for [Session.Do]. It is authorized when it is sent,
// and can be sent any number of times.
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

// c makes what C wants of it; the caller frees it.
func (r *Request) c() (*C.plextrac_request, error) {
	var request *C.plextrac_request
	m, mLen := text(r.method())
	p, pLen := text(r.Path)
	err := check(func(err **C.plextrac_error) C.int32_t {
		return C.plextrac_request_new(m, mLen, p, pLen, &request, err)
	})
	if err != nil {
		return nil, err
	}
	if err := r.fill(request); err != nil {
		C.plextrac_request_free(request)
		return nil, err
	}
	return request, nil
}

func (r *Request) fill(request *C.plextrac_request) error {
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

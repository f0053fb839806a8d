package plextrac

// #include <plextrac.h>
import "C"

import (
	"bytes"
	"fmt"
	"net/http"
)

// Response is what the server answered. HTTP errors are answers as well.
type Response struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// Header holds the header lines, under Go's spelling of their names.
	Header http.Header
	// Body is the whole body, at most 64 MiB.
	Body []byte
}

// Format shows no more than the status and the length of the body.
func (r Response) Format(f fmt.State, _ rune) {
	show(f, "plextrac.Response(%d, %d body bytes)", r.StatusCode, len(r.Body))
}

// takeResponse copies a response and frees it.
func takeResponse(response *C.plextrac_response) *Response {
	defer C.plextrac_response_free(response)
	return &Response{
		StatusCode: int(C.plextrac_response_status(response)),
		Header:     headerOf(response),
		Body:       bytes.Clone(view(C.plextrac_response_body(response))),
	}
}

// headerOf copies the header lines of a response.
func headerOf(response *C.plextrac_response) http.Header {
	header := http.Header{}
	for i := range C.plextrac_response_header_count(response) {
		var name, value C.plextrac_str
		if C.plextrac_response_header(response, i, &name, &value) {
			header.Add(string(view(name)), string(view(value)))
		}
	}
	return header
}

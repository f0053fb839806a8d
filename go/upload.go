package plextrac

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// upload answers a transport's GET of an upload. The library keeps the cookie to itself: it sends this
// request, over its own connection, and the whole body is in memory.
func (s *Session) upload(request *http.Request) (*http.Response, error) {
	path, _ := s.instance.path(request.URL)
	header := request.Header.Clone()
	for name := range header {
		if isSessionsOwn(name) {
			delete(header, name)
		}
	}
	answer, err := s.Do(request.Context(), &Request{Method: request.Method, Path: path, Header: header})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode)),
		StatusCode:    answer.StatusCode,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        answer.Header,
		Body:          io.NopCloser(bytes.NewReader(answer.Body)),
		ContentLength: int64(len(answer.Body)),
		Request:       request,
	}, nil
}

// isSessionsOwn names what the session puts in its place.
func isSessionsOwn(name string) bool {
	return name == "Authorization" || name == "Cookie"
}

//go:build cgo

package plextrac

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// uploads is below what wants the cookie instead of the token (docs/protocol.md, "Endpoints").
const uploads = "/api/v1/uploads/"

// instance is where the token goes, and nowhere else.
type instance struct {
	// base is scheme, host, port and path prefix, without a slash at the end.
	base *url.URL
	// headers are for every request.
	headers hidden[http.Header]
}

// instanceOf is the instance that the library made of an address as people paste it.
func instanceOf(baseURL string, headers http.Header) (*instance, error) {
	base, err := url.Parse(baseURL)
	if err != nil {
		return nil, &Error{Status: ErrInvalidArgument, Message: "net/http refuses the URL of the instance"}
	}
	return &instance{base: base, headers: hide(headers)}, nil
}

// check refuses addresses that are not of this instance's origin (RFC 6454), and what [Session.Do] refuses
// of a path: what would name another one, and the calls that are counted in the budget.
func (i *instance) check(request *http.Request) error {
	u := request.URL
	if u.Scheme != i.base.Scheme || port(u) != port(i.base) || !strings.EqualFold(u.Hostname(), i.base.Hostname()) {
		return refused("a request to %s://%s was not sent: this client is authorized for %s://%s alone; use another for other hosts, and for redirects that lead there",
			u.Scheme, u.Host, i.base.Scheme, i.base.Host)
	}
	for segment := range strings.FieldsFuncSeq(u.Path, isSlash) {
		if segment == "." || segment == ".." {
			return refused("a request was not sent: its path has . or .. between its slashes, plain or percent-encoded, and would name another one; write out the one that is meant")
		}
	}
	if isAuthentication(request.Method, strings.TrimPrefix(u.Path, i.base.Path)) {
		return refused("a request was not sent: its path signs in or refreshes, which the session does by itself and counts in the instance's budget; call Login instead")
	}
	return nil
}

func refused(format string, of ...any) *Error {
	return &Error{Status: ErrInvalidArgument, Message: fmt.Sprintf(format, of...)}
}

// isAuthentication knows the three calls of docs/protocol.md, "Endpoints", in any form in which a tolerant server reads
// their paths.
func isAuthentication(method, path string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	switch strings.Join(strings.FieldsFunc(strings.ToLower(path), isSlash), "/") {
	case "api/v1/authenticate", "api/v1/authenticate/mfa", "api/v1/token/refresh":
		return true
	default:
		return false
	}
}

func isSlash(r rune) bool { return r == '/' || r == '\\' }

// path is that of a request as it follows the base URL, with its query; false if it does not.
func (i *instance) path(u *url.URL) (string, bool) {
	return strings.CutPrefix(u.RequestURI(), i.base.EscapedPath())
}

// wantsCookie says whether a request goes with the cookie and without Authorization.
func (i *instance) wantsCookie(request *http.Request) bool {
	path, ok := i.path(request.URL)
	return ok && strings.HasPrefix(path, uploads) && (request.Method == "" || request.Method == http.MethodGet)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

//go:build cgo

package plextrac

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Transport is an http.RoundTripper that authorizes requests to one instance, for any http.Client:
//
//	client := &http.Client{Transport: session.Transport(nil)} // or session.Client()
//	response, err := client.Get(session.BaseURL() + "/api/v2/whoami")
//
// It adds the Authorization header, in place of one that is there, and the headers of [WithHeader] that
// the request has not itself. The caller's request is not changed. GET /api/v1/uploads/… goes with
// PlexTrac's cookie instead of Authorization.
//
// After a 401 it gets one new token and sends the request once more, if that has no body or one that
// http.Request.GetBody can give again; else the 401 is the answer, and the next request has a new token.
//
// A request to another host, port or scheme is refused with [ErrInvalidArgument], also one that a
// redirect leads to: so the token cannot go elsewhere. So is a path with . or .. in it, and a request that
// signs in or refreshes, which would be counted in no budget.
type Transport struct {
	of   authority
	base http.RoundTripper
}

// RoundTrip sends a request; see [Transport]. Its errors are those of its base and of
// [Session.Login].
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	body := once(request.Body)
	// A RoundTripper always closes the body.
	defer body.closeUnlessGiven()
	instance, ctx := t.of.where(), request.Context()
	if err := instance.check(request); err != nil {
		return nil, err
	}
	cookie := instance.wantsCookie(request)

	first, err := t.of.grant(ctx, cookie)
	if err != nil {
		return nil, err
	}
	response, err := t.base.RoundTrip(authorized(request, body.give(), first, instance))
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}

	if retry, err := t.of.ReportUnauthorized(first.authorization); err != nil || !retry || !isReplayable(request) {
		return response, nil
	}
	second, err := t.of.grant(ctx, cookie)
	if err != nil {
		discard(response)
		return nil, err
	}
	again, err := replayed(request)
	if err != nil {
		return response, nil
	}
	discard(response)
	response, err = t.base.RoundTrip(authorized(request, again, second, instance))
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		_, _ = t.of.ReportUnauthorized(second.authorization) // this 401 is the answer in any case
	}
	return response, err
}

// CloseIdleConnections is what http.Client.CloseIdleConnections asks for.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// Format shows what it is authorized by.
func (t *Transport) Format(f fmt.State, _ rune) {
	show(f, "plextrac.Transport(%v)", t.of)
}

// authority is what a transport needs of a session.
type authority interface {
	where() *instance
	grant(ctx context.Context, cookie bool) (grant, error)
	ReportUnauthorized(rejected string) (retry bool, err error)
}

// grant authorizes a request. There is a cookie if it was asked for.
type grant struct {
	authorization string
	cookie        string
}

func authorized(request *http.Request, body io.ReadCloser, by grant, at *instance) *http.Request {
	clone := request.Clone(request.Context())
	clone.Body = body
	if clone.Header == nil {
		clone.Header = http.Header{}
	}
	for name, values := range at.headers() {
		if _, own := clone.Header[name]; !own {
			clone.Header[name] = values
		}
	}
	if by.cookie == "" {
		clone.Header.Set("Authorization", by.authorization)
	} else {
		clone.Header.Del("Authorization")
		clone.Header.Set("Cookie", "token="+by.cookie)
	}
	return clone
}

func isReplayable(request *http.Request) bool {
	return request.Body == nil || request.Body == http.NoBody || request.GetBody != nil
}

func replayed(request *http.Request) (io.ReadCloser, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return request.Body, nil
	}
	return request.GetBody()
}

// discard reads a little, so that the connection can be used again.
func discard(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // a connection that is lost is not used again
	_ = response.Body.Close()
}

// onceBody is closed here, unless the base has taken it.
type onceBody struct{ body io.ReadCloser }

func once(body io.ReadCloser) *onceBody { return &onceBody{body} }

func (o *onceBody) give() io.ReadCloser {
	body := o.body
	o.body = nil
	return body
}

func (o *onceBody) closeUnlessGiven() {
	if o.body != nil {
		_ = o.body.Close() // nothing was read of it
	}
}

//go:build cgo

package plextrac

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
)

// maxAnswer is more than the machine looks at.
const maxAnswer = 1<<20 + 1

// exchange sends the request of an action. What came of it is handed to the machine by the result.
func (s *MachineSession) exchange(send *Action) func(now Time) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.now().until(send.Deadline))
	defer cancel()
	status, header, body, err := s.roundTrip(ctx, send)
	if err != nil {
		failure := failureOf(ctx, err)
		return func(now Time) error { return s.machine.HandleFailure(send.RequestID, failure, now) }
	}
	return func(now Time) error {
		return s.machine.HandleResponse(send.RequestID, status, header, body, now)
	}
}

func (s *MachineSession) roundTrip(ctx context.Context, send *Action) (int, http.Header, []byte, error) {
	request, err := send.NewRequest(ctx)
	if err != nil {
		return 0, nil, nil, err
	}
	// The machine sets this header only if the program did.
	request.Header["User-Agent"] = s.instance.headers()["User-Agent"]
	response, err := s.base.RoundTrip(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, response.Header, body, err
}

// failureOf is how a request failed, as the machine tells failures apart. Deadlines come first: they
// show as whatever was under way.
func failureOf(ctx context.Context, err error) Failure {
	var (
		timeout     net.Error
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		authority   x509.UnknownAuthorityError
		resolve     *net.DNSError
		operation   *net.OpError
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return FailureCancelled
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return FailureTimeout
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &authority):
		return FailureTLS
	case errors.As(err, &resolve), errors.As(err, &operation) && (operation.Op == "dial" || operation.Op == "proxyconnect"):
		return FailureConnect
	default:
		return FailureOther
	}
}

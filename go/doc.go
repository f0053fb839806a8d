// Package plextrac signs programs in to PlexTrac, and keeps them signed in: with or without multi-factor
// authentication (MFA), within the instance's limit of ten authentication requests a minute, for as long
// as a session is used.
//
// It is the Go face of the C library libplextrac. Its decisions are the library's; this page says what is
// particular to Go.
//
// # Installing
//
// The package needs cgo, a C compiler, and libplextrac, which pkg-config must find. In the repository of
// plextrac-auth, "cargo xtask install --prefix $PREFIX" installs the library. Then, in your module:
//
//	export PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig
//	export CGO_LDFLAGS="-O2 -g -Wl,-rpath,$PREFIX/lib"
//	go get github.com/plextrac-auth/plextrac-auth/go
//
// CGO_LDFLAGS replaces Go's defaults, which are -O2 -g. If you have a copy of the repository beside your
// module, name it instead of "go get"; a file of your module must import the package already:
//
//	go mod edit -replace github.com/plextrac-auth/plextrac-auth/go=../plextrac-auth/go
//	go mod tidy
//
// With -tags plextrac_static the library is linked into the program, which then runs on machines that do
// not have the library.
//
// # Two levels
//
// A [Session] does its own HTTP and TLS. Ask it for the Authorization header, have it send your requests
// ([Session.Do]), or take an http.Client that it authorizes ([Session.Client], [Session.Transport]). Most
// programs need nothing else:
//
//	session, err := plextrac.NewSession("acme.plextrac.com",
//		plextrac.WithPassword("me@acme.example", password),
//		plextrac.WithTOTPSecret(secret))
//	if err != nil {
//		return err
//	}
//	defer session.Close()
//	response, err := session.Client().Get(session.BaseURL() + "/api/v2/whoami")
//
// A [MachineSession] sends by net/http instead. Take it where many goroutines wait at once, for it holds
// no thread while the network waits, where requests have to go through an http.RoundTripper of yours, or
// for hundreds of accounts. It has what is needed to stay signed in and to authorize any http.Client, and
// not the rest of Session. Two things differ: machine sessions share an instance's budget only through
// [WithBudget], where the sessions of a process do so by themselves; and they share nothing with other
// processes, where sessions do with [WithStateDir].
//
// Below it is the [Machine], which has no clock and no network.
//
// # Contexts
//
// Every method that may wait takes a context, and returns soon after that is done, wherever it is
// blocked. The error is [ErrCancelled] and context.Canceled (or context.DeadlineExceeded) in one. A
// sign-in that others wait for goes on, and its result is kept. Nothing of a call is left when it
// returns, no goroutine either. Besides, [WithTimeout] bounds each call of a Session: 30 s by default.
//
// # Errors
//
// Every error is an [*Error] or wraps one: with a [Status], the HTTP status that led here, and how long
// to wait. A Status is a sentinel for errors.Is. No error holds a secret.
//
// # Goroutines
//
// All types may be used from many goroutines at once. Callbacks (an [MFAFunc], a logger) run with no
// lock held, on any thread; a panic in one ends the program, as in any goroutine.
//
// # Close
//
// Close what you made. It wakes every caller with [ErrClosed], may be called any number of times and
// from anywhere, and frees what is the library's when the last call has returned. What is forgotten is
// freed some time after the garbage collector has found it, unless a callback refers to it: then never.
//
// # Secrets
//
// The library wipes its own memory. What comes into Go's (a header value, a password that you hand in) is
// not wiped, as nothing in Go is; it is kept out of errors and logs, and no verb of fmt shows it.
//
// # Tests of your own
//
// "plextrac-auth emulator" runs a stand-in for an instance; the first line it prints says where it is,
// and which accounts there are.
package plextrac

// Package plextrac signs programs in to PlexTrac, and keeps them signed in: with or without multi-factor
// authentication (MFA), within the instance's limit of ten authentication requests a minute, for as long
// as a session is used.
//
// It is the Go interface of the C library libplextrac. The library makes the decisions. This page
// describes what is particular to Go.
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
// CGO_LDFLAGS replaces Go's defaults, which are -O2 -g. If a copy of the repository is next to your
// module, use it instead of "go get". A file of your module must already import the package:
//
//	go mod edit -replace github.com/plextrac-auth/plextrac-auth/go=../plextrac-auth/go
//	go mod tidy
//
// With -tags plextrac_static the library is linked into the program, which then runs on machines that do
// not have the library.
//
// # Two levels
//
// A [Session] has its own HTTP and TLS. It returns the Authorization header, sends your requests
// ([Session.Do]), or gives you an http.Client that it authorizes ([Session.Client], [Session.Transport]).
// Most programs need only a Session:
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
// A [MachineSession] sends with net/http instead. Use it if many goroutines wait at once (it holds no
// thread while it waits for the network), if requests must go through your own http.RoundTripper, or for
// hundreds of accounts. It can stay signed in and authorize any http.Client. It does not have the other
// methods of Session. Two things differ. Machine sessions share an instance's budget only through
// [WithBudget]; the sessions of a process share it by themselves. Machine sessions share nothing with
// other processes; sessions do with [WithStateDir].
//
// A [Machine] has no clock and no network.
//
// # Contexts
//
// Every method that may wait takes a context. It returns soon after the context is done, wherever it is
// blocked. The error matches [ErrCancelled] and context.Canceled (or context.DeadlineExceeded). A sign-in
// for which others wait continues, and its result is kept. A call leaves no goroutine behind. [WithTimeout]
// also limits each call of a Session: 30 s by default.
//
// # Errors
//
// Every error is an [*Error] or wraps one. It has a [Status], the HTTP status of the answer that caused it,
// and how long to wait. A Status is a sentinel for errors.Is. No error holds a secret.
//
// # Goroutines
//
// All types may be used from many goroutines at once. Callbacks (an [MFAFunc], a logger) run with no
// lock held, on any thread; a panic in one ends the program, as in any goroutine.
//
// # Close
//
// Close everything that you create. Close wakes every caller with [ErrClosed]. It may be called many times
// and on any goroutine. The library's memory is freed when the last call has returned. If you forget to
// close an object, the garbage collector frees it later, unless a callback refers to it: then it is never
// freed.
//
// # Secrets
//
// The library wipes its own memory. Go's memory is not wiped, so a header value or a password there
// remains. It never appears in errors and logs, and no verb of fmt shows it.
//
// # Tests of your own
//
// "plextrac-auth emulator" stands in for an instance. The first line that it prints has its address and
// its accounts.
package plextrac

//go:build !cgo

package plextrac

// This line is the only error of a build without cgo, because all other files of the package need cgo.
const _ int = "package plextrac needs cgo: set CGO_ENABLED=1, and install a C compiler, pkg-config and libplextrac; see \"Installing\" in its documentation"

//go:build cgo && !plextrac_gctest

package plextrac

// collectGarbage does something only where tests want it; see gc_forced.go.
func collectGarbage() {}

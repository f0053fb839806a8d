//go:build cgo && plextrac_gctest

package plextrac

import "runtime"

// collectGarbage runs whenever a pointer of the library is about to be used: whatever nobody keeps
// alive is collected there, and a KeepAlive that is missing shows as a closed handle.
//
// Cleanups run after the collection that found them due, each batch before the next: a second round
// with a cleanup of its own tells that those of the first have run.
func collectGarbage() {
	for range 2 {
		done := make(chan struct{})
		marker := new([16]byte)
		runtime.AddCleanup(marker, func(done chan struct{}) { close(done) }, done)
		runtime.GC()
		<-done
	}
}

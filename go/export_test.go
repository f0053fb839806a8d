//go:build cgo

package plextrac

import "time"

// SetClock has a machine session go by another clock; to be called before it is used.
func (s *MachineSession) SetClock(now func() Time) { s.now = now }

// WholeMilliseconds is how the library is given a duration.
func WholeMilliseconds(d time.Duration) uint64 { return uint64(wholeMilliseconds(d)) }

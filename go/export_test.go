package plextrac

// SetClock has a machine session go by another clock; to be called before it is used.
func (s *MachineSession) SetClock(now func() Time) { s.now = now }

package crmhost

// look reloads the plugin when another version than the running one has been
// trusted. A version that was refused is not tried again.
func (s *Supervisor) look() {
	pin, ok := s.otherVersion()
	if ok {
		err := s.Reload(s.life)
		s.mu.Lock()
		if err != nil {
			s.refusedPin = pin
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.stopWatch = s.options.Clock.AfterFunc(s.options.Watch, s.look)
	}
}

// otherVersion is what is trusted now, when that is not what runs.
func (s *Supervisor) otherVersion() (Pin, bool) {
	pin, err := s.options.Process.Trust.pin(s.options.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || pin == (Pin{}) || pin == s.refusedPin || s.state != StateReady {
		return Pin{}, false
	}
	same := pin.ExecutableSHA256 == s.current.executableSHA256 && pin.ManifestSHA256 == s.current.manifestSHA256
	return pin, !same
}

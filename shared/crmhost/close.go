package crmhost

import "context"

// Close lets running uses end (up to the close grace), stops every process and
// waits until nothing is left of them; the end of ctx makes it kill instead. From
// its beginning on nobody gets the plugin any more.
func (s *Supervisor) Close(ctx context.Context) {
	defer context.AfterFunc(ctx, s.hurryUp)()
	if s.beginClose() {
		defer context.AfterFunc(ctx, s.endGrace)()
		defer s.options.Clock.AfterFunc(s.options.CloseGrace, s.endGrace)()
	}
	s.background.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == StateDraining {
		s.step(evStopped, nil)
	}
}

// beginClose reports whether this call is the first.
func (s *Supervisor) beginClose() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	s.endStarts()
	s.cancelTimer()
	if s.stopWatch != nil {
		s.stopWatch()
	}
	if s.current != nil {
		s.retire(s.current)
		s.current = nil
	}
	s.step(evClose, nil)
	return true
}

func (s *Supervisor) endGrace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.graceOver:
	default:
		close(s.graceOver)
	}
}

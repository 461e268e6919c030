package crmhost

import (
	"cmp"
	"slices"
	"time"
)

// Status is a supervised plugin as it is at one moment.
type Status struct {
	Name  string
	State State
	Since time.Time
	// Reason of the state, a crm.Error mostly; nil where the state says it all.
	Reason error
	// Refused is why the last reload was refused; nil after one that was not.
	Refused error
	// LastWords of the process that died last: the text of its panic, several lines.
	LastWords string
	// Deaths since the host began.
	Deaths int
	// Next is when a restart is due (backing off), or when the next use starts the
	// plugin again (failed).
	Next time.Time
	// Running is the process that new uses get, nil when there is none.
	Running *Running
	// Leaving are processes that were replaced and still finish something, the
	// oldest first.
	Leaving []Running
}

// Running is one process of a plugin.
type Running struct {
	Version string
	PID     int
	// Uses is how many hold it.
	Uses int
}

// Status says how the plugin is.
func (s *Supervisor) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Status{Name: s.options.Name, State: s.state, Since: s.since, Reason: s.reason, Refused: s.refused, LastWords: s.words, Deaths: s.deaths}
	if s.state == StateBackingOff || s.state == StateFailed {
		out.Next = s.retryAt
	}
	if s.current != nil {
		running := s.current.running()
		out.Running = &running
	}
	leaving := make([]*instance, 0, len(s.leaving))
	for i := range s.leaving {
		leaving = append(leaving, i)
	}
	slices.SortFunc(leaving, func(a, b *instance) int {
		return cmp.Or(a.leavingSince.Compare(b.leavingSince), cmp.Compare(a.process.PID(), b.process.PID()))
	})
	for _, i := range leaving {
		out.Leaving = append(out.Leaving, i.running())
	}
	return out
}

func (i *instance) running() Running {
	return Running{Version: i.process.Description().Version, PID: i.process.PID(), Uses: i.holds}
}

package crmhost

// State is where a supervised plugin stands.
type State string

// The states of a plugin. A reload that puts a new process in the place of a
// running one leaves the plugin ready all the time; the old process is drained
// beside it ([Status.Leaving]).
const (
	StateDiscovered State = "discovered"  // nothing runs; the next use starts it
	StateUntrusted  State = "untrusted"   // nothing runs, nobody allowed it to
	StateStarting   State = "starting"    // a process is coming up
	StateReady      State = "ready"       // a process answers
	StateDraining   State = "draining"    // the host stops: calls end, then the process
	StateBackingOff State = "backing_off" // it died; a restart is due
	StateFailed     State = "failed"      // it died too often; see Breaker
)

// event is what can happen to a plugin.
type event string

const (
	evStart     event = "start"     // a start begins
	evMissing   event = "missing"   // there is nothing to start
	evUntrusted event = "untrusted" // it may not be started
	evReady     event = "ready"     // a process answers and has been told what it must know
	evDied      event = "died"      // the process, or the start, is lost
	evGaveUp    event = "gave_up"   // the same, once too often
	evClose     event = "close"     // the host stops
	evStopped   event = "stopped"   // and nothing is left
)

// transitions is the machine. What is not in it cannot happen.
var transitions = map[State]map[event]State{
	StateDiscovered: {evStart: StateStarting, evClose: StateDraining},
	StateUntrusted:  {evStart: StateStarting, evClose: StateDraining},
	StateStarting: {
		evReady: StateReady, evMissing: StateDiscovered, evUntrusted: StateUntrusted, evDied: StateBackingOff, evGaveUp: StateFailed,
		evClose: StateDraining,
	},
	StateReady:      {evReady: StateReady, evDied: StateBackingOff, evGaveUp: StateFailed, evClose: StateDraining},
	StateBackingOff: {evStart: StateStarting, evReady: StateReady, evClose: StateDraining},
	StateFailed:     {evStart: StateStarting, evReady: StateReady, evClose: StateDraining},
	StateDraining:   {evStopped: StateDiscovered},
}

// next is the state after an event; false when the machine has no such step.
func (s State) next(e event) (State, bool) {
	to, ok := transitions[s][e]
	return to, ok
}

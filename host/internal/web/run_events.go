package web

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

const (
	// beat keeps proxies from thinking that the line is dead, and asks again whether
	// the visitor may still be here.
	beat = 15 * time.Second
	// watchedFor is when a browser is asked to connect anew.
	watchedFor = 10 * time.Minute
	// writePatience is how long a browser may take to read one event.
	writePatience = 20 * time.Second
)

// runEvents sends a run's live part whenever something is new (server-sent events).
// Each event is the whole part, so that a browser that was away has missed nothing.
func (s *Server) runEvents(w http.ResponseWriter, r *http.Request, v *visit) error {
	run, err := s.ownRun(r, v)
	if err != nil {
		return err
	}
	feed, leave, ok := s.feeds.watch(run.ID)
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		return nil
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	events := &eventWriter{w: w, control: http.NewResponseController(w)}
	events.send([]byte("retry: 2000\n\n"))
	pulse := time.NewTicker(beat)
	defer pulse.Stop()
	end := time.NewTimer(watchedFor)
	defer end.Stop()
	for seen := 0; events.err == nil; {
		now, version, done, news := feed.look()
		if version > seen && now.Run.ID != 0 {
			event, err := feed.event(version, tongue{v.Locale, v.Zone.String()}, func(now liveRun) ([]byte, error) { return s.liveEvent(v, now) })
			if err != nil {
				s.Log.Error("live part of a run", "error", err.Error())
				return nil // the answer has begun: all that is left is to end it
			}
			if event == nil {
				continue // there is something newer
			}
			seen = version
			events.send(event)
		}
		if done {
			if now.Over() && now.Run.ID != 0 && s.awaitTurn(r) {
				events.send([]byte("event: over\ndata: over\n\n"))
			}
			return nil
		}
		select {
		case <-news:
		case <-pulse.C:
			if account, err := s.gate.Who(r.Context()); err != nil || !account.Administers() {
				return nil //nolint:nilerr // whoever may not be here any more is shown nothing more
			}
			events.send([]byte(": still here\n\n"))
		case <-end.C:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
	return nil
}

// awaitTurn waits until the visitor may load a page; false: the visitor has gone.
func (s *Server) awaitTurn(r *http.Request) bool {
	turn := time.NewTimer(s.feeds.turns.take(time.Now()))
	defer turn.Stop()
	select {
	case <-turn.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// liveEvent renders the live part for visitors like v.
func (s *Server) liveEvent(v *visit, now liveRun) ([]byte, error) {
	pages, err := s.tongues.in(v.Locale, v.Zone)
	if err != nil {
		return nil, err
	}
	var part, event bytes.Buffer
	if err := pages["run"].ExecuteTemplate(&part, "live", now); err != nil {
		return nil, err
	}
	event.WriteString("event: live\n")
	for line := range bytes.Lines(part.Bytes()) {
		fmt.Fprintf(&event, "data: %s\n", bytes.TrimRight(line, "\r\n"))
	}
	event.WriteByte('\n')
	return event.Bytes(), nil
}

// eventWriter writes events; the first error stays.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (e *eventWriter) send(event []byte) {
	if e.err != nil {
		return
	}
	// The server's own limit is for whole answers; this one never ends.
	_ = e.control.SetWriteDeadline(time.Now().Add(writePatience))
	if _, e.err = e.w.Write(event); e.err == nil {
		e.err = e.control.Flush()
	}
}

// patient lets an answer take as long as a portal may take to say something.
func patient(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(3 * time.Minute))
}

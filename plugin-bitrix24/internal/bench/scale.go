package main

import (
	"context"
	"fmt"

	"booking/shared/benchreport"
	"booking/shared/crm"
)

// scaling is what the large portal showed.
type scaling struct {
	requests, refused, peak int
	limited                 bool
}

// measureScale compares a large portal with an ordinary one, through one fresh
// plugin process per repetition; the large portal limits its callers.
func measureScale(ctx context.Context, l *lab, r *benchreport.Report) error {
	small, err := l.portal(ctx, l.people, "--rate-limit", "off")
	if err != nil {
		return err
	}
	defer small.stop()
	free, err := l.portal(ctx, l.large, "--rate-limit", "off")
	if err != nil {
		return err
	}
	defer free.stop()
	var s scaling
	for rep := range min(l.reps, 3) {
		l.say("%d people: repetition %d of %d", l.large, rep+1, min(l.reps, 3))
		if err := l.scaleOnce(ctx, r, small, free, &s); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("%d people: ", l.large)
	grown := float64(l.large) / float64(l.people)
	r.Ratio("scale", what+fmt.Sprintf("cost per person, times that of %d", l.people), "import of the large portal", "import of the small portal", benchreport.AtMost, 4./3*grown)
	last := &r.Rows[len(r.Rows)-1]
	last.Value, last.Limit, last.Low, last.High = last.Value/grown, last.Limit/grown, last.Low/grown, last.High/grown
	r.Add("scale", what+"requests to the portal", float64(s.requests), "", benchreport.AtMost, 41, "with the portal's rate limit on")
	waited := float64(s.refused)
	if s.limited {
		waited++
	}
	r.Add("scale", what+"waits at the portal's bucket", waited, "", benchreport.AtMost, 0, "")
	r.Add("scale", what+"peak memory of the plugin", float64(s.peak)/mebi, "MB", benchreport.AtMost, 200, "first import and re-run, VmHWM, most of all repetitions")
	return readerMemory(ctx, free, l.large, r, what)
}

func (l *lab) scaleOnce(ctx context.Context, r *benchreport.Report, small, free *simulator, s *scaling) error {
	process, err := l.startPlugin(ctx)
	if err != nil {
		return err
	}
	defer process.Stop(ctx)
	// A new portal has an empty bucket.
	limited, err := l.portal(ctx, l.large)
	if err != nil {
		return err
	}
	defer limited.stop()
	var runs [3]outcome
	for i, run := range []struct {
		do     func(context.Context, crm.Plugin, *simulator, int) (outcome, error)
		portal *simulator
		people int
	}{{l.firstImport, small, l.people}, {l.firstImport, limited, l.large}, {l.unchanged, free, l.large}} {
		if runs[i], err = run.do(ctx, process.Plugin(), run.portal, run.people); err != nil {
			return err
		}
	}
	r.Time("import of the small portal", runs[0].took)
	r.Time("import of the large portal", runs[1].took)
	r.Time("re-run of the large portal", runs[2].took)
	memory, err := peak(process.PID())
	s.requests, s.refused = max(s.requests, runs[1].portal.Requests), max(s.refused, runs[1].portal.Refused)
	s.peak, s.limited = max(s.peak, memory), s.limited || runs[1].events.limited
	return err
}

package main

import (
	"context"
	"fmt"
	"time"

	"booking/shared/benchreport"
	"booking/shared/crm"
)

// measureRerun times syncs that have nothing to do, with an instant and a slow portal.
func measureRerun(ctx context.Context, l *lab, r *benchreport.Report) error {
	process, err := l.startPlugin(ctx)
	if err != nil {
		return err
	}
	defer process.Stop(ctx)
	instant, err := l.portal(ctx, l.people, "--rate-limit", "off")
	if err != nil {
		return err
	}
	defer instant.stop()
	slow, err := l.portal(ctx, l.people, "--rate-limit", "off", "--latency", l.latency.String())
	if err != nil {
		return err
	}
	defer slow.stop()
	if _, err := l.firstImport(ctx, process.Plugin(), instant, l.people); err != nil {
		return err
	}
	m := &rerunning{lab: l, report: r, process: process.Plugin(), reference: l.newReference()}
	for rep := range l.reps {
		l.say("unchanged re-run: repetition %d of %d", rep+1, l.reps)
		for latency, portal := range map[time.Duration]*simulator{0: instant, l.latency: slow} {
			if err := m.repeat(ctx, portal, latency); err != nil {
				return err
			}
		}
	}
	what := fmt.Sprintf("unchanged re-run of %d: ", l.people)
	for latency, limit := range map[time.Duration]float64{0: 10, l.latency: 25} {
		r.Ratio("rerun", fmt.Sprintf("%sfaster than the old server's way, %d ms per answer", what, latency.Milliseconds()),
			m.name(timeReference, latency), m.name(timePlugin, latency), benchreport.AtLeast, limit)
	}
	r.Add("rerun", what+"rows written to users", float64(m.written), "", benchreport.AtMost, 0, "most of all repetitions")
	r.Add("rerun", what+"SQL statements", float64(m.statements), "", benchreport.AtMost, 8, fmt.Sprintf("most of all repetitions; %s: %d", timeReference, m.referenceStatements))
	r.Add("rerun", what+"requests to the portal", float64(m.requests), "", benchreport.AtMost, 5, fmt.Sprintf("most of all repetitions; %s: %d", timeReference, m.referenceRequests))
	return nil
}

type rerunning struct {
	*lab
	report                                 *benchreport.Report
	process                                crm.Plugin
	reference                              *reference
	written, statements, requests          int
	referenceStatements, referenceRequests int
}

func (m *rerunning) name(way string, latency time.Duration) string {
	return fmt.Sprintf("re-run at %d ms %s", latency.Milliseconds(), way)
}

func (m *rerunning) repeat(ctx context.Context, portal *simulator, latency time.Duration) error {
	before, err := m.counts(ctx, accountReference)
	if err != nil {
		return err
	}
	asked, err := portal.stats(ctx)
	if err != nil {
		return err
	}
	took, err := m.reference.timed(ctx, portal, m.people)
	if err != nil {
		return err
	}
	m.report.Time(m.name(timeReference, latency), took)
	after, err := m.counts(ctx, accountReference)
	if err != nil {
		return err
	}
	answered, err := portal.stats(ctx)
	if err != nil {
		return err
	}
	m.referenceStatements, m.referenceRequests = after.since(before).statements, answered.since(asked).Requests
	o, err := m.unchanged(ctx, m.process, portal, m.people)
	if err != nil {
		return err
	}
	if err := o.waited(); err != nil {
		return err
	}
	m.report.Time(m.name(timePlugin, latency), o.took)
	m.written = max(m.written, o.usersChanged)
	m.statements = max(m.statements, o.statements)
	m.requests = max(m.requests, o.portal.Requests)
	return nil
}

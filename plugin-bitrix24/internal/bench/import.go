package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/benchreport"
	"booking/shared/crm"
)

// Names of what is timed.
const (
	timeReference = "reference"
	timePlugin    = "plugin"
	timeInProcess = "in-process"
	timeLoad      = "LOAD DATA"
	timeInsert    = "set-based insert"
)

// boundaryRuns is how often a repetition compares process and no process: the
// difference is small, and each takes little.
const boundaryRuns = 4

// measureImport times first imports, all ways in each repetition.
func measureImport(ctx context.Context, l *lab, r *benchreport.Report) error {
	process, err := l.startPlugin(ctx)
	if err != nil {
		return err
	}
	defer process.Stop(ctx)
	here, err := l.inProcess(ctx)
	if err != nil {
		return err
	}
	m := &importing{lab: l, report: r, process: process.Plugin(), here: here, reference: l.newReference()}
	for rep := range l.reps {
		l.say("first import: repetition %d of %d", rep+1, l.reps)
		if err := m.repeat(ctx); err != nil {
			return err
		}
	}
	m.rows()
	return nil
}

type importing struct {
	*lab
	report        *benchreport.Report
	portal        *simulator
	process, here crm.Plugin
	reference     *reference
	floor         *floor
	last          outcome
	statements    int // of the reference
}

func (m *importing) repeat(ctx context.Context) error {
	// A new portal has room for 50 requests by everybody's count, the client's too.
	var err error
	if m.portal, err = m.lab.portal(ctx, m.people, "--rate-limit", "off"); err != nil {
		return err
	}
	defer m.portal.stop()
	if err := m.warmUp(ctx); err != nil {
		return err
	}
	if err := m.empty(ctx); err != nil {
		return err
	}
	before, err := m.counts(ctx, accountReference)
	if err != nil {
		return err
	}
	took, err := m.reference.timed(ctx, m.portal, m.people)
	if err != nil {
		return err
	}
	m.report.Time("import "+timeReference, took)
	after, err := m.counts(ctx, accountReference)
	if err != nil {
		return err
	}
	m.statements = after.since(before).statements
	if err := m.floors(ctx); err != nil {
		return err
	}
	stop, err := m.startProfile()
	if err != nil {
		return err
	}
	defer stop()
	var pluginTimes []time.Duration
	for i := range boundaryRuns {
		var inside outcome
		ways := []func() error{
			func() (err error) {
				m.last, err = m.firstImport(ctx, m.process, m.portal, m.people)
				return err
			},
			func() (err error) { inside, err = m.firstImport(ctx, m.here, m.portal, m.people); return err },
		}
		if i%2 > 0 { // neither is always the second one
			slices.Reverse(ways)
		}
		for _, way := range ways {
			if err := way(); err != nil {
				return err
			}
		}
		pluginTimes = append(pluginTimes, m.last.took)
		m.report.Time("boundary "+timePlugin, m.last.took)
		if err := errors.Join(m.last.waited(), inside.waited()); err != nil {
			return err
		}
		m.report.Time("boundary "+timeInProcess, inside.took)
		m.say("  plugin: %s; in-process: %s", m.last.parts(), inside.parts())
	}
	m.report.Time("import "+timePlugin, benchreport.Median(pluginTimes))
	return nil
}

// warmUp opens connections and lets the portal write its JSON, which it keeps; the
// rows it leaves are those that the floor writes.
func (m *importing) warmUp(ctx context.Context) error {
	for _, plugin := range []crm.Plugin{m.process, m.here} {
		if _, err := m.firstImport(ctx, plugin, m.portal, m.people); err != nil {
			return err
		}
	}
	if err := m.reference.read(ctx, m.portal, func([]referencePerson) error { return nil }); err != nil {
		return err
	}
	var err error
	m.floor, err = m.newFloor(ctx)
	return err
}

// floors times what the server lets us; LOAD DATA LOCAL can be forbidden (3948, 1148, 4166).
func (m *importing) floors(ctx context.Context) error {
	loaded, err := m.floor.load(ctx)
	var refused *mysql.MySQLError
	switch {
	case err == nil:
		m.report.Time("floor "+timeLoad, loaded)
	case errors.As(err, &refused) && (refused.Number == 3948 || refused.Number == 1148 || refused.Number == 4166):
		m.say("this server forbids LOAD DATA LOCAL: %v", err)
	default:
		return err
	}
	inserted, err := m.floor.insert(ctx)
	if err != nil {
		return err
	}
	m.report.Time("floor "+timeInsert, inserted)
	return nil
}

func (m *importing) startProfile() (stop func(), err error) {
	if m.profile == "" || len(m.report.Times["boundary "+timePlugin]) > 0 {
		return func() {}, nil
	}
	file, err := os.Create(m.profile)
	if err != nil {
		return nil, fmt.Errorf("write a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("write a profile: %w", err)
	}
	return func() { pprof.StopCPUProfile(); file.Close() }, nil
}

func (m *importing) rows() {
	r := m.report
	const g = "import"
	first := fmt.Sprintf("first import of %d: ", m.people)
	r.Ratio(g, first+"faster than the old server's way", "import "+timeReference, "import "+timePlugin, benchreport.AtLeast, 10)
	fastest := "floor " + timeInsert
	if loads := r.Times["floor "+timeLoad]; len(loads) > 0 && benchreport.Median(loads) < benchreport.Median(r.Times[fastest]) {
		fastest = "floor " + timeLoad
	}
	r.Ratio(g, first+"times the floor", "import "+timePlugin, fastest, benchreport.AtMost, 5)
	r.Add(g, first+"SQL statements", float64(m.last.statements), "", benchreport.AtMost, 100, fmt.Sprintf("%s: %d", timeReference, m.statements))
	r.Add(g, first+"requests to the portal", float64(m.last.portal.Requests), "", benchreport.AtMost, 5, "")
	r.Ratio(g, first+"times the same in one process", "boundary "+timePlugin, "boundary "+timeInProcess, benchreport.AtMost, 1.1)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"booking/host/internal/simulator"
	"booking/shared/benchreport"
)

const (
	// slower is how much the slowest of a hundred list pages may lose while runs are
	// watched and go on, and statementsOf what one page may ask the database.
	slower       = 5
	statementsOf = 4
	// roomOf is the memory that a host may take for all that, in MB, and growth how much
	// of it may be new in the second half.
	roomOf = 150
	growth = 1.25
)

// measureWeb asks for pages of a long list at a fixed rate, first alone and then while
// one sync follows the other and many watch them.
func measureWeb(ctx context.Context, l *lab, r *benchreport.Report) error {
	s, err := l.openSite(ctx, "web")
	if err != nil {
		return err
	}
	defer s.close()
	portal, err := s.programs.startPortal(ctx)
	if err != nil {
		return err
	}
	defer portal.Stop()
	admins, err := s.administrators(ctx, l.watchers)
	if err != nil {
		return err
	}
	if err := s.fill(ctx, admins[0], portal); err != nil {
		return err
	}
	reader := newReader(s, admins)
	idle, err := s.measureReader(ctx, r, reader)
	if err != nil {
		return err
	}
	return s.measureCrowd(ctx, r, admins, portal, reader, idle)
}

// measureReader reads the list with nobody else about.
func (s *site) measureReader(ctx context.Context, r *benchreport.Report, reader *reader) (*latencies, error) {
	s.say("%d list pages a second, nothing else", s.pages)
	openLoop(ctx, s.pages, s.load/10, reader.ask) // whatever has to be made once
	asked, err := s.statements(ctx)
	if err != nil {
		return nil, err
	}
	used, err := s.usedCPU()
	if err != nil {
		return nil, err
	}
	idle := openLoop(ctx, s.pages, s.load, reader.ask)
	now, err := s.usedCPU()
	if err != nil {
		return nil, err
	}
	after, err := s.statements(ctx)
	if err != nil {
		return nil, err
	}
	pages, busy := len(idle.took), now.since(used)
	r.Add("web", fmt.Sprintf("a page of the list of %d people: SQL statements", s.rows), (after-asked)/float64(pages), "", benchreport.AtMost, statementsOf,
		fmt.Sprintf("of %d pages, with all else that an idle host asks; processor time of a page: host %s, database %s", pages,
			fine(busy.host/time.Duration(pages)), fine(busy.database/time.Duration(pages))))
	return idle, nil
}

// measureCrowd repeats what was idle with everybody else at work.
func (s *site) measureCrowd(ctx context.Context, r *benchreport.Report, admins []*visitor, p *simulator.Portal, reader *reader, idle *latencies) error {
	s.say("and with %d watchers of syncs of %d people", len(admins), s.people)
	watched := gather(ctx, admins)
	memory, err := s.serving.watchMemory(ctx)
	if err != nil {
		return err
	}
	used, err := s.usedCPU()
	if err != nil {
		return err
	}
	var syncs int
	var failed error
	conducted := make(chan struct{})
	go func() {
		defer close(conducted)
		syncs, failed = s.conduct(ctx, admins[0], p, watched, s.load)
	}()
	crowd := openLoop(ctx, s.pages, s.load, reader.ask)
	busy, err := s.usedCPU()
	<-conducted
	watched.leave()
	sizes := memory()
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	s.reportCrowd(r, idle, crowd, busy.since(used))
	s.reportAudience(r, watched, len(admins), syncs)
	return s.reportMemory(r, sizes)
}

func (s *site) reportCrowd(r *benchreport.Report, idle, crowd *latencies, busy cpu) {
	r.Add("web", fmt.Sprintf("%d of them a second while %d watch syncs of %d: p99, times that of an idle host", s.pages, s.watchers, s.people),
		float64(crowd.quantile(0.99))/float64(idle.quantile(0.99)), "x", benchreport.AtMost, slower,
		fmt.Sprintf("idle: %s; then: %s; host %.2f, database %.2f cores", idle, crowd, busy.host.Seconds()/s.load.Seconds(), busy.database.Seconds()/s.load.Seconds()))
	all, good := len(idle.took)+len(crowd.took), len(idle.took)+len(crowd.took)-idle.failed-crowd.failed
	detail := ""
	if err := cmpOr(idle.first, crowd.first); err != nil {
		detail = err.Error()
	}
	r.Add("web", fmt.Sprintf("list pages answered, of %d", all), float64(good), "", benchreport.AtLeast, float64(all), detail)
}

func (s *site) reportAudience(r *benchreport.Report, watched *audience, watchers, syncs int) {
	detail := fmt.Sprintf("%d syncs in %s, %.1f news of each told to each", syncs, s.load, float64(watched.events)/float64(max(1, watched.seen)))
	if watched.first != nil {
		detail += "; " + watched.first.Error()
	}
	all := watchers * syncs
	r.Add("web", fmt.Sprintf("syncs watched to their end and looked at, of %d", all), float64(watched.seen), "", benchreport.AtLeast, float64(all), detail)
}

func (s *site) reportMemory(r *benchreport.Report, sizes []int) error {
	peak, err := s.serving.status("VmHWM")
	if err != nil {
		return err
	}
	half := len(sizes) / 2
	first, second := slices.Max(sizes[:half]), slices.Max(sizes[half:])
	r.Add("web", "the host's memory through it all, peak", float64(peak)/mebi, "MB", benchreport.AtMost, roomOf, "VmHWM of booking-host serve")
	r.Add("web", "the host's memory in the second half, times that of the first", float64(second)/float64(first), "x", benchreport.AtMost, growth,
		fmt.Sprintf("largest VmRSS: %d and %d MB", first/mebi, second/mebi))
	return nil
}

// fill connects the company, imports the portal's people and puts the others of the list
// around them: half of it is older.
func (s *site) fill(ctx context.Context, admin *visitor, p *simulator.Portal) error {
	s.say("%d people, %d of them by a first sync", s.rows, s.people)
	if err := s.connect(ctx, admin, p); err != nil {
		return err
	}
	for _, order := range []string{"unlimited", fmt.Sprintf("people %d", s.people)} {
		if err := p.Order(order); err != nil {
			return err
		}
	}
	others := s.rows - s.people - s.watchers
	if err := s.add(ctx, accounts{kind: "older", hash: "!", role: "employee", first: 1, last: others / 2}); err != nil {
		return err
	}
	run, err := admin.sync(ctx)
	if err != nil {
		return err
	}
	if _, err := admin.watch(ctx, run); err != nil {
		return err
	}
	if err := s.succeeded(ctx, run); err != nil {
		return err
	}
	if err := s.add(ctx, accounts{kind: "newer", hash: "!", role: "employee", first: others/2 + 1, last: others}); err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "ANALYZE TABLE users")
	return err
}

// reader reads the list: mostly its beginning, also further pages and choices.
type reader struct {
	admins []*visitor
	paths  []string
}

func newReader(s *site, admins []*visitor) *reader {
	r := &reader{admins: admins}
	for n := range 10 {
		r.paths = append(r.paths, []string{
			"/people", "/people", fmt.Sprintf("/people?before=%d", s.rows*(n+1)/11),
			"/people?role=employee&active=yes", fmt.Sprintf("/people?q=%d", n),
		}...)
	}
	return r
}

// ask asks for the n-th page and looks whether it lists somebody.
func (r *reader) ask(ctx context.Context, n int) error {
	path := r.paths[n%len(r.paths)]
	a, err := r.admins[n%len(r.admins)].want(ctx, http.StatusOK, path, nil)
	if err == nil && !strings.Contains(a.body, `<td><a href="/people/`) {
		err = fmt.Errorf("%s lists nobody", path)
	}
	return err
}

// cpu is what host and database have used so far.
type cpu struct{ host, database time.Duration }

func (c cpu) since(before cpu) cpu { return cpu{c.host - before.host, c.database - before.database} }

func (s *site) usedCPU() (c cpu, err error) {
	if c.host, err = s.serving.worked(); err == nil {
		c.database, err = cpuTime(s.server.PID())
	}
	return c, err
}

// statements is how many the database has been asked so far.
func (s *site) statements(ctx context.Context) (n float64, err error) {
	var name string
	err = s.db.NewRaw("SHOW GLOBAL STATUS LIKE 'Questions'").Scan(ctx, &name, &n)
	return n, err
}

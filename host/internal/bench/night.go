package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"booking/host/internal/runs"
	"booking/shared/benchreport"
	"booking/shared/crm"
)

const (
	// peopleOf is how many people a tenant of the night has.
	peopleOf = 100
	// requestsOf and answerOf are what its portal is asked, and how long an answer takes.
	requestsOf = 3
	answerOf   = 150 * time.Millisecond
)

// cost is what one run takes.
type cost struct {
	wall, host, database  time.Duration
	statements, rowsBytes float64
}

// measureNight measures what a run without news costs when the machine does nothing
// else, and simulates a night of it.
func measureNight(ctx context.Context, l *lab, r *benchreport.Report) error {
	tenants := max(10, min(l.claims/10, 2000))
	if err := l.carryOut(ctx, tenants, peopleOf); err != nil { // the first import
		return fmt.Errorf("first import: %w", err)
	}
	full, err := l.costOf(ctx, tenants, peopleOf)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("one run of %d people without news: ", peopleOf)
	r.Note("night", what+"CPU of host and plugin", milliseconds(full.host), "ms", fmt.Sprintf("%d runs of %d tenants, the engine included", tenants, tenants))
	r.Note("night", what+"CPU of the database", milliseconds(full.database), "ms", "")
	r.Note("night", what+"SQL statements", full.statements, "", fmt.Sprintf("%.1f kB of redo log", full.rowsBytes/1024))
	r.Note("night", what+"runs a second on this machine, portals at 0 ms", 1/full.wall.Seconds(), "/s", "host and database share its cores")
	for _, places := range []int{runs.DefaultRuns, placesOf} {
		for _, hosts := range []int{1, 2, 4} {
			n := simulate(night{tenants: l.tenants, hosts: hosts, places: places, cores: 2, databaseCores: 2, run: full, portal: requestsOf * answerOf, window: 10 * time.Minute, seed: 1})
			r.Note("night", fmt.Sprintf("%d tenants at 01:00, simulated: %s with %d places: done after", l.tenants, hostsOf(hosts), places), n.took.Hours(), "h",
				fmt.Sprintf("database busy %.0f %% of 2 cores, a host %.0f %%", 100*n.database, 100*n.host))
		}
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// costOf carries out a run of each tenant and divides what that took.
func (l *lab) costOf(ctx context.Context, tenants, people int) (cost, error) {
	before, err := l.usage(ctx)
	if err != nil {
		return cost{}, err
	}
	began := time.Now()
	if err := l.carryOut(ctx, tenants, people); err != nil {
		return cost{}, err
	}
	took := time.Since(began)
	after, err := l.usage(ctx)
	if err != nil {
		return cost{}, err
	}
	each := func(d time.Duration) time.Duration { return d / time.Duration(tenants) }
	return cost{
		wall: each(took), host: each(after.host - before.host), database: each(after.database - before.database),
		statements: (after.statements - before.statements) / float64(tenants), rowsBytes: (after.rowsBytes - before.rowsBytes) / float64(tenants),
	}, nil
}

// usage is what this process and the database have taken so far.
func (l *lab) usage(ctx context.Context) (cost, error) {
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		return cost{}, err
	}
	database, err := cpuTime(l.server.PID())
	if err != nil {
		return cost{}, err
	}
	u := cost{host: time.Duration(self.Utime.Nano() + self.Stime.Nano()), database: database}
	for name, into := range map[string]*float64{"Questions": &u.statements, "Innodb_os_log_written": &u.rowsBytes} {
		var named, value string
		if err := l.admin.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&named, &value); err != nil {
			return cost{}, err
		}
		if *into, err = strconv.ParseFloat(value, 64); err != nil {
			return cost{}, err
		}
	}
	return u, nil
}

// cpuTime is a process's, in user and kernel: /proc/PID/stat, in ticks of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(content), ") ") // the name may have spaces
	fields := strings.Fields(rest)
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, err
}

// crew is the plugin of the night: the people of each tenant, at once and always the same.
type crew struct {
	people int
}

func (c crew) ReadPeople(_ context.Context, r crm.PeopleRequest, out crm.PeopleEvents) error {
	for n := range c.people {
		id := strconv.Itoa(n + 1)
		if err := out.Person(crm.Person{ExternalID: id, Name: "Person " + id, Email: fmt.Sprintf("p%s@t%d.example", id, r.Tenant.ID)}); err != nil {
			return err
		}
	}
	return nil
}

func (c crew) Plugin(context.Context, string) (crm.Plugin, crm.Description, func(), error) {
	d := crm.Description{Name: "bench", ExternalIDColumn: column, Capabilities: []crm.Capability{crm.CapabilityPeople}}
	return crm.NewPeoplePlugin(d, c), d, func() {}, nil
}

// carryOut queues a run of each of the first tenants and lets one host carry them out.
func (l *lab) carryOut(ctx context.Context, tenants, people int) error {
	if err := l.fillQueue(ctx, tenants); err != nil {
		return err
	}
	_, err := l.withHosts(1, func(hosts []*host) (time.Duration, error) {
		work, stop := context.WithCancel(ctx)
		defer stop()
		service := hosts[0].service
		service.Plugins, service.Limits.Runs = crew{people: people}, 4*runtime.NumCPU()
		var working sync.WaitGroup
		working.Go(func() { service.Work(work) })
		defer working.Wait()
		for {
			left, err := l.count(ctx, l.ofThisRate("SELECT COUNT(*) FROM crm_runs")+" AND status IN ('queued', 'running')")
			if err != nil || left == 0 {
				stop()
				return 0, err
			}
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	if err != nil {
		return err
	}
	return l.want(ctx, tenants, l.ofThisRate("SELECT COUNT(*) FROM crm_runs")+" AND status = 'succeeded' AND fetched = "+strconv.Itoa(people))
}

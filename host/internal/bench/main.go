// Command bench measures the host.
//
// The queue: how many slots a second get their runs and how many runs a second are
// claimed, by one, two and four hosts on one MariaDB with default (durable) settings;
// whether that costs more when ten million runs lie in the history; what one run costs,
// and from that what a night with 100,000 tenants takes; and the memory of a host that
// serves them. Hosts are independent pools of connections with a scheduler and a worker
// each. Rates mean something only beside the floor of the same run: one autocommitted
// INSERT of a small row after the other.
//
// The pages (web): what a reader of a long list notices of many who watch one sync after
// the other. The door: whether the time of an answer tells who there is. Both visit
// booking-host serve, with a plugin and its simulated portal where there is a sync, as
// browsers do; times mean something only beside those of the same run.
//
//	go run ./host/internal/bench [--quick] [--only slots,web,...] [--json file] [--strict]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"booking/shared/benchreport"
)

// config is what the command line says.
type config struct {
	// tenants are due at once, claims is how many runs are claimed for one rate, and
	// history how many finished runs the long history has.
	tenants, claims, history int
	reps                     int
	// idle is how long a host rests before its memory is looked at.
	idle time.Duration
	// rows is how long the list of people is, of which people are the portal's; pages is
	// how many of its pages are asked for a second, for as long as load, and watchers
	// are those who watch syncs meanwhile.
	rows, people, pages, watchers int
	load                          time.Duration
	// tries is how often each kind of people tries to get in.
	tries  int
	only   string
	json   string
	strict bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	exitOn(err)
	exitOn(run(ctx, c, os.Stdout, os.Stderr))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseFlags(args []string) (config, error) {
	var c config
	var quick bool
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.IntVar(&c.tenants, "tenants", 100_000, "tenants that are due at once")
	set.IntVar(&c.claims, "claims", 20_000, "runs that are claimed for one rate")
	set.IntVar(&c.history, "history", 10_000_000, "finished runs in the long history")
	set.IntVar(&c.reps, "reps", 3, "repetitions; medians are printed")
	set.DurationVar(&c.idle, "idle", 10*time.Second, "how long a host is idle before its memory is looked at")
	set.IntVar(&c.rows, "rows", 100_000, "people on the list that is read")
	set.IntVar(&c.people, "people", 10_000, "people of the portal, all of whom each sync changes")
	set.IntVar(&c.pages, "pages", 50, "list pages a second")
	set.IntVar(&c.watchers, "watchers", 200, "administrators who watch the syncs")
	set.DurationVar(&c.load, "load", time.Minute, "how long the list is read, alone and again with syncs and watchers")
	set.IntVar(&c.tries, "tries", 151, "tries to get in, for each kind of people")
	set.StringVar(&c.only, "only", "", "comma separated groups: "+strings.Join(groupNames(), ", "))
	set.StringVar(&c.json, "json", "", "write the rows and all times to this `file`")
	set.BoolVar(&c.strict, "strict", false, "a missed goal is a failure")
	set.BoolVar(&quick, "quick", false, "a smoke test: little of everything; its rates say nothing")
	if err := set.Parse(args); err != nil {
		return c, err
	}
	if quick {
		c.tenants, c.claims, c.history, c.reps, c.idle = 1_200, 300, 20_000, 1, time.Second
		c.rows, c.people, c.pages, c.watchers, c.load, c.tries = 2_000, 500, 20, 20, 3*time.Second, 3
	}
	if c.tenants < 1 || c.claims < 1 || c.claims > c.tenants || c.history < 1 || c.reps < 1 {
		return c, errors.New("tenants, claims, history and reps are numbers from 1, and claims not above tenants")
	}
	if c.tries < 1 {
		return c, errors.New("tries is a number from 1")
	}
	if c.rows < c.people+c.watchers || c.people < 1 || c.pages < 1 || c.watchers < 1 || c.load < time.Second {
		return c, errors.New("people, pages and watchers are numbers from 1, rows as many as people and watchers, and load a second at least")
	}
	return c, nil
}

// group is one part of the bench.
type group struct {
	name    string
	measure func(context.Context, *lab, *benchreport.Report) error
}

func groups() []group {
	return []group{{"slots", measureSlots}, {"claims", measureClaims}, {"night", measureNight}, {"memory", measureMemory}, {"history", measureHistory}, {"web", measureWeb}, {"door", measureDoor}}
}

func groupNames() (names []string) {
	for _, g := range groups() {
		names = append(names, g.name)
	}
	return names
}

// run measures and prints the report to out; what is going on goes to status.
func run(ctx context.Context, c config, out, status io.Writer) error {
	for name := range strings.SplitSeq(c.only, ",") {
		if c.only != "" && !slices.Contains(groupNames(), name) {
			return fmt.Errorf("there is no group %q", name)
		}
	}
	l, err := openLab(ctx, c, status)
	if err != nil {
		return err
	}
	defer l.close()
	r := benchreport.New(fmt.Sprintf("%d tenants, %d claims, %d runs in the long history, %d repetitions, MariaDB %s", c.tenants, c.claims, c.history, c.reps, l.version))
	for _, g := range groups() {
		if c.only == "" || slices.Contains(strings.Split(c.only, ","), g.name) {
			l.say("%s", g.name)
			if err := g.measure(ctx, l, r); err != nil {
				return fmt.Errorf("%s: %w", g.name, err)
			}
		}
	}
	return r.Publish(out, c.json, c.strict)
}

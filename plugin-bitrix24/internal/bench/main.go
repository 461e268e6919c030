// Command bench measures the plugin against the old server's way of doing the same
// and against the floor of what the database can take, side by side in one run, on a
// private MariaDB with default (durable) settings and a simulated portal in a process
// of its own:
//
//	go run ./plugin-bitrix24/internal/bench [--quick] [--json file] [--strict]
//
// Counts are exact; times only mean something as ratios within one run, because
// every repetition runs all ways one after the other on the same machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"time"
)

// config is what the command line says.
type config struct {
	people, large int
	reps          int
	latency       time.Duration
	only          string
	json          string
	profile       string
	strict, sdk   bool
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == readerCommand {
		exitOn(readerMain(os.Stdin, os.Stdout))
		return
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the plugin in this process logs each request
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
	set.IntVar(&c.people, "people", 10_000, "people of the portal")
	set.IntVar(&c.large, "large", 100_000, "people of the large portal")
	set.IntVar(&c.reps, "reps", 5, "repetitions; medians are printed")
	set.DurationVar(&c.latency, "latency", 150*time.Millisecond, "an answer of the slow portal")
	set.StringVar(&c.only, "only", "", "comma separated groups: "+strings.Join(groupNames(), ", "))
	set.StringVar(&c.json, "json", "", "write the rows and all times to this `file`")
	set.StringVar(&c.profile, "cpuprofile", "", "write a CPU profile of the first imports in this process to `file`")
	set.BoolVar(&c.strict, "strict", false, "a missed goal is a failure")
	set.BoolVar(&c.sdk, "sdk", false, "compare with Bitrix24's JavaScript client (Node 20 or newer, and npm)")
	set.BoolVar(&quick, "quick", false, "a smoke test: few people, one repetition; its times say nothing")
	if err := set.Parse(args); err != nil {
		return c, err
	}
	if quick {
		c.people, c.large, c.reps, c.latency = 2_000, 6_000, 1, 5*time.Millisecond
	}
	if c.people < 1 || c.large < 1 || c.reps < 1 {
		return c, errors.New("people, large and reps are numbers from 1")
	}
	return c, nil
}

// run measures and prints the report to out; what is going on goes to status.
func run(ctx context.Context, c config, out, status io.Writer) error {
	r, err := measure(ctx, c, status)
	if err != nil {
		return err
	}
	return r.Publish(out, c.json, c.strict)
}

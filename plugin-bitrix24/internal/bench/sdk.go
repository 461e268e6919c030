package main

import (
	"bufio"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"booking/shared/benchreport"
)

//go:embed testdata/sdk
var sdkFiles embed.FS

// sdkWays are the fastest ways of Bitrix24's own JavaScript client, in the words of
// testdata/sdk/read.mjs.
var sdkWays = []string{"offsets", "keys"}

// measureSDK compares our client with the JavaScript one, at an instant portal.
func measureSDK(ctx context.Context, l *lab, r *benchreport.Report) error {
	dir, err := l.installSDK(ctx)
	if err != nil {
		return fmt.Errorf("install the JavaScript client: %w", err)
	}
	for rep := range l.reps {
		l.say("JavaScript client: repetition %d of %d", rep+1, l.reps)
		if err := l.compareSDK(ctx, r, dir); err != nil {
			return err
		}
	}
	best := "JavaScript client, " + sdkWays[0]
	if other := "JavaScript client, " + sdkWays[1]; benchreport.Median(r.Times[other]) < benchreport.Median(r.Times[best]) {
		best = other
	}
	r.Ratio("sdk", fmt.Sprintf("reading %d people, 0 ms per answer: time, times that of Bitrix24's JavaScript client", l.people),
		"our client", best, benchreport.AtMost, 1)
	return nil
}

// compareSDK reads twice in each way; the first time warms everybody up.
func (l *lab) compareSDK(ctx context.Context, r *benchreport.Report, dir string) error {
	portal, err := l.portal(ctx, l.people, "--rate-limit", "off")
	if err != nil {
		return err
	}
	defer portal.stop()
	node, err := startNode(ctx, dir, portal)
	if err != nil {
		return fmt.Errorf("start the JavaScript client: %w", err)
	}
	defer node.stop()
	for _, timed := range []bool{false, true} {
		for _, way := range sdkWays {
			took, err := node.read(way, l.people)
			if err != nil {
				return fmt.Errorf("read with the JavaScript client: %w", err)
			}
			if timed {
				r.Time("JavaScript client, "+way, took)
			}
		}
		took, err := l.readAlone(ctx, portal)
		if err != nil {
			return err
		}
		if timed {
			r.Time("our client", took)
		}
	}
	return nil
}

func (l *lab) installSDK(ctx context.Context) (dir string, err error) {
	dir = filepath.Join(l.dir, "sdk")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	for _, name := range []string{"package.json", "read.mjs"} {
		content, err := sdkFiles.ReadFile("testdata/sdk/" + name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return "", err
		}
	}
	npm := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install: %w: %s", err, out)
	}
	return dir, nil
}

// node is a process with the JavaScript client: its start is not timed.
type node struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
}

func startNode(ctx context.Context, dir string, portal *simulator) (*node, error) {
	n := &node{cmd: exec.CommandContext(ctx, "node", filepath.Join(dir, "read.mjs"))}
	n.cmd.Stderr = os.Stderr
	var err error
	if n.orders, err = n.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	n.answers = bufio.NewScanner(answers)
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(n.orders, portal.webhook.Reveal())
	return n, err
}

func (n *node) read(way string, people int) (time.Duration, error) {
	if _, err := fmt.Fprintln(n.orders, way); err != nil {
		return 0, err
	}
	var answer struct {
		People int
		MS     float64
	}
	if !n.answers.Scan() {
		return 0, fmt.Errorf("it ended: %w", cmp.Or(n.answers.Err(), io.EOF))
	}
	if err := json.Unmarshal(n.answers.Bytes(), &answer); err != nil {
		return 0, fmt.Errorf("it wrote something else: %s", n.answers.Text())
	}
	if answer.People != people {
		return 0, fmt.Errorf("%d people instead of %d", answer.People, people)
	}
	return time.Duration(answer.MS * float64(time.Millisecond)), nil
}

func (n *node) stop() {
	_ = n.orders.Close()
	_ = n.cmd.Wait()
}

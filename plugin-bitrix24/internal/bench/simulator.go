package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"

	"booking/shared/secret"
)

// simulator is a portal in a process of its own: its work and its memory are not
// counted as anybody else's.
type simulator struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	webhook secret.Text
	control string
}

// portal starts a simulator; it ends with stop, or when this process does.
func (l *lab) portal(ctx context.Context, people int, flags ...string) (*simulator, error) {
	args := append([]string{"simulate", "--print-json", "--until-stdin-closes", "--people", fmt.Sprint(people)}, flags...)
	s := &simulator{cmd: exec.CommandContext(ctx, l.found.Executable(), args...)}
	s.cmd.Stderr = os.Stderr
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a portal: %w", err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a portal: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a portal: %w", err)
	}
	s.stdin = stdin
	var addresses struct {
		Webhook string `json:"webhook_url"`
		Control string `json:"control_url"`
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &addresses)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("learn a portal's address: %w", err)
	}
	s.webhook, s.control = secret.New(addresses.Webhook), addresses.Control
	return s, nil
}

func (s *simulator) stop() {
	_ = s.stdin.Close()
	_ = s.cmd.Wait()
}

// portalStats is what the portal counted.
type portalStats struct{ Requests, Refused int }

func (s *simulator) stats(ctx context.Context) (portalStats, error) {
	var got portalStats
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.control+"/stats", nil)
	if err != nil {
		return got, fmt.Errorf("ask the portal: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return got, fmt.Errorf("ask the portal: %w", err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		return got, fmt.Errorf("read the portal's counters: %w", err)
	}
	return got, nil
}

func (s portalStats) since(before portalStats) portalStats {
	return portalStats{s.Requests - before.Requests, s.Refused - before.Refused}
}

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// simulatorPatience is how long a simulated portal may take to say where it is.
const simulatorPatience = 20 * time.Second

// simulator is a portal that a plugin brings along for demonstrations.
type simulator struct {
	settings crm.Settings
	// hosts are the loopback addresses the plugin must be allowed to reach.
	hosts []string
	// lively asks the portal for something to look at ([crm.Manifest]).
	lively func() error
	stop   func()
}

// startSimulator runs the plugin's simulated portal as its manifest says. It
// prints one JSON object whose text values are settings by key; it ends when its
// standard input does, so it cannot outlive this process.
func startSimulator(ctx context.Context, found crmhost.Found) (*simulator, error) {
	cmd := exec.CommandContext(ctx, found.Executable(), found.Manifest.Simulator...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open the simulator's input: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open the simulator's output: %w", err)
	}
	cmd.Env = []string{}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the simulated portal: %w", err)
	}
	s := &simulator{settings: crm.Settings{}, lively: func() error {
		_, err := io.WriteString(stdin, "lively\n")
		return err
	}, stop: func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	}}
	if err := s.read(stdout); err != nil {
		_ = cmd.Process.Kill()
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *simulator) read(stdout io.Reader) error {
	line := make(chan []byte, 1)
	go func() {
		text, _ := bufio.NewReader(stdout).ReadBytes('\n')
		line <- text
	}()
	var values map[string]any
	select {
	case text := <-line:
		if err := json.Unmarshal(text, &values); err != nil {
			return fmt.Errorf("understand the simulated portal's first line: %w", err)
		}
	case <-time.After(simulatorPatience):
		return errors.New("the simulated portal does not say where it is")
	}
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			continue
		}
		s.settings[key] = secret.New(text)
		if address, err := url.Parse(text); err == nil && address.Scheme == "http" {
			s.hosts = append(s.hosts, address.Host)
		}
	}
	return nil
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// portal is a simulated portal in a process of its own, which does what it is told on
// its standard input ([crm.Manifest]).
type portal struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	// settings are what a connection to it needs.
	settings map[string]string
}

// openPortal starts a portal; it ends with close, or when this process does.
func (p *programs) openPortal(ctx context.Context) (_ *portal, err error) {
	portal := &portal{cmd: p.simulator(ctx), settings: map[string]string{}}
	portal.cmd.Stderr = os.Stderr
	if portal.orders, err = portal.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start a portal: %w", err)
	}
	said, err := portal.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a portal: %w", err)
	}
	portal.answers = bufio.NewReader(said)
	if err := portal.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a portal: %w", err)
	}
	if err := portal.learn(); err != nil {
		portal.close()
		return nil, fmt.Errorf("learn a portal's address: %w", err)
	}
	return portal, nil
}

// learn reads the portal's first line: the settings.
func (p *portal) learn() error {
	line, err := p.answers.ReadBytes('\n')
	if err != nil {
		return err
	}
	var values map[string]any
	if err := json.Unmarshal(line, &values); err != nil {
		return err
	}
	for key, value := range values {
		if text, ok := value.(string); ok {
			p.settings[key] = text
		}
	}
	return nil
}

// order has the portal do something and waits until it is done.
func (p *portal) order(format string, args ...any) error {
	order := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintln(p.orders, order); err != nil {
		return fmt.Errorf("order the portal to %s: %w", order, err)
	}
	said := make(chan error, 1)
	go func() {
		answer, err := p.answers.ReadString('\n')
		if err == nil && strings.TrimSpace(answer) != "done" {
			err = fmt.Errorf("it says %q", answer)
		}
		said <- err
	}()
	var err error
	select {
	case err = <-said:
	case <-time.After(patience): // whoever does not know an order says nothing
		err = errors.New("no answer")
	}
	if err != nil {
		return fmt.Errorf("order the portal to %s: %w", order, err)
	}
	return nil
}

func (p *portal) close() {
	_ = p.orders.Close()
	_ = p.cmd.Wait()
}

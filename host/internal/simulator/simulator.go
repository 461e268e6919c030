// Package simulator runs the simulated portal that a plugin brings along, as its manifest
// says ([crm.Manifest]): in a process of its own, for demonstrations and measurements.
package simulator

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"booking/shared/crm"
	"booking/shared/secret"
)

// patience is how long a portal may take to say where it is, or that an order is carried out.
const patience = 20 * time.Second

// Portal is a simulated portal that runs.
type Portal struct {
	// Settings are what a connection to it needs.
	Settings crm.Settings
	// Hosts are the loopback addresses that the plugin must be allowed to reach.
	Hosts []string

	cmd    *exec.Cmd
	orders io.WriteCloser
	said   *bufio.Reader
}

// Start runs executable with the arguments of its manifest and an empty environment. The
// portal ends with Stop, and when this process does; also when ctx ends.
func Start(ctx context.Context, executable string, args []string) (*Portal, error) {
	p := &Portal{Settings: crm.Settings{}, cmd: exec.CommandContext(ctx, executable, args...)}
	p.cmd.Env = []string{}
	var err error
	if p.orders, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("open the simulated portal's input: %w", err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open the simulated portal's output: %w", err)
	}
	p.said = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the simulated portal: %w", err)
	}
	if err := p.learn(); err != nil {
		_ = p.cmd.Process.Kill()
		p.Stop()
		return nil, fmt.Errorf("learn where the simulated portal is: %w", err)
	}
	return p, nil
}

// learn reads the first line: one JSON object, whose text values are settings by key.
func (p *Portal) learn() error {
	line, err := p.line()
	if err != nil {
		return err
	}
	var values map[string]any
	if err := json.Unmarshal([]byte(line), &values); err != nil {
		return err
	}
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			continue
		}
		p.Settings[key] = secret.New(text)
		if address, err := url.Parse(text); err == nil && address.Scheme == "http" {
			p.Hosts = append(p.Hosts, address.Host)
		}
	}
	return nil
}

// Tell gives the portal an order, which it ignores when it does not know it.
func (p *Portal) Tell(order string) error {
	if _, err := io.WriteString(p.orders, order+"\n"); err != nil {
		return fmt.Errorf("order the simulated portal to %s: %w", order, err)
	}
	return nil
}

// Order is Tell for whoever needs it done: it returns when it is. From a portal that does
// not know the order there is no answer, which is an error after 20 seconds. Nobody may
// have used Tell before, nor may anybody go on after an error.
func (p *Portal) Order(order string) error {
	if err := p.Tell(order); err != nil {
		return err
	}
	answer, err := p.line()
	if err == nil && answer != "done" {
		err = fmt.Errorf("it says %q", answer)
	}
	if err != nil {
		return fmt.Errorf("order the simulated portal to %s: %w", order, err)
	}
	return nil
}

// line is the next one that the portal says.
func (p *Portal) line() (string, error) {
	type answer struct {
		text string
		err  error
	}
	said := make(chan answer, 1)
	go func() {
		text, err := p.said.ReadString('\n')
		said <- answer{strings.TrimSpace(text), err}
	}()
	select {
	case a := <-said:
		return a.text, a.err
	case <-time.After(patience):
		return "", errors.New("no answer")
	}
}

// Stop ends it.
func (p *Portal) Stop() {
	_ = p.orders.Close()
	_ = p.cmd.Wait()
}

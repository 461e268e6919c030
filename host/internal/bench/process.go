package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a booking-host that serves.
type process struct {
	*exec.Cmd
	// address is where its pages are.
	address string
	done    chan struct{}
	// said is the file of its log: to read along would cost those who measure.
	said string
}

// serve starts the host as an operator does, and waits until it answers.
func (p *programs) serve(ctx context.Context, environment ...string) (*process, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	serving := &process{Cmd: p.host(ctx, environment, "serve"), address: address, done: make(chan struct{})}
	serving.Env = append(serving.Env, "BOOKING_ADDR="+address)
	said, err := os.CreateTemp(p.dir, "serve.log")
	if err != nil {
		return nil, err
	}
	defer said.Close() // the process has its own
	serving.said, serving.Stdout, serving.Stderr = said.Name(), said, said
	if err := serving.Start(); err != nil {
		return nil, err
	}
	go func() { _ = serving.Wait(); close(serving.done) }()
	answers := func() (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			return false, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return true, answer.Body.Close()
	}
	if err := serving.until(ctx, "it serves", answers); err != nil {
		serving.end()
		return nil, err
	}
	return serving, nil
}

func freeAddress(ctx context.Context) (string, error) {
	var settings net.ListenConfig
	listener, err := settings.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// until looks again and again.
func (p *process) until(ctx context.Context, what string, is func() (bool, error)) error {
	deadline := time.After(3 * time.Minute)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		if there, err := is(); err != nil || there {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			said, err := os.ReadFile(p.said)
			return errors.Join(fmt.Errorf("booking-host ended before %s: %s", what, said), err)
		case <-deadline:
			return fmt.Errorf("not within 3 minutes: %s", what)
		}
	}
}

func (p *process) end() {
	_ = p.Process.Signal(syscall.SIGTERM)
	<-p.done
}

// status is a number of /proc/PID/status, in bytes.
func (p *process) status(name string) (int, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			kibi, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return kibi << 10, err
		}
	}
	return 0, fmt.Errorf("%s is not told", name)
}

// worked is the processor's time of all threads so far, to the nanosecond.
func (p *process) worked() (total time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, thread := range threads {
		content, err := os.ReadFile(thread)
		if err != nil {
			return 0, err
		}
		spent, _, _ := strings.Cut(string(content), " ")
		n, err := strconv.ParseInt(spent, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(n)
	}
	return total, nil
}

// watchMemory looks at the memory of the process again and again until the answer is
// called, which is every size that was seen.
func (p *process) watchMemory(ctx context.Context) (sizes func() []int, err error) {
	now, err := p.status("VmRSS")
	if err != nil {
		return nil, err
	}
	all := []int{now, now}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for look := time.NewTicker(250 * time.Millisecond); ; {
			select {
			case <-look.C:
			case <-ctx.Done():
				look.Stop()
				return
			}
			if now, err := p.status("VmRSS"); err == nil {
				all = append(all, now)
			}
		}
	}()
	return func() []int { stop(); <-done; return all }, nil
}

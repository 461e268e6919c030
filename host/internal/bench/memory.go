package main

import (
	"bytes"
	"context"
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

	"booking/shared/benchreport"
)

const mebi = 1 << 20

// measureMemory starts booking-host serve on the lab's database, as an operator does.
func measureMemory(ctx context.Context, l *lab, r *benchreport.Report) error {
	// Nobody has a plan yet: the host makes everybody's, and then has nothing to do.
	if err := l.exec(ctx, l.forget(), "TRUNCATE TABLE crm_slots",
		"UPDATE crm_schedules SET slot_at = NULL, next_at = NULL"); err != nil {
		return err
	}
	serving, err := l.serve(ctx)
	if err != nil {
		return err
	}
	defer serving.end()
	planned := func() (bool, error) {
		n, err := l.count(ctx, "SELECT COUNT(*) FROM crm_schedules WHERE next_at IS NULL")
		return n == 0, err
	}
	if err := serving.until(ctx, "every tenant is planned", planned); err != nil {
		return err
	}
	resting := time.Now().Add(l.idle) // some looks of an idle host
	if err := serving.until(ctx, "it has been idle", func() (bool, error) { return time.Now().After(resting), nil }); err != nil {
		return err
	}
	peak, err := serving.status("VmHWM")
	if err != nil {
		return err
	}
	now, err := serving.status("VmRSS")
	if err != nil {
		return err
	}
	r.Add("memory", fmt.Sprintf("an idle host that serves %d tenants: memory, peak", l.tenants), float64(peak)/mebi, "MB", benchreport.AtMost, 150,
		fmt.Sprintf("VmHWM of booking-host serve, planning them included; now %d MB", now/mebi))
	return nil
}

// process is a booking-host that serves.
type process struct {
	*exec.Cmd
	done chan struct{}
	said bytes.Buffer
}

func (l *lab) serve(ctx context.Context) (*process, error) {
	executable := filepath.Join(l.dir, "booking-host")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", executable, "booking/host").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the host: %w: %s", err, out)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(l.dir, "dsn")
	if err := os.WriteFile(file, []byte(l.dsn(l.database).Reveal()), 0o600); err != nil {
		return nil, err
	}
	p := &process{Cmd: exec.CommandContext(ctx, executable, "serve"), done: make(chan struct{})}
	p.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + l.dir, "BOOKING_DSN_FILE=" + file, "BOOKING_DATA_DIR=" + l.data(), "BOOKING_ADDR=" + address}
	p.Stdout, p.Stderr = &p.said, &p.said
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.Wait(); close(p.done) }()
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
	if err := p.until(ctx, "it serves", answers); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
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
			return fmt.Errorf("booking-host ended before %s: %s", what, p.said.String())
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

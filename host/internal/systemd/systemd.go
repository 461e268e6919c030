// Package systemd tells the service manager that started this process how it is, by the
// protocol of sd_notify(3): started, what it does, alive, stopping. Where nobody listens
// (NOTIFY_SOCKET is not set) nothing is told.
package systemd

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// looks is how often within WatchdogSec= it is looked whether the process is alive: one
// that is slow once is not restarted.
const looks = 3

// Alive returns why the process is to be started afresh, nil when it is well. Whatever
// has not moved within the given time does not move any more.
type Alive func(ctx context.Context, within time.Duration) error

// Manager is the service manager. The zero value works and logs nothing. It is safe for
// use by several goroutines.
type Manager struct {
	Log *slog.Logger

	mu     sync.Mutex
	status string
}

// Ready says that the start is over, and what the process does now.
func (m *Manager) Ready(status string) {
	m.keep(status)
	m.tell(daemon.SdNotifyReady, statusOf(status))
}

// Status says what the process does.
func (m *Manager) Status(status string) {
	m.keep(status)
	m.tell(statusOf(status))
}

// Stopping says that the process is about to end, and what it still has to do. It is a
// sign of life, too: the last one.
func (m *Manager) Stopping(status string) {
	m.keep(status)
	m.tell(daemon.SdNotifyStopping, daemon.SdNotifyWatchdog, statusOf(status))
}

// Watch gives signs of life until ctx ends, where the service manager waits for any
// (WatchdogSec=): as long as alive says so. When it does not, the status says why, and
// the service manager does what it was told to do.
func (m *Manager) Watch(ctx context.Context, alive Alive) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		m.complain("read what the service manager's watchdog wants", err)
	}
	if limit == 0 {
		return
	}
	look := time.NewTicker(limit / looks)
	defer look.Stop()
	for well := true; ; {
		err := alive(ctx, limit)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && well:
			m.tell(daemon.SdNotifyWatchdog)
		case err == nil:
			m.tell(daemon.SdNotifyWatchdog, statusOf(m.kept()))
		default:
			m.tell(statusOf(err.Error()))
			if well {
				m.complain("this process is not well, the service manager's watchdog is told nothing", err)
			}
		}
		well = err == nil
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

func (m *Manager) keep(status string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = status
}

func (m *Manager) kept() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

// statusOf is one line, whatever is in it: a line is a variable of the protocol.
func statusOf(status string) string { return "STATUS=" + strings.Join(strings.Fields(status), " ") }

func (m *Manager) tell(variables ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(variables, "\n")); err != nil {
		m.complain("tell the service manager", err)
	}
}

func (m *Manager) complain(doing string, err error) {
	if m.Log != nil {
		m.Log.Warn(doing, "error", err.Error())
	}
}

//go:build chaos || cluster

package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"booking/shared/testdb/proxy"
)

// patience bounds every wait for a process; a machine with other work to do is slow.
const patience = 90 * time.Second

// host is one of the hosts: a process that is started again whenever it ends, as a
// service manager does.
type host struct {
	t      testing.TB
	number int
	name   string
	dir    string // its data, and what it says
	env    []string
	road   *proxy.Proxy // its way to the database

	mu      sync.Mutex // held while somebody does something to it
	process *process
	// quits is what it said last each time it ended by itself.
	quits []string
}

// process is one life of a host.
type process struct {
	*os.Process
	ended  chan struct{}
	wanted bool // its end
}

// start begins a life, and another one after each that ends unasked for.
func (h *host) start() {
	p, err := h.launch()
	if err != nil {
		h.t.Errorf("start %s: %v", h.name, err)
		return
	}
	h.process = p
	go func() {
		<-p.ended
		h.mu.Lock()
		defer h.mu.Unlock()
		if !p.wanted {
			h.quits = append(h.quits, h.lastWords())
			h.start()
		}
	}()
}

func (h *host) launch() (*process, error) {
	said, err := os.OpenFile(filepath.Join(h.dir, "said"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer said.Close()
	cmd := exec.Command(os.Args[0], "serve")
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = h.env, h.dir, said, said
	// Whatever kills the test, and even while the host is stopped.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p, started := &process{ended: make(chan struct{})}, make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel kills the child when the thread that made it ends
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.Process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		close(p.ended)
	}()
	return p, <-started
}

// with does something to the host while nobody else does.
func (h *host) with(do func(p *process)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do(h.process)
}

// kill ends it at once and starts it again after a while.
func (h *host) kill(after time.Duration) {
	h.with(func(p *process) {
		p.wanted = true
		_ = p.Kill()
		<-p.ended
		time.Sleep(after) // nobody notices at once
		h.start()
	})
}

// sleep stops it, and its plugin if that is wished, and wakes it up after a while.
func (h *host) sleep(lasts time.Duration, plugin bool) {
	h.with(func(p *process) {
		pids := []int{p.Pid}
		if plugin {
			pids = append(pids, children(p.Pid)...)
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
		time.Sleep(lasts) // longer than its lease
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	})
}

// restart asks it to end, waits until it has, and starts it again.
func (h *host) restart() {
	h.with(func(p *process) {
		h.terminate(p)
		h.start()
	})
}

// end asks it to end for good.
func (h *host) end() { h.with(h.terminate) }

func (h *host) terminate(p *process) {
	p.wanted = true
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.Signal(syscall.SIGQUIT) // what it hangs at stands in what it said
		select {
		case <-p.ended:
		case <-time.After(5 * time.Second):
			_ = p.Kill()
			<-p.ended
		}
		h.t.Errorf("%s does not end %s after SIGTERM", h.name, patience)
	}
}

// destroy ends it at once and for good.
func (h *host) destroy() {
	h.with(func(p *process) {
		if p != nil {
			p.wanted = true
			_ = p.Kill()
			<-p.ended
		}
	})
}

// lastWords is the last line that it said.
func (h *host) lastWords() string {
	text, _ := os.ReadFile(filepath.Join(h.dir, "said"))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// crashed reports whether it has ever ended as only a mistake of ours ends a program.
func (h *host) crashed() bool {
	text, err := os.ReadFile(filepath.Join(h.dir, "said"))
	return err != nil || strings.Contains(string(text), "\ngoroutine ") || strings.Contains(string(text), "panic: ")
}

func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range lists {
		text, _ := os.ReadFile(path)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

package crmhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// tailWait is how long the pipes of an ended process are still read: a grandchild
// that left the process group may hold them open for ever.
const tailWait = 200 * time.Millisecond

// child runs one plugin executable for go-plugin. In place of go-plugin's own
// runner it closes these gaps (facts/go-plugin.md, 1.3 and 1.4):
//   - what runs is the opened file that was hashed, not what its path leads to now;
//   - the plugin has a process group of its own, and all of it dies with it;
//   - the kernel kills the plugin when this process dies (Linux), and its standard
//     input ends;
//   - its standard error is read here: go-plugin's parser can be made to panic;
//   - nothing of the plugin can keep Wait from returning.
type child struct {
	file   *os.File // the executable
	path   string
	env    []string
	dir    string // working and socket directory of the launch
	limits Limits
	// line receives each line of standard error, without its end.
	line func([]byte)

	cmd    *exec.Cmd
	stdout *handshakePipe
	// stdin is never written to. It lives here because a pipe whose end only a
	// local variable holds is closed by the garbage collector.
	stdin *os.File

	mu     sync.Mutex
	killed bool          // under mu: this side ended it
	reaped bool          // under mu: the pid may belong to somebody else now
	exited chan struct{} // the process has ended and was waited for
	done   chan struct{} // and all it said has been read; or it could not be started
	err    error         // of Wait, valid after exited
}

func newChild(file *os.File, dir string, limits Limits, line func([]byte)) *child {
	return &child{file: file, path: file.Name(), dir: dir, limits: limits, line: line, exited: make(chan struct{}), done: make(chan struct{})}
}

var _ runner.Runner = (*child)(nil)

// Start implements runner.Runner.
func (c *child) Start(context.Context) error {
	pipes, err := openPipes()
	if err != nil {
		close(c.done)
		return fmt.Errorf("start %s: %w", c.path, err)
	}
	defer pipes.closeChild()
	path, extra := executable(c.file, c.path)
	c.mu.Lock() // kill may come at any time
	c.cmd = &exec.Cmd{
		Path: path, Args: []string{c.path}, Env: c.env, Dir: c.dir, ExtraFiles: extra,
		Stdin: pipes.childIn, Stdout: pipes.childOut, Stderr: pipes.childErr, SysProcAttr: attributes(),
	}
	c.mu.Unlock()
	c.stdin, c.stdout = pipes.in, &handshakePipe{file: pipes.out}
	started := make(chan error)
	go c.live(started, pipes)
	if err := <-started; err != nil {
		pipes.closeHost()
		close(c.done)
		return fmt.Errorf("start %s: %w", c.path, err)
	}
	return nil
}

// live starts the process and waits for it, on one thread: the kernel sends the
// parent-death signal when the creating thread ends.
func (c *child) live(started chan<- error, pipes pipes) {
	runtime.LockOSThread() // never unlocked: what yield has done to the thread ends with it
	err := yield()
	if err == nil {
		err = c.execute()
	}
	started <- err
	if err != nil {
		return
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		eachLine(pipes.err, c.line)
	}()
	c.reap()
	close(c.exited)
	deadline := time.Now().Add(tailWait)
	_ = pipes.err.SetReadDeadline(deadline)
	_ = pipes.out.SetReadDeadline(deadline)
	<-read
	pipes.err.Close()
	c.stdin.Close()
	close(c.done)
}

// execute starts the process unless somebody has given it up already.
func (c *child) execute() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return context.Canceled
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	if err := limit(c.cmd.Process.Pid, c.limits); err != nil {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		_ = c.cmd.Wait()
		c.cmd.Process = nil
		return fmt.Errorf("limit its resources: %w", err)
	}
	return nil
}

// kill ends the plugin and what it started. It may be called at any time.
func (c *child) kill() {
	c.mu.Lock()
	c.killed = true
	c.mu.Unlock()
	c.killGroup()
}

func (c *child) killGroup() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil || c.cmd.Process == nil || c.reaped {
		return
	}
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
}

// Kill implements runner.Runner.
func (c *child) Kill(context.Context) error {
	c.kill()
	return nil
}

// Wait implements runner.Runner.
func (c *child) Wait(context.Context) error {
	<-c.exited
	return c.err
}

// Stdout implements runner.Runner: the handshake, and nothing after it.
func (c *child) Stdout() io.ReadCloser { return c.stdout }

// Stderr implements runner.Runner. It is empty: see child.
func (c *child) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (c *child) Name() string { return c.path }

// ID implements runner.Runner; it is empty when the process could not be started.
func (c *child) ID() string {
	if !c.started() {
		return ""
	}
	return strconv.Itoa(c.pid())
}

// started is valid once Start has returned.
func (c *child) started() bool { return c.cmd != nil && c.cmd.Process != nil }

func (c *child) exitsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.exited:
		return true
	case <-timer.C:
		return false
	}
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// Diagnose implements runner.Runner.
func (c *child) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.Runner. A plugin may listen in its own socket
// folder only: it cannot make the host call anybody else.
func (c *child) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Dir(filepath.Clean(address))) != c.dir {
		return "", "", errors.New("the plugin does not listen in the socket folder it was given")
	}
	return network, address, nil
}

// HostToPlugin implements runner.Runner.
func (c *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

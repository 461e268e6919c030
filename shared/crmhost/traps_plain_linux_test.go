package crmhost_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
)

// What the traps of facts/go-plugin.md do to a host that uses go-plugin and nothing
// else. Each is a process of its own, which fails when it is not trapped any more:
// then upstream has mended it, and what crmhost does about it may go. That crmhost
// is free of them is shown by the tests in traps_linux_test.go, and of trap 1 here
// by TestPlainGoPluginDiesOfAHostileLine.
var traps = map[string]func() error{
	"2 Kill waits for ever for a frozen plugin":            trapFrozen,
	"3 a grandchild that holds stderr hides the end":       trapGrandchild,
	"4 a plugin outlives its host":                         trapOrphan,
	"5 Exited lags behind the broken connection":           trapExitedLags,
	"6 a dead client is handed out without an error":       trapDeadClient,
	"7 errors of slog are debug lines":                     trapSlog,
	"8 standard input is overwritten":                      trapStdin,
	"9 the parent-death signal follows a thread":           trapThread,
	"10 a pipe that a local variable holds is collected":   trapCollected,
	"12 a runner that does not start leaves its folder":    trapFolder,
	"1.1 a SecureConfig can be used once":                  trapSecureConfig,
	"1.1 a plugin inherits the host's environment":         trapEnvironment,
	"1.1 a long error is cut into debug lines":             trapLongLine,
	"1.1 what a plugin prints is swallowed":                trapStdout,
	"1.1 a wrong name of a plugin shows at the first call": trapDispense,
	"1.1 a question about health has no deadline":          trapPing,
	"1.1 without AllowedProtocols gRPC is refused":         trapProtocols,
}

// trapVariable names the trap a process walks into, and dirVariable its folder.
const (
	trapVariable = "CRMHOST_TEST_TRAP"
	long         = 2500 * time.Millisecond // go-plugin's own patience at Kill is 2 s
)

func init() { roles["trap"], roles["bare"] = playTrap, playBare }

func TestPlainGoPluginIsTrapped(t *testing.T) {
	t.Parallel()
	found, _ := installed(t, "")
	var all sync.WaitGroup
	for name := range traps {
		all.Go(func() {
			temp, err := os.MkdirTemp("", "trap-")
			if err != nil {
				t.Error(err)
				return
			}
			defer os.RemoveAll(temp)
			host := exec.CommandContext(t.Context(), "/proc/self/exe")
			host.Env = append(os.Environ(), roleVariable+"=trap", rootVariable+"="+found.Executable(), trapVariable+"="+name, "TMPDIR="+temp, "HUSH=secret")
			if out, err := host.CombinedOutput(); err != nil {
				t.Errorf("trap %s: %v: %s", name, err, out)
			}
		})
	}
	all.Wait()
}

func playTrap() int {
	if err := traps[os.Getenv(trapVariable)](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// freeze stops a process and waits until all its threads have.
func freeze(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	frozen := soon(func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, thread := range threads {
			stat, err := os.ReadFile(thread)
			if err != nil || !strings.Contains(string(stat), ") T ") {
				return false
			}
		}
		return len(threads) > 0
	})
	if !frozen {
		return errors.New("it does not freeze")
	}
	return nil
}

func trapFrozen() error {
	p, err := startPlain()
	if err != nil {
		return err
	}
	defer syscall.Kill(p.pid(), syscall.SIGKILL)
	if err := freeze(p.pid()); err != nil {
		return err
	}
	if !hangs(p.Kill) {
		return errors.New("Kill has ended")
	}
	return nil
}

func trapPing() error {
	p, err := startPlain()
	if err != nil {
		return err
	}
	defer syscall.Kill(p.pid(), syscall.SIGKILL)
	protocol, err := p.Client.Client()
	if err != nil {
		return err
	}
	if err := freeze(p.pid()); err != nil {
		return err
	}
	if !hangs(func() { _ = protocol.Ping() }) {
		return errors.New("Ping has ended")
	}
	return nil
}

func trapGrandchild() error {
	p, err := startPlain()
	if err != nil {
		return err
	}
	lines, err := p.do("grandchild")
	if err != nil {
		return err
	}
	child, err := strconv.Atoi(lines[0])
	if err != nil {
		return err
	}
	defer syscall.Kill(child, syscall.SIGKILL)
	if err := syscall.Kill(p.pid(), syscall.SIGKILL); err != nil {
		return err
	}
	if !hangs(p.Kill) || p.Exited() {
		return errors.New("the end was seen")
	}
	return nil
}

// trapOrphan is a host that starts a host that is killed.
func trapOrphan() error {
	if os.Getenv("CRMHOST_TEST_INNER") == "" {
		return outliveHost()
	}
	bare, err := bareCommand()
	if err != nil {
		return err
	}
	p, err := startPlain(func(c *plugin.ClientConfig) { c.Cmd, c.Stderr = bare, os.Stdout })
	if err != nil {
		return err
	}
	defer p.Kill()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func outliveHost() error {
	host := exec.Command("/proc/self/exe")
	host.Env = append(os.Environ(), "CRMHOST_TEST_INNER=yes")
	hold, err := host.StdinPipe()
	if err != nil {
		return err
	}
	defer hold.Close()
	out, err := host.StdoutPipe()
	if err != nil {
		return err
	}
	if err := host.Start(); err != nil {
		return err
	}
	var pid int
	if _, err := fmt.Fscanf(out, "pid %d\n", &pid); err != nil {
		return fmt.Errorf("no plugin: %w", err)
	}
	defer syscall.Kill(pid, syscall.SIGKILL)
	time.Sleep(200 * time.Millisecond) // hands are shaken: nothing says when
	if err := host.Process.Kill(); err != nil {
		return err
	}
	_, _ = host.Process.Wait()
	time.Sleep(time.Second)
	if gone(pid) {
		return errors.New("the plugin has ended with its host")
	}
	return nil
}

// trapExitedLags is a matter of half a millisecond: it shows in one of many tries.
func trapExitedLags() error {
	for range 30 {
		p, err := startPlain()
		if err != nil {
			return err
		}
		go func() { _ = syscall.Kill(p.pid(), syscall.SIGKILL) }()
		_, err = p.do("hang")
		exited := p.Exited()
		p.Kill()
		if err != nil && !exited {
			return nil
		}
	}
	return errors.New("Exited was true whenever a call failed")
}

func trapDeadClient() error {
	p, err := startPlain()
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := syscall.Kill(p.pid(), syscall.SIGKILL); err != nil {
		return err
	}
	if !soon(p.Exited) {
		return errors.New("the end is not seen")
	}
	protocol, err := p.Client.Client()
	if err != nil {
		return fmt.Errorf("a dead client is refused: %w", err)
	}
	if protocol.Ping() == nil {
		return errors.New("it lives")
	}
	return nil
}

func trapSlog() error {
	p, err := startPlain()
	if err != nil {
		return err
	}
	defer p.Kill()
	if _, err := p.do(`stderr {"level":"ERROR","msg":"a shape of slog"}`); err != nil {
		return err
	}
	line := ""
	if !soon(func() bool { line = p.log.line("a shape of slog"); return line != "" }) {
		return errors.New("the line is lost")
	}
	if !strings.Contains(line, `"@level":"debug"`) {
		return fmt.Errorf("got %s", line)
	}
	return nil
}

// line is the first line that contains text.
func (j *journal) line(text string) string {
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

func trapStdin() error {
	mine := bytes.NewReader(nil)
	p, err := startPlain(func(c *plugin.ClientConfig) { c.Cmd.Stdin = mine })
	if err != nil {
		return err
	}
	defer p.Kill()
	if p.cmd.Stdin != os.Stdin {
		return errors.New("standard input is the one that was given")
	}
	return nil
}

func trapThread() error {
	started := make(chan error)
	var p *plain
	var begin func()
	begin = func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if syscall.Gettid() == syscall.Getpid() {
			go begin()
			select {} // the main thread never ends
		}
		var err error
		p, err = startPlain(func(c *plugin.ClientConfig) { c.Cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} })
		started <- err
	}
	go begin()
	if err := <-started; err != nil {
		return err
	}
	defer p.Kill()
	if !soon(p.Exited) {
		return errors.New("the plugin lives though the thread has ended")
	}
	return nil
}

func trapCollected() error {
	read, _, err := os.Pipe()
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = read.Read(make([]byte, 1))
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-ended:
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("the pipe is open")
}

// stillborn is a runner that does not start.
type stillborn struct{ runner.Runner }

func (stillborn) Start(context.Context) error { return errors.New("no") }
func (stillborn) Kill(context.Context) error  { return nil }
func (stillborn) ID() string                  { return "" }
func (stillborn) Name() string                { return "stillborn" }

func trapFolder() error {
	p, err := startPlain(func(c *plugin.ClientConfig) {
		c.Cmd, c.RunnerFunc = nil, func(hclog.Logger, *exec.Cmd, string) (runner.Runner, error) { return stillborn{}, nil }
	})
	if err == nil {
		return errors.New("it has started")
	}
	p.Kill()
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "plugin-dir*")); len(left) != 1 {
		return fmt.Errorf("left: %v", left)
	}
	return nil
}

func trapSecureConfig() error {
	content, err := os.ReadFile(os.Getenv(rootVariable))
	if err != nil {
		return err
	}
	checksum, _ := hex.DecodeString(sum(string(content)))
	secure := &plugin.SecureConfig{Checksum: checksum, Hash: sha256.New()}
	for i := range 2 {
		p, err := startPlain(func(c *plugin.ClientConfig) { c.SecureConfig = secure })
		p.Kill()
		switch {
		case i == 0 && err != nil:
			return err
		case i == 1 && !errors.Is(err, plugin.ErrChecksumsDoNotMatch):
			return fmt.Errorf("a restart with it: %w", err)
		}
	}
	return nil
}

func trapEnvironment() error {
	p, err := startPlain()
	if err != nil {
		return err
	}
	defer p.Kill()
	lines, err := p.do("environ")
	if err == nil && !strings.Contains(strings.Join(lines, "\n"), "HUSH=secret") {
		err = errors.New("the secret has stayed here")
	}
	return err
}

func trapLongLine() error {
	p, err := startPlain()
	if err != nil {
		return err
	}
	defer p.Kill()
	if _, err := p.do(`stderr {"@level":"error","@message":"` + strings.Repeat("long ", 20_000) + `"}`); err != nil {
		return err
	}
	if !soon(func() bool { return p.log.line("long long") != "" }) {
		return errors.New("the line is lost")
	}
	if line := p.log.line("long long"); !strings.Contains(line, `"@level":"debug"`) {
		return fmt.Errorf("got %.100s", line)
	}
	return nil
}

func trapStdout() error {
	p, err := startPlain()
	if err != nil {
		return err
	}
	if _, err := p.do("stdout printed"); err != nil {
		return err
	}
	p.Kill()
	if line := p.log.line("printed"); line != "" {
		return fmt.Errorf("got %s", line)
	}
	return nil
}

func trapDispense() error {
	bare, err := bareCommand()
	if err != nil {
		return err
	}
	p, err := startPlain(func(c *plugin.ClientConfig) { c.Cmd = bare })
	if err != nil {
		return fmt.Errorf("what is no CRM plugin is refused: %w", err)
	}
	defer p.Kill()
	if _, err := p.do(""); err == nil {
		return errors.New("it answers")
	}
	return nil
}

func trapProtocols() error {
	p, err := startPlain(func(c *plugin.ClientConfig) { c.AllowedProtocols = nil })
	p.Kill()
	if err == nil || !strings.Contains(err.Error(), "unsupported plugin protocol") {
		return fmt.Errorf("got %w", err)
	}
	return nil
}

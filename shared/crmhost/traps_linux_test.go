package crmhost_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// Traps of go-plugin that a single run can meet (facts/go-plugin.md, 1.3). The
// number in a test's comment is the trap's.

// 1 and 7. go-plugin's parser panics at @message, @level or @timestamp that are no
// strings, and the host with it.
func TestHostileLogLines(t *testing.T) {
	t.Parallel()
	p, log := start(t)
	for _, line := range []string{
		`{"@message":42}`, `{"@level":[],"@message":"x"}`, `{"@timestamp":{},"@message":"y"}`, `{"@message":null}`,
		`{"@message":"` + strings.Repeat("long ", 40<<10) + `"}`, "\xff\xfe\x00 \x1b[2J", `{`, `null`, `[]`, `{"msg":{},"level":7}`,
		"plain text", `{"level":"ERROR","msg":"slog's own shape","time":"now"}`,
	} {
		mustDo(t, p, "stderr "+line)
	}
	mustDo(t, p, `stderr {"@level":"warn","@message":"one\nline\u202e","count":12345678901234567,"url":"a\u001bb","nested":{"k":["v"]},"plugin":"liar","@module":"fake.sub"}`)
	eventually(t, "the last line has arrived", func() bool { return len(log.records(t, "one line")) == 1 })
	got := log.records(t, "one line")[0]
	for key, want := range map[string]any{"level": "WARN", "plugin": "fake", "plugin_plugin": "liar", "url": "a b", "nested": `{"k":["v"]}`, "module": "fake.sub"} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
	if got := log.records(t, "slog's own shape"); len(got) != 1 || got[0]["level"] != "ERROR" {
		t.Errorf("a line of slog's shape: %v", got)
	}
	if len(log.records(t, "plain text")) != 1 {
		t.Error("a plain line is lost")
	}
	for _, c := range []string{`\u001b`, `\u0000`, "\u202e"} {
		if strings.Contains(log.String(), c) {
			t.Errorf("%q has reached the log", c)
		}
	}
	mustDo(t, p, "") // both sides live
}

// 2. go-plugin's Kill waits for ever for a frozen plugin.
func TestStopFrozen(t *testing.T) {
	t.Parallel()
	p, _ := start(t, func(o *crmhost.Options) { o.StopGrace, o.Silence = 300*time.Millisecond, time.Hour })
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stop(t, p, t.Context())
}

// stop fails the test instead of hanging.
func stop(t *testing.T, p *crmhost.Process, ctx context.Context) {
	t.Helper()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		p.Stop(ctx)
	}()
	select {
	case <-stopped:
	case <-time.After(patience):
		_ = syscall.Kill(p.PID(), syscall.SIGKILL)
		t.Fatal("Stop hangs")
	}
	if !gone(p.PID()) {
		t.Error("the plugin is still there")
	}
}

func TestStopEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p, _ := start(t, func(o *crmhost.Options) { o.StopGrace, o.Silence = time.Hour, time.Hour })
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	stop(t, p, ctx)
}

// 3. A grandchild that holds standard error keeps go-plugin from seeing the end.
// One in the plugin's process group dies with it; one that has left the group
// (a daemon) lives, and is not waited for.
func TestGrandchildHoldsStderr(t *testing.T) {
	t.Parallel()
	for what, dies := range map[string]bool{"grandchild": true, "runaway": false} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p, _ := start(t)
			pid, err := strconv.Atoi(mustDo(t, p, what)[0])
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
			if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			select {
			case <-p.Done():
			case <-time.After(patience):
				t.Fatal("the end of the plugin is not seen")
			}
			if dies {
				eventually(t, "the grandchild is dead", func() bool { return gone(pid) })
			}
			p.Stop(t.Context()) // returns: nothing is waited for
		})
	}
}

// 4. A plugin outlives a host that is killed. "running" sees the end of its
// standard input and of its connection; "silent" looks at neither: it is the
// kernel that ends it.
func TestNoOrphan(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]string{"running": "", "silent": "silent"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := installed(t, fault)
			host := exec.Command("/proc/self/exe")
			host.Env = append(os.Environ(), roleVariable+"=host", rootVariable+"="+filepath.Dir(filepath.Dir(found.Dir)))
			host.Stderr = os.Stderr
			hold, err := host.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer hold.Close()
			if err := host.Start(); err != nil {
				t.Fatal(err)
			}
			pid := 0
			eventually(t, "the plugin is there", func() bool {
				content, _ := os.ReadFile(filepath.Join(found.Dir, "pid"))
				pid, _ = strconv.Atoi(string(content))
				return pid > 0
			})
			t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
			_ = host.Process.Kill()
			_ = host.Wait()
			eventually(t, "the plugin is gone", func() bool { return gone(pid) })
		})
	}
}

// What trap 1 does to a host that leaves the reading to go-plugin. When this
// fails, upstream has mended it.
func TestPlainGoPluginDiesOfAHostileLine(t *testing.T) {
	t.Parallel()
	found, _ := installed(t, "")
	host := exec.Command("/proc/self/exe")
	host.Env = append(os.Environ(), roleVariable+"=plain", rootVariable+"="+found.Executable())
	out, err := host.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "interface conversion") || !strings.Contains(string(out), "logStderr") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// 5 and the fault table: a plugin that ends in the middle of a run.
func TestLostInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	for how, c := range map[string]struct {
		end   func(*crmhost.Process)
		parts []string
	}{
		"kill":  {func(p *crmhost.Process) { _ = syscall.Kill(p.PID(), syscall.SIGKILL) }, []string{"signal: killed"}},
		"exit":  {func(p *crmhost.Process) { _, _ = do(p, "exit 3") }, []string{"exit status 3"}},
		"panic": {func(p *crmhost.Process) { _, _ = do(p, "panic lost in a run") }, []string{"exit status 2", "panic: lost in a run"}},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			p, log := start(t)
			events := &recorder{then: func() { c.end(p) }}
			run := crm.SyncRequest{Tenant: crm.Tenant{ID: 1}, Mode: crm.ModeApply, Settings: crm.Settings{"do": secret.New("wait")}}
			_, err := p.Plugin().SyncUsers(t.Context(), run, events)
			wantCode(t, err, crm.CodePluginLost, c.parts...)
			if events.changes != 1 {
				t.Errorf("%d changes arrived, want 1", events.changes)
			}
			wantCode(t, p.Err(), crm.CodePluginLost, c.parts...)
			if how == "panic" && !strings.Contains(p.LastWords(), "goroutine ") {
				t.Errorf("last words without the place: %q", p.LastWords())
			}
			eventually(t, "the log says so", func() bool { return len(log.records(t, "plugin ended by itself")) == 1 })
		})
	}
}

// A run that the host gives up ends, and the plugin goes on.
func TestCancelledRun(t *testing.T) {
	t.Parallel()
	p, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	events := &recorder{then: cancel}
	run := crm.SyncRequest{Tenant: crm.Tenant{ID: 1}, Mode: crm.ModeApply, Settings: crm.Settings{"do": secret.New("wait")}}
	_, err := p.Plugin().SyncUsers(ctx, run, events)
	if crm.CodeOf(err) != crm.CodeCancelled {
		t.Errorf("got %v", err)
	}
	mustDo(t, p, "")
}

// 8. Standard input: go-plugin hands on the host's own.
func TestStartWithoutStandardInput(t *testing.T) {
	found, trust := installed(t, "")
	stdin := os.Stdin
	t.Cleanup(func() { os.Stdin = stdin })
	os.Stdin = nil
	p, err := crmhost.Start(t.Context(), crmhost.Options{Found: found, Trust: trust, Log: discard()})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(t.Context())
}

// 9. The parent-death signal comes when the thread ends that made the child.
func TestPluginOutlivesTheThreadThatStartedIt(t *testing.T) {
	t.Parallel()
	o, _ := options(t, "")
	p, tid := startOnThread(t, o)
	defer p.Kill()
	eventually(t, "the thread has ended", func() bool {
		_, err := os.Stat(filepath.Join("/proc/self/task", strconv.Itoa(tid)))
		return err != nil
	})
	mustDo(t, p, "")
}

// startOnThread starts a plugin from a goroutine whose thread ends with it. The
// main thread never does: another one is waited for.
func startOnThread(t *testing.T, o crmhost.Options) (*crmhost.Process, int) {
	t.Helper()
	type result struct {
		p   *crmhost.Process
		tid int
		err error
	}
	results, done := make(chan result), make(chan struct{})
	defer close(done)
	var attempt func()
	attempt = func() {
		runtime.LockOSThread() // never unlocked
		if syscall.Gettid() == syscall.Getpid() {
			go attempt()
			<-done // keeps the main thread busy
			runtime.UnlockOSThread()
			return
		}
		p, err := crmhost.Start(context.Background(), o)
		results <- result{p, syscall.Gettid(), err}
	}
	go attempt()
	r := <-results
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.p, r.tid
}

// 10. A pipe whose end only a local variable holds is closed by the collector.
func TestPluginOutlivesGarbageCollection(t *testing.T) {
	t.Parallel()
	p, _ := start(t)
	for range 20 {
		runtime.GC()
		mustDo(t, p, "")
	}
}

// 12, 1.1. Nothing is left: no folder, no socket, no goroutine, no descriptor.
func TestNothingIsLeft(t *testing.T) {
	temp := t.TempDir()
	if len(temp) > 40 {
		t.Fatalf("%s is too long for sockets: shorten the test's name", temp)
	}
	t.Setenv("TMPDIR", temp)
	good, _ := options(t, "")
	bad := make([]crmhost.Options, 0, 6)
	for _, fault := range []string{"usage", "panic", "protocol 99", "describe version", "leave", "mute"} {
		o, _ := options(t, fault)
		if fault == "mute" {
			o.StartTimeout = 200 * time.Millisecond
		}
		bad = append(bad, o)
	}
	cycle := func(i int) {
		p, err := crmhost.Start(t.Context(), good)
		if err != nil {
			t.Fatal(err)
		}
		mustDo(t, p, "litter")
		switch i % 3 {
		case 0:
			p.Stop(t.Context())
		case 1:
			p.Kill()
		default:
			_ = syscall.Kill(p.PID(), syscall.SIGKILL)
			<-p.Done()
			p.Stop(t.Context())
		}
		if p, err := crmhost.Start(t.Context(), bad[i%len(bad)]); err == nil {
			p.Kill()
			t.Fatal("a broken plugin has started")
		}
	}
	cycle(0)
	goroutines, descriptors := settled(), openFiles(t)
	for i := range 21 {
		cycle(i)
	}
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "as many descriptors as before", func() bool { return openFiles(t) <= descriptors })
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left in TMPDIR: %v", left)
	}
}

// settled is the number of goroutines once it no longer falls.
func settled() int {
	n := runtime.NumGoroutine()
	for range 50 {
		time.Sleep(2 * time.Millisecond)
		n = min(n, runtime.NumGoroutine())
	}
	return n
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// SkipHostEnv: a plugin sees a list of variables and no secret of the host.
func TestEnvironment(t *testing.T) {
	for key, value := range map[string]string{
		"BOOKING_DSN": "root:hush@/x", "BOOKING_SECRET_KEY": "hush", "AWS_SECRET": "hush", "HTTPS_PROXY": "http://u:hush@proxy",
		"TZ": "Europe/Moscow", "LANG": "C.UTF-8", "LC_ALL": "C", "SSL_CERT_DIR": "/etc/ssl/certs", "SSL_CERT_FILE": "/etc/ssl/cert.pem",
	} {
		t.Setenv(key, value)
	}
	p, _ := start(t)
	environ := mustDo(t, p, "environ")
	if all := strings.Join(environ, "\n"); strings.Contains(all, "hush") {
		t.Fatalf("a secret in the plugin's environment:\n%s", all)
	}
	var names []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{
		"CRM_PLUGIN_COOKIE", "LANG", "LC_ALL", "PATH", "PLUGIN_CLIENT_CERT", "PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT",
		"PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ",
	}
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "LC_") && n != "LC_ALL" })
	if !slices.Equal(names, want) {
		t.Errorf("the plugin's environment has %v, want %v", names, want)
	}
}

// Health: a plugin that is silent is killed, and its calls say so.
func TestSilentPluginIsKilled(t *testing.T) {
	t.Parallel()
	p, _ := start(t, func(o *crmhost.Options) {
		o.HealthInterval, o.Silence = 20*time.Millisecond, 300*time.Millisecond
	})
	_, err := do(p, "freeze")
	wantCode(t, err, crm.CodePluginLost, "did not answer health checks for 300ms")
	if !gone(p.PID()) {
		t.Error("it still exists")
	}
	wantCode(t, p.Err(), crm.CodePluginLost, "health checks")
}

// A busy plugin is not a silent one.
func TestHealthyPluginLives(t *testing.T) {
	t.Parallel()
	p, _ := start(t, func(o *crmhost.Options) {
		o.HealthInterval, o.Silence = time.Millisecond, 5*time.Second
	})
	for range 50 {
		mustDo(t, p, "")
	}
	if err := p.Err(); err != nil {
		t.Error(err)
	}
}

// A flood of log lines is cut, and said to be.
func TestFlood(t *testing.T) {
	t.Parallel()
	p, log := start(t)
	mustDo(t, p, "flood 20000")
	p.Stop(t.Context())
	lines := len(log.records(t, "line "))
	dropped := log.records(t, "lines dropped")
	if len(dropped) == 0 || lines >= 20000 {
		t.Errorf("%d of 20000 lines in the log, %d reports of dropped ones", lines, len(dropped))
	}
}

// What a plugin writes to os.Stdout is no secret channel and no silence.
func TestStrayOutputIsAWarning(t *testing.T) {
	t.Parallel()
	p, log := start(t)
	mustDo(t, p, "stdout debugging by hand")
	eventually(t, "the warning is there", func() bool {
		got := log.records(t, "debugging by hand")
		return len(got) == 1 && got[0]["level"] == "WARN" && got[0]["stream"] == "stdout"
	})
}

// Secrets that were handed to a plugin do not come back in its log, its errors or
// its last words.
func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	p, log := start(t)
	const dsn, token = "plugin:s3cretword@unix(/run/db.sock)/booking", "0123456789abcdef"
	if err := p.Plugin().Configure(t.Context(), crm.Configuration{DSN: secret.New(dsn)}); err != nil {
		t.Fatal(err)
	}
	ask := func(what string) error {
		r := request(what)
		r.Settings["token"] = secret.New("https://portal.example/rest/1/" + token + "/")
		_, err := p.Plugin().CheckConnection(t.Context(), r)
		return err
	}
	if err := ask(`stderr {"@message":"called https://portal.example/rest/1/` + token + `/user.get","key":"` + token + `"}`); err != nil {
		t.Fatal(err)
	}
	failed := ask("fail the password is s3cretword")
	wantCode(t, failed, crm.CodeUnauthorized, "***")
	lost := ask("panic cannot dial " + dsn + " with " + token)
	wantCode(t, lost, crm.CodePluginLost)
	for what, text := range map[string]string{"log": log.String(), "error": failed.Error() + lost.Error(), "last words": p.LastWords()} {
		for _, s := range []string{"s3cretword", token} {
			if strings.Contains(text, s) {
				t.Errorf("%s holds %s:\n%s", what, s, text)
			}
		}
	}
	if !strings.Contains(p.LastWords(), "panic: cannot dial") {
		t.Errorf("last words: %q", p.LastWords())
	}
}

// The plugin knows where it lies, and what ps shows is its path.
func TestWhereAPluginRuns(t *testing.T) {
	t.Parallel()
	p, _ := start(t)
	got := mustDo(t, p, "where")
	exe := strings.TrimPrefix(got[0], "exe=")
	if filepath.Base(exe) != "fake" || got[3] != "args="+exe {
		t.Errorf("got %v", got)
	}
	p.Stop(t.Context())
	for _, dir := range []string{got[1], got[2]} {
		if _, err := os.Stat(dir[4:]); err == nil {
			t.Errorf("%s is still there", dir)
		}
	}
}

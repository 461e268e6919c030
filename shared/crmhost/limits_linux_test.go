package crmhost_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"booking/shared/crm"
	"booking/shared/crmhost"
)

// The limits are the process's own, and what it starts has them, too.
func TestLimits(t *testing.T) {
	t.Parallel()
	p, _ := start(t, func(o *crmhost.Options) { o.Limits = crmhost.Limits{Memory: 128 << 20, Files: 64} })
	child := mustDo(t, p, "grandchild")[0]
	for _, pid := range []string{fmt.Sprint(p.PID()), child} {
		limits := read(t, "/proc/"+pid+"/limits")
		for name, want := range map[string]string{"Max data size": "134217728", "Max open files": "64", "Max core file size": "0"} {
			fields := strings.Fields(lineOf(limits, name))
			if n := len(strings.Fields(name)); len(fields) < n+2 || fields[n] != want || fields[n+1] != want {
				t.Errorf("process %s: %v, want %s", pid, fields, want)
			}
		}
	}
	_, err := do(p, "leak")
	wantCode(t, err, crm.CodePluginLost, "fatal error: ", "memory")
}

// Of a death by a signal the name is told, not the last register.
func TestSignalsAreLastWords(t *testing.T) {
	t.Parallel()
	p, _ := start(t)
	if err := syscall.Kill(p.PID(), syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	_, err := do(p, "hang")
	wantCode(t, err, crm.CodePluginLost, "last words: SIGSEGV: ")
}

// A plugin and what it starts are nicer than the host, in each of their threads.
func TestPluginsYieldToTheHost(t *testing.T) {
	t.Parallel()
	p, _ := start(t)
	child := mustDo(t, p, "grandchild")[0]
	for _, pid := range []string{fmt.Sprint(p.PID()), child} {
		threads, err := filepath.Glob("/proc/" + pid + "/task/*/stat")
		if err != nil || len(threads) == 0 {
			t.Fatalf("threads of %s: %v, %v", pid, threads, err)
		}
		for _, thread := range threads {
			// After the name, which may have anything in it: nice is the 19th field, proc_pid_stat(5).
			_, after, _ := strings.Cut(read(t, thread), ") ")
			if nice := strings.Fields(after)[16]; nice != "10" {
				t.Errorf("%s has the niceness %s", thread, nice)
			}
		}
	}
}

func lineOf(text, prefix string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	return ""
}

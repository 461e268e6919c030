package crmhost_test

import (
	"fmt"
	"strings"
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

func lineOf(text, prefix string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	return ""
}

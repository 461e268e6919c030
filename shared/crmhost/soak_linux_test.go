package crmhost_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"booking/shared/crmhost"
)

// 200 restarts of every kind leave nothing: descriptors, goroutines, processes,
// temporary files and memory are where they were.
func TestSoak(t *testing.T) {
	temp := t.TempDir()
	if len(temp) > 40 {
		t.Fatalf("%s is too long for sockets: shorten the test's name", temp)
	}
	t.Setenv("TMPDIR", temp)
	const restarts, warmUp = 200, 10
	w := supervise(t, "", func(s *crmhost.Supervision) {
		s.Clock, s.Restart = nil, crmhost.Restart{Deaths: 1 << 30, First: time.Nanosecond, Window: time.Nanosecond}
		s.Process.Log = discard()
	})
	ends := []func(){
		func() { _ = syscall.Kill(w.pid(), syscall.SIGKILL) },
		func() { w.do("exit 3") },
		func() { w.do("panic in the soak") },
		func() { w.do("grandchild"); _ = syscall.Kill(w.pid(), syscall.SIGKILL) },
	}
	w.hold().Release()
	var seen, ready []time.Duration
	cycle := func(i int) {
		before := w.Status()
		if i%5 == 4 {
			h := w.hold()
			if err := w.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.Release()
			return
		}
		if i%5 == 0 { // measured
			begin := time.Now()
			ends[0]()
			for w.Status().Deaths == before.Deaths {
				time.Sleep(100 * time.Microsecond)
			}
			seen = append(seen, time.Since(begin))
			w.hold().Release()
			ready = append(ready, time.Since(begin))
			return
		}
		ends[i%5]()
		eventually(t, "the death is known", func() bool { return w.Status().Deaths > before.Deaths })
		w.hold().Release()
	}
	for i := range warmUp {
		cycle(i)
	}
	settle := func() {
		eventually(t, "old processes have left", func() bool { return len(w.Status().Leaving) == 0 && launchDirs(t, temp) == 1 })
	}
	settle()
	goroutines, descriptors, memory := settled(), openFiles(t), heap()
	for i := range restarts {
		cycle(i)
	}
	settle()
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "as many descriptors as before", func() bool { return openFiles(t) <= descriptors })
	if all := children(t); len(all[w.found.Executable()]) != 1 || len(all[""]) != 0 {
		t.Errorf("processes: %v", all)
	}
	if after := heap(); after > memory+2<<20 {
		t.Errorf("%d KiB of memory in use, %d before", after>>10, memory>>10)
	}
	slices.Sort(seen)
	slices.Sort(ready)
	t.Logf("a crash is seen after %s, the plugin ready again after %s (medians of %d); at most %s and %s",
		seen[len(seen)/2], ready[len(ready)/2], len(seen), seen[len(seen)-1], ready[len(ready)-1])
	w.Close(t.Context())
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left in TMPDIR: %v", left)
	}
}

func launchDirs(t *testing.T, temp string) int {
	t.Helper()
	entries, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// heap is the memory in use, without what waits to be collected.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

package crmhost_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// The numbers of issue 5. Ours and plain take turns, so that both meet the same
// machine; the ratio of their medians is the result. Run them by hand:
//
//	go test -run '^$' -bench . ./shared/crmhost
func BenchmarkStart(b *testing.B) {
	o, plain := benchPlugin(b), plainStart(b)
	var ours, theirs []time.Duration
	for b.Loop() {
		begin := time.Now()
		p, err := crmhost.Start(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(begin))
		p.Stop(b.Context())
		theirs = append(theirs, plain())
	}
	b.ReportMetric(median(ours).Seconds()*1e3, "ms/start")
	b.ReportMetric(median(theirs).Seconds()*1e3, "ms/plain-start")
	b.ReportMetric(median(ours).Seconds()/median(theirs).Seconds(), "x-plain")
}

// plainStart starts bare go-plugin with AutoMTLS and SecureConfig up to the first
// answer, and says how long that took.
func plainStart(b *testing.B) func() time.Duration {
	b.Helper()
	path := benchPlugin(b).Found.Executable()
	content, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	checksum, _ := hex.DecodeString(sum(string(content)))
	b.Setenv(rootVariable, path)
	return func() time.Duration {
		begin := time.Now()
		p, err := startPlain(func(c *plugin.ClientConfig) {
			c.AutoMTLS, c.SecureConfig = true, &plugin.SecureConfig{Checksum: checksum, Hash: sha256.New()}
		})
		if err != nil {
			b.Fatal(err)
		}
		defer p.Kill()
		if _, err := p.crm.Describe(b.Context()); err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	}
}

// benchPlugin is the fake, installed and trusted, with a silent log.
func benchPlugin(b *testing.B) crmhost.Options {
	b.Helper()
	found, trust := installed(b, "")
	return crmhost.Options{Found: found, Trust: trust, Log: discard(), Locale: "en"}
}

// BenchmarkStream: 100,000 changes over the wire, in a second.
func BenchmarkStream(b *testing.B) {
	p, err := crmhost.Start(b.Context(), benchPlugin(b))
	if err != nil {
		b.Fatal(err)
	}
	defer p.Kill()
	const changes = 100_000
	run := crm.SyncRequest{Tenant: crm.Tenant{ID: 1}, Mode: crm.ModeApply, Settings: crm.Settings{"do": secret.New("changes 100000")}}
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		r := &recorder{}
		if _, err := p.Plugin().SyncUsers(b.Context(), run, r); err != nil || r.changes != changes {
			b.Fatal(err, r.changes)
		}
		took = append(took, time.Since(begin))
	}
	b.ReportMetric(changes/median(took).Seconds(), "changes/s")
}

// BenchmarkCrash: from kill -9 until the death is known, and until a use succeeds.
func BenchmarkCrash(b *testing.B) {
	o := benchPlugin(b)
	s := crmhost.Supervise(crmhost.Supervision{Dir: filepath.Dir(o.Found.Dir), Name: "fake", Process: o, Restart: crmhost.Restart{Deaths: 1 << 30, Window: time.Nanosecond}})
	defer s.Close(b.Context())
	held(b, s)()
	var seen, ready []time.Duration
	for b.Loop() {
		before := s.Status()
		begin := time.Now()
		_ = syscall.Kill(before.Running.PID, syscall.SIGKILL)
		for s.Status().Deaths == before.Deaths {
			time.Sleep(50 * time.Microsecond)
		}
		seen = append(seen, time.Since(begin))
		held(b, s)()
		ready = append(ready, time.Since(begin))
	}
	b.ReportMetric(median(seen).Seconds()*1e3, "ms/seen")
	b.ReportMetric(slices.Max(seen).Seconds()*1e3, "ms/seen-max")
	b.ReportMetric(median(ready).Seconds()*1e3, "ms/ready")
	b.ReportMetric(slices.Max(ready).Seconds()*1e3, "ms/ready-max")
}

// BenchmarkSwap: what a reload with ten runs going on adds to the next use.
func BenchmarkSwap(b *testing.B) {
	o := benchPlugin(b)
	s := crmhost.Supervise(crmhost.Supervision{Dir: filepath.Dir(o.Found.Dir), Name: "fake", Process: o})
	defer s.Close(b.Context())
	use := func() time.Duration {
		begin := time.Now()
		held(b, s)()
		return time.Since(begin)
	}
	use()
	var usual, during []time.Duration
	for b.Loop() {
		for range 10 {
			usual = append(usual, use())
		}
		var holds []func()
		for range 10 {
			holds = append(holds, held(b, s))
		}
		var reload sync.WaitGroup
		reload.Go(func() {
			if err := s.Reload(b.Context()); err != nil {
				b.Error(err)
			}
		})
		worst := time.Duration(0)
		for before := s.Status().Running.PID; s.Status().Running.PID == before; {
			worst = max(worst, use())
		}
		during = append(during, max(worst, use()))
		reload.Wait()
		for _, release := range holds {
			release()
		}
	}
	b.ReportMetric(median(usual).Seconds()*1e3, "ms/use")
	b.ReportMetric(median(during).Seconds()*1e3, "ms/worst-use-in-a-swap")
	b.ReportMetric(slices.Max(during).Seconds()*1e3, "ms/worst-of-all")
}

// held uses the plugin, asks it something and returns the release.
func held(b *testing.B, s *crmhost.Supervisor) func() {
	b.Helper()
	h, err := s.Use(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if err := ask(h, ""); err != nil {
		b.Error(err)
	}
	return h.Release
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

package runs

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/host/internal/hosttest"
	"booking/host/internal/store"
	"booking/shared/secret"
	"booking/shared/testdb/proxy"
)

// A database node that was stopped, not killed, answers nothing and closes nothing.
func TestAWorkerComesFreeWhenTheDatabaseFallsSilent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant := f.tenant("x")
	config, err := mysql.ParseDSN(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := proxy.New(t, config)
	s, err := store.Open(t.Context(), secret.New(p.Through(config)), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.Silence = 500 * time.Millisecond
	log := &hosttest.Buffer{}
	f.began()
	here := f.host(s, "here")
	here.Log = slog.New(slog.NewTextHandler(log, nil))
	(&fixture{t: t, Service: here}).work(1)
	said := func(word string) int { return strings.Count(log.String(), word) }
	p.Stall()
	f.wait("it says that it cannot look", func() bool { return said("cannot be looked at") == 1 })
	p.Cut() // what was silent is gone; where connections lead now, somebody answers
	p.Resume()
	run := f.queue(tenant, "cli")
	f.until(run.ID, store.StatusSucceeded)
	if said("can be looked at again") != 1 || said("cannot be looked at") != 1 {
		t.Errorf("it said:\n%s", log)
	}
}

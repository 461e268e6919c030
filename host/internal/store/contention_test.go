package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb/proxy"
	"booking/shared/usersync"
)

// heavy is a transaction that has written so much that whoever it deadlocks with is the
// one that the server undoes.
func (b bundle) heavy(t *testing.T) bun.Tx {
	t.Helper()
	tx := b.begin(t)
	for range 200 {
		b.in(t, tx, "INSERT INTO tenants (name) VALUES ('weight')")
	}
	return tx
}

func (b bundle) in(t *testing.T, tx bun.Tx, query string, args ...any) {
	t.Helper()
	if _, err := tx.NewRaw(query, args...).Exec(b.ctx); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// impatient is the database for whom a lock is not to be had after a second.
func (b bundle) impatient(t *testing.T) *Store {
	t.Helper()
	db, err := usersync.OpenDB(secret.New(b.dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("SET SESSION innodb_lock_wait_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	return New(db)
}

func TestTheEndOfARunIsWrittenAgainAfterADeadlock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	other := b.heavy(t)
	b.in(t, other, "INSERT INTO crm_tenant_health (tenant_id, run_id, status, finished_at) VALUES (1, 1, 'failed', UTC_TIMESTAMP(6))")
	run.Status = StatusSucceeded
	ended := make(chan error, 1)
	go func() { ended <- b.FinishRun(b.ctx, &run) }()
	b.blocked(t, 1) // it holds the run's row and waits for the tenant's health
	b.in(t, other, "UPDATE crm_runs SET requests = 1 WHERE id = ?", run.ID)
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || run.Status != StatusSucceeded || run.FinishedAt.IsZero() {
		t.Errorf("%+v, error %v", run, err)
	}
}

func TestARunIsStartedAgainAfterADeadlock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.heavy(t)
	b.in(t, other, "INSERT INTO crm_runs (id, tenant_id, plugin, mode, started_by, status, active_tenant, requested_at) VALUES (1000, 1, 'acme', 'apply', 'cli', 'running', 1, UTC_TIMESTAMP(6))")
	run := Run{TenantID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli"}
	started := make(chan error, 1)
	go func() { started <- b.StartRun(b.ctx, &run, time.Hour) }()
	b.blocked(t, 1) // its row is there and waits for the tenant's key
	b.in(t, other, "UPDATE crm_runs SET requests = 1 WHERE id > 1000")
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil || run.Status != StatusRunning || run.Fence != 1 {
		t.Errorf("%+v, error %v", run, err)
	}
}

func TestALeaseIsRenewedAsSoonAsItsRowIsFree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	impatient := b.impatient(t)
	sent := &waitingFor{number: 2, sent: make(chan struct{})}
	impatient = New(impatient.DB().WithQueryHook(sent))
	chunk := b.begin(t)
	b.in(t, chunk, "UPDATE crm_runs SET chunks = chunks + 1 WHERE id = ?", run.ID)
	renewed := make(chan error, 1)
	go func() { renewed <- impatient.RenewLease(b.ctx, run, time.Hour) }()
	select {
	case <-sent.sent: // the first one was not to be had
	case err := <-renewed:
		t.Fatalf("it gave up: %v", err)
	}
	if err := chunk.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-renewed; err != nil {
		t.Error(err)
	}
}

// waitingFor tells when a statement of a number is sent.
type waitingFor struct {
	number int
	sent   chan struct{}
}

func (w *waitingFor) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	if w.number--; w.number == 0 {
		close(w.sent)
	}
	return ctx
}

func (*waitingFor) AfterQuery(context.Context, *bun.QueryEvent) {}

// Whoever cannot settle a dead host's run, because others are at its row all the time, has
// not failed: the run is as it was, and the next look meets it again.
func TestATakeoverThatOthersKeepUndoingWaitsForTheNextLook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	b.expire(t, run.ID)
	impatient := b.impatient(t)
	other := b.begin(t)
	b.in(t, other, "UPDATE crm_runs SET chunks = chunks + 1 WHERE id = ?", run.ID)
	if err := impatient.SettleExpired(b.ctx, run); err != nil {
		t.Errorf("settle: %v", err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if waiting, err := b.QueuedRuns(b.ctx, 10); err != nil || len(waiting) != 1 || waiting[0].ID != run.ID {
		t.Fatalf("the next look: %+v, error %v", waiting, err)
	}
	if err := impatient.SettleExpired(b.ctx, run); err != nil {
		t.Fatal(err)
	}
	if now, err := b.Run(b.ctx, run.ID); err != nil || now.Status != StatusQueued {
		t.Errorf("%+v, error %v", now, err)
	}
}

func TestTheEndOfARunWhoseCommitWasLostIsFoundWritten(t *testing.T) {
	t.Parallel()
	for _, place := range []proxy.Place{proxy.Before, proxy.After} {
		b := setup(t)
		s, p := b.roadTo(t)
		run := b.claimed(t, 1)
		commits := p.Rule(proxy.Match{Statement: "COMMIT", First: "UPDATE crm_runs SET status"}, proxy.CutAt(1, place))
		run.Status, run.Requests = StatusSucceeded, 7
		lost := s.FinishRun(b.ctx, &run)
		if crm.CodeOf(lost) != crm.CodeDatabase || commits.Count() != 1 {
			t.Fatalf("error %v after %d commits", lost, commits.Count())
		}
		if err := s.FinishRun(b.ctx, &run); err != nil || run.Status != StatusSucceeded || run.Requests != 7 || run.FinishedAt.IsZero() {
			t.Errorf("%+v, error %v", run, err)
		}
		if n := b.number(t, "SELECT fence FROM crm_runs WHERE id = ?", run.ID) - int(run.Fence); n != 0 {
			t.Errorf("its row has another fence, by %d", n)
		}
	}
}

func TestARunThatSomebodyElseHasEndedIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	b.expire(t, run.ID)
	if err := b.SettleExpired(b.ctx, run); err != nil {
		t.Fatal(err)
	}
	for _, status := range []Status{StatusSucceeded, StatusPartial, StatusFailed, StatusCancelled} {
		run.Status = status
		if err := b.FinishRun(b.ctx, &run); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

// A node that was stopped, not killed, answers nothing and closes nothing.
func TestADatabaseThatFallsSilentIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	for name, call := range map[string]func(*Store) error{
		"a look":       func(s *Store) error { _, err := s.WaitingRuns(b.ctx, Look{Limit: 10}); return err },
		"another look": func(s *Store) error { _, err := s.ActiveRuns(b.ctx); return err },
		"a claim":      func(s *Store) error { _, err := s.ClaimRuns(b.ctx, []Run{run}, "host", time.Hour); return err },
		"a takeover":   func(s *Store) error { return s.SettleExpired(b.ctx, run) },
		"a start": func(s *Store) error {
			return s.StartRun(b.ctx, &Run{TenantID: 2, Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli"}, time.Hour)
		},
		"a lease":      func(s *Store) error { return s.RenewLease(b.ctx, run, time.Hour) },
		"an end":       func(s *Store) error { end := run; end.Status = StatusSucceeded; return s.FinishRun(b.ctx, &end) },
		"a return":     func(s *Store) error { return s.ReturnRun(b.ctx, run) },
		"a run":        func(s *Store) error { _, err := s.Run(b.ctx, run.ID); return err },
		"a tenant":     func(s *Store) error { _, err := s.Tenant(b.ctx, 1); return err },
		"progress":     func(s *Store) error { return s.NoteProgress(b.ctx, run.ID, crm.Progress{}) },
		"a stop":       func(s *Store) error { _, err := s.CancelRequested(b.ctx, run.ID); return err },
		"the schedule": func(s *Store) error { _, err := s.DueSchedules(b.ctx, time.Now(), 10); return err },
		"a slot":       func(s *Store) error { _, err := s.StartSlots(b.ctx, dueSlots(2)); return err },
		"a move":       func(s *Store) error { return s.MoveSchedules(b.ctx, []Move{{}}) },
		"an event":     func(s *Store) error { _, err := s.EventRuns(b.ctx, 1, time.Minute); return err },
		"a wait":       func(s *Store) error { _, err := s.Waiting(b.ctx, run); return err },
		"a turn":       func(s *Store) error { _, err := s.ClaimHistory(b.ctx, 400, time.Minute); return err },
		"old history":  func(s *Store) error { _, err := (&HistoryTurn{s: s, days: 400}).Work(b.ctx, 30); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := b.roadTo(t)
			s.Silence, s.Patience = 300*time.Millisecond, 400*time.Millisecond
			p.Stall()
			if err := call(s); crm.CodeOf(err) != crm.CodeDatabase {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Nobody knows then whether it was done: so it is done again.
func TestWhatDoesNoHarmTwiceIsDoneAgainWhenItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "Ромашка").ID
	connect(t, b, tenant)
	run := b.claimed(t, tenant)
	for statement, call := range map[string]func(*Store) error{
		"UPDATE `crm_connections`":   func(s *Store) error { return s.RememberLinksPortal(b.ctx, tenant, "portal.example") },
		"UPDATE crm_runs SET plugin": func(s *Store) error { return s.DescribeRun(b.ctx, run) },
	} {
		for _, place := range []proxy.Place{proxy.Before, proxy.After} {
			s, p := b.roadTo(t)
			sent := p.Rule(proxy.Match{Statement: statement}, proxy.CutAt(1, place))
			p.Rule(proxy.Match{Statement: "COMMIT"}, proxy.CutAt(1, place)) // it needs none
			if err := call(s); err != nil || sent.Count() != 2 {
				t.Errorf("%s: error %v after %d tries", statement, err, sent.Count())
			}
		}
	}
}

// A claim that was carried out, though nobody was told, is this host's run: otherwise it
// would stand still until the lease has run out.
func TestAClaimWhoseAnswerWasLostIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for tenant, place := range map[int64]proxy.Place{1: proxy.Before, 2: proxy.After} {
		s, p := b.roadTo(t)
		run := b.queued(t, Run{TenantID: tenant})
		p.Rule(proxy.Match{Statement: "UPDATE crm_runs AS r JOIN"}, proxy.CutAt(1, place))
		claimed, err := s.ClaimRuns(b.ctx, []Run{run}, "host", time.Hour)
		if place == proxy.Before {
			if len(claimed) != 0 || crm.CodeOf(err) != crm.CodeDatabase {
				t.Errorf("never sent: %+v, error %v", claimed, err)
			}
			continue
		}
		if err != nil || len(claimed) != 1 || claimed[0].ID != run.ID || claimed[0].Status != StatusRunning || claimed[0].Host != "host" {
			t.Errorf("carried out: %+v, error %v", claimed, err)
		}
	}
}

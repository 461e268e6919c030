package store

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"booking/host/internal/hosttest"
)

// dying ends its host's context before the statement of a number.
type dying struct {
	left int
	die  context.CancelFunc
}

func (d *dying) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	if d.left--; d.left < 0 {
		d.die()
	}
	return ctx
}

func (d *dying) AfterQuery(context.Context, *bun.QueryEvent) {}

func dueSlots(tenants int64) (due []DueSlot) {
	for tenant := range tenants {
		due = append(due, DueSlot{Slot: Slot{TenantID: tenant + 1, Task: TaskSyncUsers, At: slotTime}, Plugin: "acme", Portal: "portal.example"})
	}
	return due
}

func TestAHostThatDiesAtAnyStatementOfAStartLosesNoSlot(t *testing.T) {
	t.Parallel()
	for died := 0; ; died++ {
		b := setup(t)
		due := dueSlots(7)
		b.queued(t, Run{TenantID: 3}) // somebody has pressed the button already
		ctx, cancel := context.WithCancel(b.ctx)
		host := New(b.DB().WithQueryHook(&dying{left: died, die: cancel}))
		_, err := host.StartSlots(ctx, due)
		cancel()
		if _, err := b.StartSlots(b.ctx, due); err != nil {
			t.Fatalf("after a death at statement %d: %v", died, err)
		}
		for query, want := range map[string]int{
			"SELECT COUNT(*) FROM crm_slots":                        7,
			"SELECT COUNT(*) FROM crm_runs":                         7,
			"SELECT COUNT(*) FROM crm_runs WHERE status = 'queued'": 7,
			"SELECT COUNT(*) FROM crm_slots AS l JOIN crm_runs AS r ON r.id = l.run_id AND r.tenant_id = l.tenant_id": 7,
		} {
			if got := b.number(t, query); got != want {
				t.Errorf("died at statement %d; %s: %d, want %d", died, query, got, want)
			}
		}
		if err == nil { // it lived
			if died < 5 {
				t.Errorf("a start has %d statements: this test kills nobody", died)
			}
			return
		}
	}
}

func TestABatchOfSlotsIsStartedInAFewStatements(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sent := &hosttest.Statements{}
	s := New(b.DB().WithQueryHook(sent))
	if started, err := s.StartSlots(b.ctx, dueSlots(rowsAtOnce)); err != nil || started != rowsAtOnce {
		t.Fatalf("%d, error %v", started, err)
	}
	if statements := sent.Take(); len(statements) > 5 {
		t.Errorf("%d statements for %d slots", len(statements), rowsAtOnce)
	}
	// The other host, a moment later, writes nothing.
	if started, err := b.StartSlots(b.ctx, dueSlots(rowsAtOnce)); err != nil || started != 0 {
		t.Errorf("started again: %d, error %v", started, err)
	}
}

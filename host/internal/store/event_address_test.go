package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"booking/shared/crm"
)

// connectedTo makes a tenant that is connected to a CRM, with an address for its events.
func (b bundle) connectedTo(t *testing.T, name, plugin string) EventAddress {
	t.Helper()
	tenant := b.tenant(t, name)
	if _, err := b.EditConnection(b.ctx, b.box, tenant.ID, func(e *ConnectionEdit) error { e.UsePlugin(plugin); return nil }); err != nil {
		t.Fatal(err)
	}
	e := EventAddress{TenantID: tenant.ID, Plugin: plugin, AddressHash: bytes.Repeat([]byte(name[:1]), 32)}
	if err := b.RenewEventAddress(b.ctx, Actor{ID: 7, Name: "Анна"}, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnAddressForEventsIsOfOneTenantAndOneCRM(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ours, theirs := b.connectedTo(t, "A", "acme"), b.connectedTo(t, "B", "acme")
	for _, e := range []EventAddress{ours, theirs} {
		found, tenant, err := b.EventAddressByHash(b.ctx, e.AddressHash)
		if err != nil || found.TenantID != e.TenantID || tenant.ID != e.TenantID || tenant.Name == "" || !found.On() {
			t.Errorf("%+v %+v %v", found, tenant, err)
		}
	}
	b.exec(t, "UPDATE crm_connections SET plugin = 'other' WHERE tenant_id = ?", theirs.TenantID)
	if _, _, err := b.EventAddressByHash(b.ctx, theirs.AddressHash); !errors.Is(err, ErrNotFound) {
		t.Errorf("of a CRM that the tenant has no more: %v", err)
	}
	if known, err := b.EventAddress(b.ctx, theirs.TenantID, "other"); err != nil || known.On() {
		t.Errorf("for the other CRM: %+v %v", known, err)
	}
	if err := b.DropEventAddress(b.ctx, Actor{}, ours.TenantID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.EventAddressByHash(b.ctx, ours.AddressHash); !errors.Is(err, ErrNotFound) {
		t.Errorf("taken away: %v", err)
	}
	if err := b.RenewEventAddress(b.ctx, Actor{}, &EventAddress{TenantID: 99, Plugin: "acme"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no tenant: %v", err)
	}
}

func TestMessagesAreNotedAtMostEveryTenSeconds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now()
	b.Clock = func() time.Time { return now }
	e := b.connectedTo(t, "A", "acme")
	note := func(reason crm.EventReason, want bool) {
		t.Helper()
		// As another host, which has read the row before, and as one that reads it now.
		for _, row := range []EventAddress{e, {}} {
			if row.TenantID == 0 {
				row, _ = b.EventAddress(b.ctx, e.TenantID, "acme")
			}
			if noted, err := b.NoteEvent(b.ctx, row, reason); err != nil || noted != want {
				t.Errorf("%q: noted %v, error %v", reason, noted, err)
			}
			want = false
		}
	}
	note("", true)
	note(crm.EventNoProof, true)
	note(crm.EventWrongProof, true)
	note("", false)
	now = now.Add(eventNotedEvery)
	note(crm.EventWrongProof, true)
	note("", true)
	renewed := EventAddress{TenantID: e.TenantID, Plugin: "acme", AddressHash: bytes.Repeat([]byte("z"), 32)}
	if err := b.RenewEventAddress(b.ctx, Actor{}, &renewed); err != nil {
		t.Fatal(err)
	}
	if noted, err := b.NoteEvent(b.ctx, e, ""); err != nil || noted {
		t.Errorf("at the address that has ended: noted %v, error %v", noted, err)
	}
	if known, err := b.EventAddress(b.ctx, e.TenantID, "acme"); err != nil || !known.HeardAt.IsZero() || known.Refused != "" {
		t.Errorf("a new address begins with %+v, error %v", known, err)
	}
}

// Whether there were many events lately is asked with every event: it must not depend on
// how long the tenant's history is.
func TestWhatEventsHaveLedToIsReadFromTheEndOfTheHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const history = 20_000
	rows := make([]string, history)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, 'acme', 'apply', 'schedule', 'succeeded', '2026-01-01')", 1+i%2)
	}
	b.exec(t, "INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, requested_at) VALUES "+strings.Join(rows, ", "))
	b.exec(t, "ANALYZE TABLE crm_runs")
	for _, person := range []string{"7", "8"} {
		b.queued(t, Run{TenantID: 1, Mode: crm.ModePerson, PersonID: person, Trigger: TriggerEvent})
	}
	everybody := b.queued(t, Run{TenantID: 1, Mode: crm.ModeApply, Trigger: TriggerEvent, Delay: time.Minute})
	b.DB().SetMaxOpenConns(1) // the counters are a session's own
	was := b.rowsRead(t)
	found, err := b.EventRuns(b.ctx, 1, time.Minute)
	if read := b.rowsRead(t) - was; err != nil || found.People != 2 || found.Waiting != everybody.ID || read > 10*eventRunsLookedAt {
		t.Errorf("%+v, %d rows were read, error %v", found, read, err)
	}
}

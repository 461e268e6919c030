package notice

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"booking/host/internal/store"
	"booking/shared/crm"
)

const movedRU = "Ваш адрес в календаре бронирования изменён"

// Named after the weakness: an account is taken over by changing its address in the CRM
// and asking for a link there. The owner hears of it at the old address.
func TestTakeOverByEmailChangeIsToldToTheOldAddress(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	run := o.run(func(r *store.Run) {
		r.Updated = 4
		o.moves(r.ID, 101, "victim@example.com", "attacker.evil@evil.example")
		o.moves(r.ID, 102, "Same@example.com", "same@example.com") // letter case is no change
		o.moves(r.ID, 103, "", "first@example.com")                // there was none
		o.moves(r.ID, 104, "no address", "x@example.com")
		o.exec(`INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, before_values, after_values, created_at)
			VALUES (?, ?, 105, '105', 'updated', '{"name":"a"}', '{"name":"b"}', UTC_TIMESTAMP(6)), (?, ?, 106, '106', 'created', NULL, '{"email":"new@example.com"}', UTC_TIMESTAMP(6)),
			(?, ?, 107, '107', 'conflict', '{"email":"a@example.com"}', '{"email":"b@example.com"}', UTC_TIMESTAMP(6))`, r.ID, o.tenant, r.ID, o.tenant, r.ID, o.tenant)
	})
	got := o.sent()
	if len(got) != 1 || len(got["victim@example.com"]) != 1 || got["victim@example.com"][0] != movedRU {
		t.Fatalf("run %d: sent %v", run.ID, got)
	}
	m := o.server.Mails()[0]
	complete(t, m)
	for _, text := range []string{"victim@example.com → a***@evil.example", "с порталом portal.example", "«Ромашка <b>»", "Анна <anna@example.com>", "Борис <boris@example.com>"} {
		if !strings.Contains(m.Body, text) {
			t.Errorf("%q is not in\n%s", text, m.Body)
		}
	}
	if strings.Contains(m.Raw, "attacker") || strings.Contains(m.Body, "egor@") {
		t.Errorf("it says too much:\n%s", m.Body)
	}
	o.writer.Locale = "en"
	o.run(func(r *store.Run) {
		r.Updated = 1
		o.moves(r.ID, 101, "second@example.com", "third@example.com")
	})
	o.send()
	english := o.server.Mails()[1]
	complete(t, english)
	if !strings.Contains(english.Body, "by the sync with the portal portal.example") || strings.ContainsAny(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(english.Body, "Ромашка", ""), "Анна", ""), "Борис", ""), "абвгдежзиклмнопрст") {
		t.Errorf("English:\n%s", english.Body)
	}
}

// A ring of addresses: each old address hears of its own account.
func TestASwapIsToldToBoth(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.run(func(r *store.Run) {
		r.Updated = 2
		o.moves(r.ID, 1, "one@example.com", "two@example.com")
		o.moves(r.ID, 2, "two@example.com", "one@example.com")
	})
	if got := o.sent(); len(got["one@example.com"]) != 1 || len(got["two@example.com"]) != 1 {
		t.Errorf("sent %v", got)
	}
}

// A company that moves to another domain: ten thousand mails, each once, though the
// hosts that queue them take over from each other.
func TestTenThousandAddressesAreQueuedOnceEach(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const people = 10_000
	o.run(func(r *store.Run) {
		r.Updated = people
		for i := 0; i < people; i += 1000 {
			rows := make([]string, 0, 1000)
			for j := i; j < i+1000; j++ {
				rows = append(rows, fmt.Sprintf(`(%d, %d, %d, '%d', 'updated', '{"email":"p%d@old.example"}', '{"email":"p%d@new.example"}', UTC_TIMESTAMP(6))`, r.ID, o.tenant, j, j, j, j))
			}
			o.exec("INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, before_values, after_values, created_at) VALUES " + strings.Join(rows, ", "))
		}
	})
	step := o.claimStep(1)
	for range 2 { // the second is a host that believes the step is still its own
		if err := o.writer.Step(t.Context(), step, 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := o.number("SELECT COUNT(DISTINCT recipient) FROM booking_mail_queue WHERE kind = 'address_changed' AND lane = ?", store.LanePlain); n != people {
		t.Errorf("%d addresses are told", n)
	}
	if n := o.number("SELECT COUNT(*) FROM booking_mail_queue"); n != people {
		t.Errorf("%d rows", n)
	}
}

// A change by hand is told by whoever made it, in the transaction that makes it.
func TestAnAddressChangedByHandIsTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	change := store.AddressChange{TenantID: o.tenant, UserID: 3, Old: "egor@example.com", New: "egor.new@example.com", By: "Анна\r\nBcc: thief@example.com"}
	boom := fmt.Errorf("boom")
	for _, end := range []error{boom, nil} {
		err := o.DB().RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			if err := store.QueueAddressNotice(ctx, tx, change); err != nil {
				return err
			}
			return end
		})
		if err != end { //nolint:errorlint // the very error is passed on
			t.Fatal(err)
		}
	}
	if got := o.sent(); len(got) != 1 || len(got["egor@example.com"]) != 1 {
		t.Fatalf("sent %v", got)
	}
	m := o.server.Mails()[0]
	complete(t, m)
	if !strings.Contains(m.Body, "вручную (Анна Bcc: thief@example.com)") || m.Header.Get("Bcc") != "" {
		t.Errorf("%s", m.Raw)
	}
}

// Where a company has no administrator, the mail says whom to ask all the same.
func TestNobodyToAskIsSaid(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.exec("UPDATE users SET role = 'employee'")
	o.run(func(r *store.Run) {
		r.Updated, r.Status, r.ErrorCode = 1, store.StatusFailed, crm.CodeDatabase
		o.moves(r.ID, 3, "egor@example.com", "new@example.com")
	})
	got := o.sent()
	if len(got) != 1 || !strings.Contains(o.server.Mails()[0].Body, "администратору вашей компании") {
		t.Errorf("sent %v", got)
	}
}

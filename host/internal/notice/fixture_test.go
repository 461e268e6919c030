package notice

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"booking/host/internal/hosttest"
	"booking/host/internal/mail"
	"booking/host/internal/mail/smtptest"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// office is a company with two administrators, a mail server and a mail room.
type office struct {
	*store.Store
	t      *testing.T
	server *smtptest.Server
	writer Writer
	tenant int64
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db := hosttest.Database(t, testdb.New(t), migrations.Bitrix24)
	o := &office{Store: store.New(db), t: t, server: smtptest.Start(t)}
	o.writer = Writer{Store: o.Store, PublicURL: "https://calendar.example", Locale: "ru", Zone: time.UTC}
	tenant, err := o.AddTenant(t.Context(), "Ромашка <b>")
	if err != nil {
		t.Fatal(err)
	}
	o.tenant = tenant.ID
	o.person("Анна", "anna@example.com", store.RoleAdmin)
	o.person("Борис", "boris@example.com", store.RoleAdmin)
	o.person("Егор", "egor@example.com", store.RoleEmployee)
	return o
}

func (o *office) exec(query string, args ...any) int64 {
	o.t.Helper()
	result, err := o.DB().ExecContext(o.t.Context(), query, args...)
	if err != nil {
		o.t.Fatalf("%s: %v", query, err)
	}
	id, _ := result.LastInsertId()
	return id
}

func (o *office) person(name, email, role string) int64 {
	o.t.Helper()
	return o.exec("INSERT INTO users (tenant_id, name, email, password, role, is_active) VALUES (?, ?, ?, '$2y$12$x', ?, 1)", o.tenant, name, email, role)
}

// send sends everything that is due.
func (o *office) send() {
	o.t.Helper()
	sender, err := mail.NewSMTP(secret.New(o.server.URL("")))
	if err != nil {
		o.t.Fatal(err)
	}
	mail.NewRoom(mail.Options{Store: o.Store, Writer: o.writer, Sender: sender, Log: slog.New(slog.DiscardHandler)}).Drain(o.t.Context())
}

// sent are the subjects that each address got, after everything was sent.
func (o *office) sent() map[string][]string {
	o.t.Helper()
	o.send()
	got := map[string][]string{}
	for _, m := range o.server.Mails() {
		got[m.To] = append(got[m.To], m.Subject)
	}
	return got
}

// run is a run of the queue that ends in a way.
func (o *office) run(end func(*store.Run)) store.Run {
	o.t.Helper()
	run := store.Run{TenantID: o.tenant, Plugin: "acme", Portal: "portal.example", Mode: crm.ModeApply, Trigger: "schedule"}
	if _, err := o.EnqueueRun(o.t.Context(), &run); err != nil {
		o.t.Fatal(err)
	}
	if mine, err := o.ClaimRun(o.t.Context(), &run, "host", time.Hour); err != nil || !mine {
		o.t.Fatal(mine, err)
	}
	run.Status = store.StatusSucceeded
	end(&run)
	if err := o.FinishRun(o.t.Context(), &run); err != nil {
		o.t.Fatal(err)
	}
	return run
}

// well is the end of a run with nothing to do.
func well(*store.Run) {}

func (o *office) fails(code crm.Code) store.Run {
	o.t.Helper()
	return o.run(func(r *store.Run) {
		r.Status = store.StatusFailed
		r.SetError(code, crm.Text{RU: "Портал говорит: " + string(code), EN: "The portal says: " + string(code)})
	})
}

// moves is a change of somebody's address in the history of a run.
func (o *office) moves(run, user int64, old, changed string) {
	o.t.Helper()
	o.exec(`INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, name, email, before_values, after_values, created_at)
		VALUES (?, ?, ?, ?, 'updated', 'x', ?, JSON_OBJECT('email', ?, 'name', 'a'), JSON_OBJECT('email', ?, 'name', 'b'), UTC_TIMESTAMP(6))`,
		run, o.tenant, user, user, changed, old, changed)
}

func (o *office) number(query string, args ...any) int {
	o.t.Helper()
	var n int
	if err := o.DB().NewRaw(query, args...).Scan(context.Background(), &n); err != nil {
		o.t.Fatal(err)
	}
	return n
}

// complete holds a mail against what no reader may see: a place that was not filled in,
// and words of the other language.
func complete(t *testing.T, m smtptest.Mail) {
	t.Helper()
	text := m.Subject + "\n" + m.Body
	if strings.ContainsAny(text, "{}") || strings.Contains(text, "%!") || strings.Contains(text, "  \n") {
		t.Errorf("not filled in:\n%s", text)
	}
}

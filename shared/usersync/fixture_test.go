package usersync

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb"
)

const link = "bitrix24_user_id"

// noon is what the engine's clock says in these tests; half a second must not be
// rounded into the future.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 700_000_000, time.UTC)

// house is a database with the tables of a booking host, and an engine on it.
type house struct {
	t       testing.TB
	dsn     string
	admin   *sql.DB // may do anything, and is not the engine's pool
	wire    *wire
	engine  *Engine
	tenant  int64
	options Options
}

// newHouse makes a fresh database with two tenants, 1 and 2. The engine works for
// the first one with the account that may do anything.
func newHouse(t testing.TB) *house {
	t.Helper()
	return openHouse(t, testdb.New(t))
}

func openHouse(t testing.TB, dsn string) *house {
	t.Helper()
	makeTables(t, dsn)
	h := &house{t: t, dsn: dsn, admin: testdb.Open(t, dsn), tenant: 1}
	h.exec("INSERT INTO tenants (id, name) VALUES (1, 'One'), (2, 'Two')")
	h.connect(dsn)
	return h
}

// schema is what the migrations made for the first test of this process: running
// them takes longer than most tests here.
var schema struct {
	once   sync.Once
	tables []string
}

func makeTables(t testing.TB, dsn string) {
	t.Helper()
	schema.once.Do(func() {
		original := testdb.New(t)
		db, err := OpenDB(secret.New(original))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, set := range []migrations.Set{migrations.Host, migrations.Usersync, migrations.Bitrix24} {
			if _, err := set.Up(context.Background(), db); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"tenants", "users", "crm_runs", "crm_changes"} {
			var made string
			if err := db.QueryRow("SHOW CREATE TABLE "+name).Scan(&name, &made); err != nil {
				t.Fatal(err)
			}
			schema.tables = append(schema.tables, made)
		}
	})
	db := testdb.Open(t, dsn)
	for _, made := range schema.tables {
		if _, err := db.Exec(made); err != nil {
			t.Fatal(err)
		}
	}
}

// connect gives the engine a pool of its own, through a wire that tests can cut.
func (h *house) connect(dsn string) {
	h.t.Helper()
	config, err := configure(secret.New(dsn))
	if err != nil {
		h.t.Fatal(err)
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		h.t.Fatal(err)
	}
	h.wire = &wire{Connector: connector}
	db, err := openConnector(h.wire)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = db.Close() })
	h.engine = &Engine{DB: db, Column: link, Clock: func() time.Time { return noon },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.admin.Exec(query, args...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

// user adds a row, written "tenant name email link role", with - for NULL.
func (h *house) user(line string) {
	h.t.Helper()
	words := strings.Fields(line)
	null := func(word string) any {
		if word == "-" {
			return nil
		}
		return word
	}
	h.exec("INSERT INTO users (tenant_id, name, email, "+link+", role, phone, working_hours, remember_token, password, created_at, updated_at)"+
		" VALUES (?, ?, ?, ?, ?, '+7 1', '{\"mon\": 1}', 'token', 'unhashed', '2020-01-01 00:00:00', '2020-01-01 00:00:00')",
		null(words[0]), words[1], words[2], null(words[3]), words[4])
}

func (h *house) users(lines ...string) {
	h.t.Helper()
	for _, line := range lines {
		h.user(line)
	}
}

// newRun makes a running row in crm_runs.
func (h *house) newRun() (id, fence int64) {
	h.t.Helper()
	result, err := h.admin.Exec("INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, fence, requested_at) VALUES (?, 'p', 'apply', 'cli', 'running', 5, NOW())", h.tenant)
	if err != nil {
		h.t.Fatal(err)
	}
	if id, err = result.LastInsertId(); err != nil {
		h.t.Fatal(err)
	}
	return id, 5
}

func (h *house) request() Request {
	id, fence := h.newRun()
	return Request{Tenant: crm.Tenant{ID: h.tenant}, Mode: crm.ModeApply, RunID: id, Fence: fence, Portal: "portal.example", Options: h.options}
}

// sync runs the engine and fails the test on an error.
func (h *house) sync(people ...Person) (crm.SyncResult, *listener) {
	h.t.Helper()
	events := &listener{}
	result, err := h.engine.Run(context.Background(), h.request(), listed(people), events)
	if err != nil {
		h.t.Fatalf("run: %v", err)
	}
	checkResult(h.t, result)
	return result, events
}

func checkResult(t testing.TB, r crm.SyncResult) {
	t.Helper()
	if r.Fetched != r.Synced()+r.Skipped+r.Conflicts {
		t.Errorf("fetched %d is not synced %d + skipped %d + conflicts %d", r.Fetched, r.Synced(), r.Skipped, r.Conflicts)
	}
}

// table dumps the users, one line each, without times and passwords.
func (h *house) table(columns string, where ...string) []string {
	h.t.Helper()
	query := "SELECT CONCAT_WS(' ', " + columns + ") FROM users " + strings.Join(where, " ") + " ORDER BY id"
	return h.lines(query)
}

// everybody is the usual dump.
func (h *house) everybody() []string {
	h.t.Helper()
	return h.table("COALESCE(tenant_id, '-'), name, email, COALESCE(" + link + ", '-'), role")
}

func (h *house) lines(query string, args ...any) []string {
	h.t.Helper()
	rows, err := h.admin.Query(query, args...)
	if err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			h.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// bytes dumps whole rows, every byte of every column.
func (h *house) bytes(where string) []string {
	h.t.Helper()
	columns := h.lines("SELECT CONCAT('COALESCE(HEX(CAST(', column_name, ' AS BINARY)), ''-'')') AS c FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'users' ORDER BY ordinal_position")
	return h.table(strings.Join(columns, ", "), where)
}

// history dumps the changes, one line each, without ids and times.
func (h *house) history(where ...string) []string {
	h.t.Helper()
	return h.lines("SELECT CONCAT_WS(' ', external_id, CONCAT_WS('/', action, NULLIF(reason, '')), name, email, COALESCE(before_values, '-'), COALESCE(after_values, '-')) FROM crm_changes " +
		strings.Join(where, " ") + " ORDER BY id")
}

// listed is a source that has everybody.
type listed []Person

func (l listed) Read(_ context.Context, yield func(Person) error) (Complete, error) {
	for _, p := range l {
		if err := yield(p); err != nil {
			return Complete{}, err
		}
	}
	return Complete{People: len(l)}, nil
}

// listener keeps what it is told, and lets a test step in.
type listener struct {
	progress []crm.Progress
	changes  []crm.Change
	// on is called with each progress, before it is kept.
	on func(crm.Progress) error
}

func (l *listener) Progress(p crm.Progress) error {
	if l.on != nil {
		if err := l.on(p); err != nil {
			return err
		}
	}
	l.progress = append(l.progress, p)
	return nil
}

func (l *listener) Changes(changes []crm.Change) error {
	l.changes = append(l.changes, changes...)
	return nil
}

// said writes changes as "7 updated/linked #12".
func (l *listener) said() []string {
	var said []string
	for _, c := range l.changes {
		line := c.ExternalID + " " + string(c.Action)
		if c.Reason != "" {
			line += "/" + string(c.Reason)
		}
		if c.Field != "" {
			line += ":" + c.Field
		}
		if c.UserID != 0 {
			line += fmt.Sprintf(" #%d", c.UserID)
		}
		if c.OtherExternalID != "" || c.OtherUserID != 0 {
			line += fmt.Sprintf(" vs %s#%d", c.OtherExternalID, c.OtherUserID)
		}
		said = append(said, line)
	}
	slices.Sort(said)
	return said
}

// atWriting calls f once, between the plan and the first chunk.
func atWriting(f func()) *listener {
	done := false
	return &listener{on: func(p crm.Progress) error {
		if p.Stage == crm.StageWriting && !done {
			done = true
			f()
		}
		return nil
	}}
}

// named has a name and an address.
func named(id, name, email string) Person { return Person{ExternalID: id, Name: name, Email: email} }

var errPower = errors.New("power cut")

// canonical writes JSON without spaces and in the order of its keys: MySQL and
// MariaDB print it differently.
func canonical(t testing.TB, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

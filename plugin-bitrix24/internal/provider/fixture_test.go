package provider

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/migrations"
	"booking/plugin-bitrix24/internal/portalsim"
	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb"
	"booking/shared/usersync"
)

// testSecret is in every webhook here; no log line, error, event or finding may show it.
const testSecret = "s3cr3tNobodyMaySee"

// logged is everything that the tests of this package logged.
var logged lockedBuffer

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	code := testdb.Main(m)
	if strings.Contains(logged.String(), testSecret) {
		fmt.Println("a log line shows the webhook's secret")
		code = 1
	}
	os.Exit(code)
}

// house is a provider with a database, and a portal.
type house struct {
	t        *testing.T
	provider *Provider
	portal   *portalsim.Portal
	address  string
	db       *sql.DB
	dsn      string
	settings crm.Settings
}

func newHouse(t *testing.T, o portalsim.Options) *house {
	t.Helper()
	o.Secret = testSecret
	h := &house{t: t, provider: New(), portal: portalsim.New(o), dsn: testdb.New(t)}
	server := httptest.NewServer(h.portal)
	t.Cleanup(func() { h.portal.Close(); server.Close() })
	h.address = h.portal.WebhookURL(server.URL)
	h.settings = crm.Settings{keyWebhook: secret.New(h.address)}
	db, err := usersync.OpenDB(secret.New(h.dsn))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync} {
		if _, err := set.Up(context.Background(), db); err != nil {
			t.Fatal(err)
		}
	}
	h.db = testdb.Open(t, h.dsn)
	if _, err := h.db.Exec("INSERT INTO tenants (id, name) VALUES (1, 'One')"); err != nil {
		t.Fatal(err)
	}
	h.configure()
	if _, err := h.provider.Migrate(context.Background(), crm.Migration{DSN: secret.New(h.dsn)}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) configure() {
	h.t.Helper()
	err := h.provider.Configure(context.Background(), crm.Configuration{
		DSN: secret.New(h.dsn), Locale: "ru", HTTPPortals: []string{"127.0.0.1"}, LimitWait: 5 * time.Minute,
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) set(key, value string) { h.settings[key] = secret.New(value) }

// sync runs once, with a row in crm_runs as a host makes it.
func (h *house) sync(ctx context.Context) (crm.SyncResult, *recorder, error) {
	h.t.Helper()
	if _, err := h.db.Exec("UPDATE crm_runs SET status = 'succeeded', active_tenant = NULL"); err != nil {
		h.t.Fatal(err)
	}
	result, err := h.db.Exec("INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, active_tenant, fence, requested_at) VALUES (1, 'bitrix24', 'apply', 'cli', 'running', 1, 5, NOW())")
	if err != nil {
		h.t.Fatal(err)
	}
	run, _ := result.LastInsertId()
	events := &recorder{}
	out, err := h.provider.SyncUsers(ctx, crm.SyncRequest{
		Tenant: crm.Tenant{ID: 1, Name: "One"}, Settings: h.settings, Mode: crm.ModeApply, RunID: run, Fence: 5,
	}, events)
	noSecret(h.t, err)
	noSecret(h.t, events)
	noSecret(h.t, out)
	return out, events, err
}

func (h *house) users() (n int) {
	h.t.Helper()
	if err := h.db.QueryRow("SELECT COUNT(*) FROM users WHERE bitrix24_user_id IS NOT NULL").Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// recorder keeps the events of a run.
type recorder struct {
	progress []crm.Progress
	changes  []crm.Change
}

func (r *recorder) Progress(p crm.Progress) error {
	r.progress = append(r.progress, p)
	return nil
}

func (r *recorder) Changes(c []crm.Change) error {
	r.changes = append(r.changes, c...)
	return nil
}

func noSecret(t *testing.T, v any) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if strings.Contains(fmt.Sprintf(verb, v), testSecret) {
			t.Errorf("the secret is in a %T", v)
		}
	}
	var known *crm.Error
	if err, ok := v.(error); ok && errors.As(err, &known) && strings.Contains(known.Message.RU+known.Message.EN+known.Error(), testSecret) {
		t.Error("the secret is in an error's message")
	}
}

// noWait is a clock that never waits.
func noWait() rest.Clock {
	var mu sync.Mutex
	now := time.Now()
	return rest.Clock{
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		},
		Sleep: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(d)
			return ctx.Err()
		},
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// asAccount is a DSN with another account.
func asAccount(t *testing.T, dsn, user, password string) string {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.User, config.Passwd = user, password
	return config.FormatDSN()
}

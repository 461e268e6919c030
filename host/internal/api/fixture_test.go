package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/host/internal/accesslog"
	"booking/host/internal/auth"
	"booking/host/internal/connect"
	"booking/host/internal/hosttest"
	"booking/host/internal/runs"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/crmtest"
	"booking/shared/secret"
	"booking/shared/testdb"
)

const webhook = "https://portal.example/rest/1/very-secret-hook/"

// site is a host with its API on a database of its own, two companies in it, and a
// plugin made of functions.
type site struct {
	*store.Store
	t            *testing.T
	http         *httptest.Server
	plugin       *scripted
	box          *secrets.Box
	runs         *runs.Service
	ours, theirs int64
	// read and run are tokens of our company, foreign is one of the other.
	read, run, foreign string
	log                *hosttest.Buffer
	asked              *hosttest.Statements
	closing            chan struct{}

	mu  sync.Mutex
	now time.Time
}

func newSite(t *testing.T) *site {
	t.Helper()
	db := hosttest.Database(t, testdb.New(t), migrations.Bitrix24)
	box := hosttest.Box(t, db)
	s := &site{t: t, plugin: &scripted{}, box: box, log: &hosttest.Buffer{}, asked: &hosttest.Statements{}, closing: make(chan struct{}), now: time.Now()}
	s.Store = store.New(db.WithQueryHook(s.asked))
	s.Patience = 100 * time.Millisecond
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.runs = &runs.Service{Store: s.Store, Box: box, Plugins: s.plugin, Log: log, Lease: 30 * time.Second, Host: "test", Locale: "ru"}
	server := New(Options{
		Store: s.Store, Box: box, Runs: s.runs, Connections: &connect.Service{Store: s.Store, Box: box, Plugins: s.plugin}, Log: log, Locale: "ru",
		Clock: s.clock, Closing: s.closing,
	})
	s.http = httptest.NewServer(accesslog.Handler(accesslog.Options{Log: log, Clock: time.Now}, server.Handler()))
	t.Cleanup(s.http.Close)
	s.ours, s.theirs = s.company("Ромашка"), s.company("Other")
	s.read, s.run, s.foreign = s.token(s.ours, store.ScopeRead), s.token(s.ours, store.ScopeRun), s.token(s.theirs, store.ScopeRun)
	return s
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// later moves the API's clock.
func (s *site) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *site) company(name string) int64 {
	s.t.Helper()
	tenant, err := s.AddTenant(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return tenant.ID
}

func (s *site) token(tenant int64, scope store.Scope) string {
	s.t.Helper()
	token := store.Token{TenantID: tenant, Name: "test", Scope: scope}
	text, err := auth.AddToken(s.t.Context(), s.Store, store.Actor{}, &token)
	if err != nil {
		s.t.Fatal(err)
	}
	return text.Reveal()
}

func (s *site) exec(query string, args ...any) int64 {
	s.t.Helper()
	result, err := s.DB().ExecContext(s.t.Context(), query, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	id, _ := result.LastInsertId()
	return id
}

// connect gives our company a connection.
func (s *site) connect() {
	s.t.Helper()
	_, err := s.EditConnection(s.t.Context(), s.box, s.ours, func(e *store.ConnectionEdit) error {
		e.UsePlugin("scripted")
		e.Plain["departments"] = "3,4"
		e.Secret["webhook"], e.Portal = secret.New(webhook), "portal.example"
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// work carries out queued runs until the test ends.
func (s *site) work() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.runs.Work(ctx)
	}()
	s.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// finishedRun is a run of a company with changes: of each name an update, and a conflict.
func (s *site) finishedRun(tenant int64, names ...string) int64 {
	s.t.Helper()
	run := s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, requested_at, started_at, finished_at, fetched, updated, conflicts)
		VALUES (?, 'scripted', 'portal.example', 'apply', 'button', 'succeeded', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), ?, ?, 1)`, tenant, len(names)+1, len(names))
	for i, name := range names {
		s.exec(`INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, reason, name, email, before_values, after_values, created_at)
			VALUES (?, ?, ?, ?, 'updated', '', ?, 'p@ours.example', '{"name":"Старое Имя","position":null}', JSON_OBJECT('name', ?, 'is_active', TRUE), UTC_TIMESTAMP(6))`, run, tenant, i+1, i+1, name, name)
	}
	s.exec(`INSERT INTO crm_changes (run_id, tenant_id, external_id, action, reason, field, other_external_id, name, email, created_at)
		VALUES (?, ?, '99', 'conflict', 'email_taken', 'email', '98', 'Спорный', 'taken@ours.example', UTC_TIMESTAMP(6))`, run, tenant)
	return run
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// get and post call the API with a token ("": none); whatever comes back is held
// against the description.
func (s *site) get(token, path string) reply {
	s.t.Helper()
	return s.call(token, http.MethodGet, path, "")
}

func (s *site) post(token, path, body string) reply {
	s.t.Helper()
	return s.call(token, http.MethodPost, path, body)
}

func (s *site) call(token, method, path, body string, headers ...string) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.http.URL+Base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := s.http.Client().Do(request)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	r := reply{response.StatusCode, response.Header, string(content)}
	if err := described.check(request, r); err != nil {
		s.t.Errorf("%s %s answers %d, which is not as described: %v\n%s", method, path, r.status, err, r.body)
	}
	return r
}

// into reads the body.
func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
}

// refused checks that the answer is a refusal with a code and a status.
func (r reply) refused(t *testing.T, what string, status int, code string) errorJSON {
	t.Helper()
	var refusal errorJSON
	if r.status != status || json.Unmarshal([]byte(r.body), &refusal) != nil || refusal.Error.Code != code {
		t.Errorf("%s: %d %s, want %d %s", what, r.status, r.body, status, code)
	}
	return refusal
}

// ok checks the status.
func (r reply) ok(t *testing.T, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("%d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// scripted is the only plugin of a site.
type scripted struct {
	crmtest.Fake
	sync  func(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error)
	check func() ([]crm.Finding, error)
}

func (p *scripted) description() crm.Description {
	return crm.Description{
		Name: "scripted", Version: "1", Title: crm.Text{RU: "Пример CRM", EN: "Example CRM"}, ExternalIDColumn: "bitrix24_user_id",
		Capabilities: []crm.Capability{crm.CapabilitySyncUsers}, Fields: []crm.Field{{Key: "webhook", Required: true, Secret: true, Label: crm.Text{RU: "Адрес", EN: "Address"}}},
	}
}

func (p *scripted) Describe(context.Context, string) (crm.Plugin, crm.Description, func(), error) {
	return plugged{p}, p.description(), func() {}, nil
}

func (p *scripted) Plugin(ctx context.Context, name string) (crm.Plugin, crm.Description, func(), error) {
	return p.Describe(ctx, name)
}

func (p *scripted) Migrate(context.Context, string) ([]string, error) { return nil, nil }

// plugged is the plugin as runs and connections call it.
type plugged struct{ *scripted }

var _ crm.Plugin = plugged{}

func (p plugged) Describe(context.Context) (crm.Description, error) { return p.description(), nil }

func (p plugged) Migrate(ctx context.Context, m crm.Migration) (crm.MigrationResult, error) {
	return p.Fake.Migrate(ctx, m)
}

func (p plugged) CheckConnection(context.Context, crm.ConnectionRequest) (crm.ConnectionCheck, error) {
	if p.check == nil {
		return crm.ConnectionCheck{Findings: []crm.Finding{{Code: "people", OK: true, Message: crm.Text{RU: "Видно 25 сотрудников.", EN: "25 people are seen."}}}}, nil
	}
	findings, err := p.check()
	return crm.ConnectionCheck{Findings: findings}, err
}

func (p plugged) SyncUsers(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
	if p.sync == nil {
		return crm.SyncResult{Counts: crm.Counts{Fetched: 1, Unchanged: 1}, Requests: 1}, nil
	}
	return p.sync(ctx, r, events)
}

// gated lets the next sync wait in the middle until open is closed.
func (s *site) gated() (entered <-chan struct{}, open chan<- struct{}) {
	in, out := make(chan struct{}, 8), make(chan struct{})
	s.plugin.sync = func(ctx context.Context, _ crm.SyncRequest, _ crm.Events) (crm.SyncResult, error) {
		in <- struct{}{}
		select {
		case <-out:
			return crm.SyncResult{Counts: crm.Counts{Fetched: 200, Unchanged: 200}, Requests: 4}, nil
		case <-ctx.Done():
			return crm.SyncResult{}, ctx.Err()
		}
	}
	return in, out
}

func (s *site) await(c <-chan struct{}) {
	s.t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		s.t.Fatal("waited for nothing")
	}
}

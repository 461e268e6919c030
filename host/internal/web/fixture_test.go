package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"booking/host/internal/accesslog"
	"booking/host/internal/api"
	"booking/host/internal/connect"
	"booking/host/internal/health"
	"booking/host/internal/hosttest"
	"booking/host/internal/mail"
	"booking/host/internal/notice"
	"booking/host/internal/runs"
	"booking/host/internal/schedule"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/crmtest"
	"booking/shared/secret"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

const (
	password = "correct horse battery"
	webhook  = "https://portal.example/rest/1/very-secret-hook/"
)

// cheapHash is the password at the lowest cost, so that a hundred sign-ins take no time.
var cheapHash = sync.OnceValue(func() string {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return "$2y$" + strings.TrimPrefix(string(hash), "$2a$")
})

// site is a host with its pages on a database of its own, two companies in it, and a
// plugin made of functions.
type site struct {
	*store.Store
	t            *testing.T
	pages        *Server
	http         *httptest.Server
	plugin       *scripted
	box          *secrets.Box
	ours, theirs int64
	employee     int64 // of ours
	runs         *runs.Service
	log          *syncBuffer
	asked        *statements
	post         *mail.Room
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	db := hosttest.Database(t, testdb.New(t), migrations.Bitrix24)
	box := hosttest.Box(t, db)
	s := &site{t: t, plugin: &scripted{}, box: box, log: &syncBuffer{}, asked: &statements{}}
	s.Store = store.New(db.WithQueryHook(s.asked))
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.runs = &runs.Service{Store: s.Store, Box: box, Plugins: s.plugin, Log: log, Lease: 30 * time.Second, Host: "test", Locale: "ru"}
	options := Options{
		Store: s.Store, Box: box, Log: log, Plugins: s.plugin, Runs: s.runs,
		PublicURL: "http://calendar.example", Locale: "ru", Zone: time.UTC, Demo: true, Schedules: &schedule.Scheduler{Store: s.Store, Clock: time.Now, Zone: "Europe/Moscow", Log: log}, Clock: time.Now,
		Health: health.New(s.Store, box, []migrations.Set{migrations.Host, migrations.Usersync}, time.Now),
	}
	// The mail room has a store of its own, so that its looks are in nobody's count.
	s.post = mail.NewRoom(mail.Options{Store: store.New(db), Log: log, Sender: mail.Outbox{Store: store.New(db), Box: box},
		Writer: notice.Writer{Store: store.New(db), PublicURL: options.PublicURL, Locale: options.Locale, Zone: time.UTC}})
	options.Mail = s.post
	for _, c := range change {
		c(&options)
	}
	var err error
	if s.pages, err = New(options); err != nil {
		t.Fatal(err)
	}
	handler, err := s.pages.Handler()
	if err != nil {
		t.Fatal(err)
	}
	// Pages and API behind one address, as the host serves them.
	mux := http.NewServeMux()
	mux.Handle("/api/", api.New(api.Options{
		Store: s.Store, Box: box, Runs: s.runs, Connections: &connect.Service{Store: s.Store, Box: box, Plugins: s.plugin}, Log: log, Locale: "ru", Clock: time.Now, Closing: t.Context().Done(),
	}).Handler())
	mux.Handle("/", handler)
	s.http = httptest.NewServer(accesslog.Handler(accesslog.Options{Log: log, Clock: time.Now}, mux))
	t.Cleanup(s.http.Close)
	s.beside(s.pages.Work)
	s.beside(s.post.Work)
	s.ours, s.theirs = s.company("Ромашка"), s.company("Other")
	for _, p := range []struct {
		tenant      int64
		name, email string
		role        string
	}{
		{s.ours, "Анна", "admin@ours.example", "admin"}, {s.ours, "Манас", "manager@ours.example", "manager"},
		{s.ours, "Егор", "employee@ours.example", "employee"}, {s.theirs, "Foreign", "admin@theirs.example", "admin"},
		{0, "Root", "super@host.example", "super_admin"},
	} {
		if id := s.person(p.tenant, p.name, p.email, p.role); p.role == "employee" {
			s.employee = id
		}
	}
	return s
}

// beside runs something until the test ends.
func (s *site) beside(work func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		work(ctx)
	}()
	s.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// work carries out queued runs.
func (s *site) work() { s.beside(s.runs.Work) }

func (s *site) company(name string) int64 {
	s.t.Helper()
	tenant, err := s.AddTenant(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return tenant.ID
}

func (s *site) person(tenant int64, name, email, role string) int64 {
	s.t.Helper()
	var of any
	if tenant != 0 {
		of = tenant
	}
	return s.exec("INSERT INTO users (tenant_id, name, email, password, role, is_active) VALUES (?, ?, ?, ?, ?, 1)", of, name, email, cheapHash(), role)
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

// eventually waits until something is true that is done beside requests.
func (s *site) eventually(done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it never came true\n%s", s.log)
		}
	}
}

// connect gives our company a connection.
func (s *site) connect() {
	s.t.Helper()
	_, err := s.EditConnection(s.t.Context(), s.box, s.ours, func(e *store.ConnectionEdit) error {
		e.UsePlugin("scripted")
		e.Secret["webhook"], e.Portal = secret.New(webhook), "portal.example"
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// finishedRun is a run of our company with a change of every kind that matters.
func (s *site) finishedRun(names ...string) int64 {
	s.t.Helper()
	run := s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, requested_at, started_at, finished_at, fetched, created, conflicts)
		VALUES (?, 'scripted', 'portal.example', 'apply', 'button', 'succeeded', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), 2, 1, 1)`, s.ours)
	for i, name := range append([]string{"Вера Новая"}, names...) {
		s.exec(`INSERT INTO crm_changes (run_id, tenant_id, external_id, action, reason, name, email, before_values, after_values, created_at)
			VALUES (?, ?, ?, 'updated', '', ?, ?, '{"name":"Старое Имя"}', JSON_OBJECT('name', ?), UTC_TIMESTAMP(6))`, run, s.ours, i+1, name, "p@ours.example", name)
	}
	s.exec(`INSERT INTO crm_changes (run_id, tenant_id, external_id, action, reason, name, email, before_values, after_values, created_at)
		VALUES (?, ?, '99', 'conflict', 'email_taken', 'Спорный', 'taken@ours.example', '{}', '{}', UTC_TIMESTAMP(6))`, run, s.ours)
	return run
}

// visitor is a browser.
type visitor struct {
	s      *site
	client *http.Client
	// header is sent with every request.
	header http.Header
}

// visitor makes a browser in which nobody is signed in. It does not follow redirects.
func (s *site) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{s: s, header: http.Header{"Origin": {s.http.URL}}, client: &http.Client{
		Jar: jar, Timeout: 60 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn makes a browser in which the person of an address is signed in.
func (s *site) signedIn(email string) *visitor {
	s.t.Helper()
	v := s.visitor()
	if a := v.post("/sign-in", "email", email, "password", password); a.status != http.StatusSeeOther {
		s.t.Fatalf("%s cannot sign in: %d\n%s", email, a.status, a.body)
	}
	return v
}

// answer is what came back.
type answer struct {
	status int
	to     string
	body   string
	header http.Header
}

func (v *visitor) get(path string) answer { return v.do(http.MethodGet, path, nil) }

func (v *visitor) post(path string, pairs ...string) answer {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return v.do(http.MethodPost, path, form)
}

func (v *visitor) do(method, path string, form url.Values) answer {
	v.s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(v.s.t.Context(), method, v.s.http.URL+path, body)
	if err != nil {
		v.s.t.Fatal(err)
	}
	for name, values := range v.header {
		request.Header[name] = values
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := v.client.Do(request)
	if err != nil {
		v.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		v.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{response.StatusCode, response.Header.Get("Location"), string(content), response.Header}
}

// contains holds the answer against texts that must and, after a "!", must not be in it.
func (a answer) contains(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		unwanted, not := strings.CutPrefix(text, "!")
		if not == strings.Contains(a.body, unwanted) {
			t.Errorf("%q: in the page: %v\n%s", unwanted, !not, a.body)
		}
	}
}

// scripted is the only plugin of a site.
type scripted struct {
	crmtest.Fake
	sync  func(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error)
	check func(crm.Settings) []crm.Finding
	list  func(crm.ChoicesRequest) (crm.Choices, error)
	// describe is nil for scriptedDescription.
	describe func() crm.Description
}

func (p *scripted) description() crm.Description {
	if p.describe == nil {
		return scriptedDescription()
	}
	return p.describe()
}

func (p *scripted) Describe(context.Context, string) (crm.Plugin, crm.Description, func(), error) {
	return plugged{p}, p.description(), func() {}, nil
}

func (p *scripted) Plugin(ctx context.Context, name string) (crm.Plugin, crm.Description, func(), error) {
	return p.Describe(ctx, name)
}

func (p *scripted) Migrate(context.Context, string) ([]string, error) { return nil, nil }

func (p *scripted) Names() ([]string, error) { return []string{"scripted"}, nil }

func scriptedDescription() crm.Description {
	return crm.Description{
		Name: "scripted", Version: "1", Title: crm.Text{RU: "Пример CRM", EN: "Example CRM"}, ExternalIDColumn: "bitrix24_user_id",
		Capabilities: []crm.Capability{crm.CapabilitySyncUsers, crm.CapabilityChoices, crm.CapabilityEvents},
		EventsHelp:   crm.Text{RU: "Портал → Исходящие вебхуки", EN: "Portal → Outbound webhooks"},
		Fields: []crm.Field{
			{Key: "webhook", Type: crm.FieldText, Required: true, Secret: true, Label: crm.Text{RU: "Адрес вебхука", EN: "Webhook address"}, Help: crm.Text{RU: "Где взять", EN: "Where to get it"}},
			{Key: "departments", Type: crm.FieldIDs, Listable: true, Label: crm.Text{RU: "Отделы", EN: "Departments"}},
			{Key: "phone", Type: crm.FieldBool, Default: "false", Label: crm.Text{RU: "Телефон", EN: "Phone"}},
			{Key: "plan", Type: crm.FieldChoice, Default: "small", Label: crm.Text{RU: "Тариф", EN: "Plan"},
				Choices: []crm.Choice{{Value: "small", Label: crm.Text{RU: "малый", EN: "small"}}, {Value: "large", Label: crm.Text{RU: "большой", EN: "large"}}}},
		},
	}
}

// plugged is the plugin as runs and connections call it.
type plugged struct{ *scripted }

var _ crm.Plugin = plugged{}

func (p plugged) Describe(context.Context) (crm.Description, error) {
	return p.description(), nil
}

func (p plugged) Migrate(ctx context.Context, m crm.Migration) (crm.MigrationResult, error) {
	return p.Fake.Migrate(ctx, m)
}

func (p plugged) CheckSettings(_ context.Context, s crm.Settings) (crm.SettingsCheck, error) {
	address := s.Get("webhook")
	if address == "" {
		return crm.SettingsCheck{Problems: []crm.FieldProblem{{Key: "webhook", Message: crm.Text{RU: "Нужно значение.", EN: "A value is needed."}}}}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return crm.SettingsCheck{Problems: []crm.FieldProblem{{Key: "webhook", Message: crm.Text{RU: "Это не адрес вебхука.", EN: "This is no webhook's address."}}}}, nil
	}
	return crm.SettingsCheck{Portal: u.Hostname()}, nil
}

func (p plugged) CheckConnection(_ context.Context, r crm.ConnectionRequest) (crm.ConnectionCheck, error) {
	if p.check == nil {
		return crm.ConnectionCheck{Findings: []crm.Finding{{Code: "people", OK: true, Message: crm.Text{RU: "Видно 25 сотрудников.", EN: "25 people are seen."}}}}, nil
	}
	return crm.ConnectionCheck{Findings: p.check(r.Settings)}, nil
}

func (p plugged) Choices(ctx context.Context, r crm.ChoicesRequest) (crm.Choices, error) {
	if p.list == nil {
		return p.Fake.Choices(ctx, r)
	}
	return p.list(r)
}

func (p plugged) SyncUsers(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
	if p.sync == nil {
		return crm.SyncResult{Counts: crm.Counts{Fetched: 1, Unchanged: 1}, Requests: 1}, nil
	}
	return p.sync(ctx, r, events)
}

type syncBuffer = hosttest.Buffer

// statements are what the database was asked since the last take.
type statements struct{ hosttest.Statements }

func (s *statements) take() []string { return s.Take() }

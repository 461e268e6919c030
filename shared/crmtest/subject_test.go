package crmtest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// faultFile beside the test's executable makes it the plugin of these tests, with the
// fault that it names (subject.go); an empty one is a sound plugin.
const faultFile = "crmtest-fault"

// playPlugin serves when this process was started as a plugin.
func playPlugin() {
	path, err := os.Executable()
	if err != nil {
		return
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(path), faultFile))
	if err != nil {
		return
	}
	fault := string(content)
	if len(os.Args) > 1 {
		_ = crm.WriteManifest(os.Stdout, (&subject{}).description(), crm.Manifest{})
		os.Exit(0)
	}
	cookie := os.Getenv(crm.Handshake.MagicCookieKey)
	switch {
	case fault == "silent by hand" && cookie == "":
		os.Exit(1)
	case fault == "any cookie" && cookie != "":
		_ = os.Setenv(crm.Handshake.MagicCookieKey, crm.Handshake.MagicCookieValue)
	case fault == "listens elsewhere":
		_ = os.Unsetenv("PLUGIN_UNIX_SOCKET_DIR")
	case fault == "claims 99" && os.Getenv("PLUGIN_PROTOCOL_VERSIONS") == "99":
		fmt.Println("1|99|unix|/nowhere|grpc|")
		time.Sleep(time.Hour)
	case strings.HasPrefix(fault, "bare") && cookie == crm.Handshake.MagicCookieValue:
		serveBare(&subject{fault: fault}, strings.Fields(fault)[1:])
	}
	crm.Serve(&subject{fault: fault})
}

const link = "sound_user_id"

// subject is a sound plugin with one fault.
type subject struct {
	fault      string
	mu         sync.Mutex
	dsn        crm.Configuration
	configured atomic.Int32
	described  atomic.Int32
	running    atomic.Int32
	one        sync.Mutex
}

func (p *subject) description() crm.Description {
	d := crm.Description{
		Name: "sound", Version: "1.0.0", Title: crm.Text{RU: "Образец", EN: "Sample"},
		Capabilities: []crm.Capability{crm.CapabilitySyncUsers, crm.CapabilityChoices, crm.CapabilityImportSettings, crm.CapabilityEvents}, ExternalIDColumn: link,
		Fields: []crm.Field{
			{Key: "portal", Label: crm.Text{RU: "Портал"}, Type: crm.FieldText, Required: true},
			{Key: "token", Label: crm.Text{RU: "Ключ"}, Type: crm.FieldText, Secret: true},
			{Key: "people", Label: crm.Text{RU: "Сколько"}, Type: crm.FieldText},
			{Key: "flag", Label: crm.Text{RU: "Да"}, Type: crm.FieldBool},
			{Key: "kind", Label: crm.Text{RU: "Вид"}, Type: crm.FieldChoice, Choices: []crm.Choice{{Value: "a", Label: crm.Text{RU: "А"}}}},
			{Key: "departments", Label: crm.Text{RU: "Отделы"}, Type: crm.FieldIDs, Listable: true},
		},
	}
	switch {
	case strings.HasPrefix(p.fault, "people"):
		d.Capabilities[0] = crm.CapabilityPeople
	case p.fault == "does more than it lists":
		d.Capabilities, d.Fields[5].Listable = d.Capabilities[:1], false
	case p.fault == "lists nothing":
		d.Fields[5].Listable = false
	case p.fault == "can nothing":
		d.Capabilities[0] = "teleport"
	case p.fault == "column of the host":
		d.ExternalIDColumn = "password"
	case p.fault == "open token":
		d.Fields[1].Secret = false
	case p.fault == "another title each time":
		d.Title.EN += strconv.Itoa(int(p.described.Add(1)))
	}
	return d
}

// Describe implements crm.Plugin.
func (p *subject) Describe(context.Context) (crm.Description, error) {
	if p.fault == "described when configured" && p.configured.Load() == 0 {
		return crm.Description{}, errors.New("who are you?")
	}
	return p.description(), nil
}

// Configure implements crm.Plugin.
func (p *subject) Configure(_ context.Context, c crm.Configuration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dsn = c
	if n := p.configured.Add(1); p.fault == "configured once" && n > 1 {
		return errors.New("again?")
	}
	switch p.fault {
	case "child":
		return exec.Command("sleep", "60").Start()
	case "litter":
		return os.WriteFile(filepath.Join(os.TempDir(), "litter"), nil, 0o600)
	}
	return nil
}

// Migrate implements crm.Plugin.
func (p *subject) Migrate(ctx context.Context, m crm.Migration) (crm.MigrationResult, error) {
	switch p.fault {
	case "migrates in dreams":
		return crm.MigrationResult{}, nil
	case "always did something":
		_, err := p.migrateSoundly(ctx, m)
		return crm.MigrationResult{Applied: []string{"something"}}, err
	}
	return p.migrateSoundly(ctx, m)
}

func (p *subject) migrateSoundly(ctx context.Context, m crm.Migration) (crm.MigrationResult, error) {
	db, err := usersync.OpenDB(m.DSN)
	if err != nil {
		return crm.MigrationResult{}, err
	}
	defer db.Close()
	if p.fault == "a table of its own" {
		if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS sound_notes (id INT PRIMARY KEY)"); err != nil {
			return crm.MigrationResult{}, err
		}
	}
	if p.fault == "looks before it leaps" {
		var there int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = ?", link).Scan(&there); err != nil || there > 0 {
			return crm.MigrationResult{}, err
		}
		time.Sleep(500 * time.Millisecond)
		if _, err := db.ExecContext(ctx, "ALTER TABLE users ADD COLUMN `"+link+"` VARCHAR(255) NULL"); err != nil {
			return crm.MigrationResult{}, err
		}
	}
	applied, err := migrations.Link(link).Up(ctx, db)
	return crm.MigrationResult{Applied: applied}, err
}

// CheckSettings implements crm.Plugin.
func (p *subject) CheckSettings(_ context.Context, s crm.Settings) (crm.SettingsCheck, error) {
	problems := p.description().SettingsProblems(s)
	check := crm.SettingsCheck{Portal: strings.ToLower(s.Get("portal")), Problems: problems}
	switch p.fault {
	case "crashes before Configure":
		if p.configured.Load() == 0 {
			os.Exit(3)
		}
	case "portal of no name":
		check.Portal = ""
	case "anything goes":
		check.Problems = nil
	case "nothing unknown":
		if _, unknown := s["a_setting_of_tomorrow"]; unknown {
			return check, errors.New("what?")
		}
	case "repeats the token":
		check.Problems = append(check.Problems, crm.FieldProblem{Key: "token", Message: crm.Text{RU: "Не подходит: " + s.Get("token")}})
	case "one at a time":
		p.one.Lock()
		defer p.one.Unlock()
	case "prints":
		_, _ = syscall.Write(1, []byte("checking\n"))
	case "scribbles":
		_, _ = syscall.Write(2, []byte("checking\n"))
	}
	return check, nil
}

// CheckConnection implements crm.Plugin.
func (p *subject) CheckConnection(ctx context.Context, r crm.ConnectionRequest) (crm.ConnectionCheck, error) {
	if p.fault == "thief" {
		return p.steal(ctx)
	}
	ok := r.Settings.Get("portal") != "broken"
	switch p.fault {
	case "never connected":
		ok = false
	case "always connected":
		ok = true
	case "logs the token":
		slog.Info("checking", "address", "https://"+r.Settings.Get("token")+"@portal.example")
	}
	return crm.ConnectionCheck{Findings: []crm.Finding{{Code: "portal", OK: ok, Message: crm.Text{RU: "Портал."}}}}, nil
}

// ReadPeople implements crm.PeopleSource.
func (p *subject) ReadPeople(ctx context.Context, r crm.PeopleRequest, out crm.PeopleEvents) error {
	people := 5
	if n := r.Settings.Get("people"); n != "" && p.fault != "a few of many" {
		people, _ = strconv.Atoi(n)
	}
	if r.Settings.Get("portal") == "broken" {
		if p.fault == "a short list" {
			return nil
		}
		return crm.NewError(crm.CodePortalUnreachable, crm.Text{RU: "Портал не отвечает."}, nil)
	}
	for i := 1; i <= people; i++ {
		id := strconv.Itoa(i)
		person := crm.Person{ExternalID: id, Name: "Person " + id, Email: "p" + id + "@portal.example"}
		if p.fault == "people, one of them twice" {
			person.ExternalID = strconv.Itoa(max(i, 2))
		}
		if p.fault == "people with changing names" {
			person.Name = strconv.FormatInt(time.Now().UnixNano(), 10)
		}
		if err := out.Person(person); err != nil {
			return err
		}
		if i%1000 == 0 {
			if err := out.Progress(crm.Progress{Stage: crm.StageReading, Done: i}); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// SyncUsers implements crm.Plugin.
func (p *subject) SyncUsers(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
	if p.fault == "people and SyncUsers" {
		return crm.SyncResult{}, nil
	}
	if p.running.Add(1); p.fault == "shares" && p.running.Load() > 1 {
		return crm.SyncResult{}, errors.New("somebody else is at work")
	}
	defer p.running.Add(-1)
	p.mu.Lock()
	dsn := p.dsn.DSN
	p.mu.Unlock()
	db, err := usersync.OpenDB(dsn)
	if err != nil {
		return crm.SyncResult{}, err
	}
	defer db.Close()
	switch p.fault {
	case "shares":
		time.Sleep(200 * time.Millisecond)
	case "one at a time":
		p.one.Lock()
		defer p.one.Unlock()
	case "writes a preview":
		r.Mode = crm.ModeApply
	case "everybody for one":
		r.Mode, r.PersonID = crm.ModeApply, ""
	case "own fence":
		if err := db.QueryRowContext(ctx, "SELECT fence FROM crm_runs WHERE id = ?", r.RunID).Scan(&r.Fence); err != nil {
			return crm.SyncResult{}, err
		}
	case "deaf to cancel":
		go func() { // a handler that goes on although nobody waits
			<-ctx.Done()
			for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			}
		}()
	}
	engine := usersync.Engine{DB: db, Column: link}
	result, err := engine.Run(ctx, usersync.Request{Tenant: r.Tenant, Mode: r.Mode, PersonID: r.PersonID, RunID: r.RunID, Fence: r.Fence},
		&usersync.People{Plugin: p, Request: crm.PeopleRequest{Tenant: r.Tenant, Settings: r.Settings}, Events: events}, events)
	if err != nil {
		return result, err
	}
	switch p.fault {
	case "counts people nobody saw":
		result.Created++
		result.Fetched++
	case "renames others":
		_, err = db.ExecContext(ctx, "UPDATE users SET name = CONCAT(name, '!') WHERE tenant_id = 2")
	case "touches every row":
		_, err = db.ExecContext(ctx, "UPDATE users SET updated_at = NOW() + INTERVAL ? SECOND WHERE tenant_id = ?", r.RunID, r.Tenant.ID)
	}
	return result, err
}

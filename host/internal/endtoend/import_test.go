package endtoend

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/migrations/existing"
	"booking/shared/testdb"
)

// imported is one tenant of `crm import --json`.
type imported struct {
	Tenant        int
	Action        string
	Done, Enabled bool
	Portal        string
	Reason        string
}

// older is a world on the older server's database, with its key and a portal.
type older struct {
	*world
	portal *portal
	key    existing.Key
}

func newOlder(t *testing.T) *older {
	t.Helper()
	dsn := testdb.New(t)
	db := testdb.Open(t, dsn)
	existing.Create(t, db, existing.Current)
	o := &older{world: newWorldIn(t, dsn, t.TempDir()), portal: startPortal(t, "--people", "20"), key: existing.NewKey()}
	collected.secret("the older server's key", strings.TrimPrefix(o.key.String(), "base64:"))
	exec1(t, db, "DELETE FROM tenant_bitrix24_settings")
	o.must("", "plugins", "trust", pluginName)
	o.must("", "migrate", "up")
	o.narrowAccount("bitrix24_user_id") // it sees nothing of the older server's
	return o
}

// set is what an administrator does in the older server.
func (o *older) set(tenant int, enabled bool, webhook any) {
	o.t.Helper()
	exec1(o.t, o.db, "INSERT INTO tenant_bitrix24_settings (tenant_id, enabled, webhook_url, updated_at) VALUES (?, ?, ?, NOW())"+
		" ON DUPLICATE KEY UPDATE enabled = VALUES(enabled), webhook_url = VALUES(webhook_url)", tenant, enabled, webhook)
}

// imports runs the command, wants its exit status, and sees to it that nothing of the
// older server's has changed.
func (o *older) imports(status int, words ...string) []imported {
	o.t.Helper()
	before := o.theirs()
	r := o.exits(status, o.key.String()+"\n", append([]string{"crm", "import", "--plugin", pluginName, "--key-stdin", "--json"}, words...)...)
	if diff := cmp.Diff(before, o.theirs()); diff != "" {
		o.t.Fatalf("the import changed something of the older server's (-before +after):\n%s", diff)
	}
	var steps []imported
	if err := json.Unmarshal([]byte(r.stdout), &steps); err != nil {
		o.t.Fatalf("%v\n%s", err, r)
	}
	return steps
}

// theirs is everything that is the older server's.
func (o *older) theirs() existing.Snapshot {
	s := existing.Take(o.t, o.db, ours...)
	for name := range s {
		if strings.HasPrefix(name, "bun_") || strings.HasPrefix(name, "booking_") {
			delete(s, name)
		}
	}
	return s
}

func (o *older) want(got []imported, want ...imported) {
	o.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		o.t.Errorf("(-want +got):\n%s", diff)
	}
}

// Moving over: the command shows, applies, and can be repeated; what people change here
// is theirs from then on.
func TestMovingOverFromTheOlderServer(t *testing.T) {
	t.Parallel()
	o := newOlder(t)
	o.set(1, true, o.key.Seal(t, o.portal.webhook))
	o.set(2, false, o.key.Seal(t, fmt.Sprintf(`s:%d:"%s";`, len(o.portal.webhook), o.portal.webhook)))
	o.set(3, true, o.key.Seal(t, o.portal.webhook))
	o.set(4, true, o.key.Seal(t, o.portal.webhook))
	const portal = "127.0.0.1"
	blocked, gone := imported{Tenant: 3, Action: "skip", Enabled: true, Reason: "tenant_blocked"}, imported{Tenant: 4, Action: "skip", Enabled: true, Reason: "tenant_gone"}

	// Without --apply it is only a list.
	o.want(o.imports(0), imported{Tenant: 1, Action: "connect", Enabled: true, Portal: portal}, imported{Tenant: 2, Action: "connect", Portal: portal}, blocked, gone)
	if n := query(t, o.db, "SELECT COUNT(*) FROM crm_connections"); n[0] != "0" {
		t.Fatalf("%s connections after a look", n[0])
	}
	o.want(o.imports(0, "--apply"), imported{Tenant: 1, Action: "connect", Done: true, Enabled: true, Portal: portal},
		imported{Tenant: 2, Action: "connect", Done: true, Portal: portal}, blocked, gone)
	if shown := o.must("", "crm", "show", "--tenant", "2", "--json"); !strings.Contains(shown, `"enabled":false,"portal":"127.0.0.1","settings":{"webhook_url":"***"}`) {
		t.Error(shown)
	}
	if got := readOutcome(t, o.must("", "sync-users", "--tenant", "1", "--json")); got.Status != "succeeded" || got.Fetched != 20 {
		t.Errorf("%+v", got)
	}

	// Again: unchanged. A webhook that changes there follows, as long as nobody changed it here.
	o.want(o.imports(0, "--apply", "--tenant", "1"), imported{Tenant: 1, Action: "unchanged", Enabled: true, Portal: portal})
	second := startPortal(t, "--people", "5")
	o.set(1, false, o.key.Seal(t, second.webhook))
	o.want(o.imports(0, "--tenant", "1"), imported{Tenant: 1, Action: "replace", Portal: portal})
	o.want(o.imports(0, "--apply", "--tenant", "1"), imported{Tenant: 1, Action: "replace", Done: true, Portal: portal})
	o.must("", "crm", "connect", "--tenant", "1", "--enabled", "--set", "sync_phone=true")
	o.want(o.imports(0, "--apply", "--tenant", "1"), imported{Tenant: 1, Action: "keep", Portal: portal, Reason: "changed_here"})
	o.want(o.imports(0, "--apply", "--overwrite", "--tenant", "1"), imported{Tenant: 1, Action: "replace", Done: true, Portal: portal})
	// What the older server does not know stays.
	if shown := o.must("", "crm", "show", "--tenant", "1", "--json"); !strings.Contains(shown, `"enabled":false`) || !strings.Contains(shown, `"sync_phone":"true"`) {
		t.Error(shown)
	}
	if got := o.must("", "crm", "check", "--tenant", "1"); !strings.Contains(got, "Активных сотрудников: 5") {
		t.Error(got)
	}
}

// What cannot be taken over is named, tenant by tenant, and stops nobody else.
func TestMovingOverWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	o := newOlder(t)
	exec1(t, o.db, "INSERT INTO tenants (id, name) VALUES (5, 'E'), (6, 'F')")
	o.set(1, true, existing.NewKey().Seal(t, o.portal.webhook))
	o.set(2, true, o.key.Seal(t, o.portal.webhook))
	o.set(5, true, nil)
	o.set(6, true, o.key.Seal(t, "http://portal.bitrix24.ru/rest/1/abcdefgh/"))
	o.want(o.imports(1, "--apply"), imported{Tenant: 1, Action: "skip", Enabled: true, Reason: "wrong_key"},
		imported{Tenant: 2, Action: "connect", Done: true, Enabled: true, Portal: "127.0.0.1"},
		imported{Tenant: 5, Action: "skip", Reason: "no_settings"}, imported{Tenant: 6, Action: "skip", Enabled: true, Reason: "refused"})
	exec1(t, o.db, "UPDATE crm_secrets SET sealed = REVERSE(sealed)")
	o.want(o.imports(1, "--apply", "--tenant", "2"), imported{Tenant: 2, Action: "skip", Enabled: true, Portal: "127.0.0.1", Reason: "unreadable"})
	o.want(o.imports(0, "--tenant", "4"), imported{Tenant: 4, Action: "skip", Reason: "no_settings"})

	said := o.exits(1, o.key.String(), "crm", "import", "--plugin", pluginName, "--key-stdin").stdout
	for _, words := range []string{"КОМПАНИЯ", "APP_KEY", "https://", "Вебхук в старом сервере не задан", "пропущена"} {
		if !strings.Contains(said, words) {
			t.Errorf("%q is not in\n%s", words, said)
		}
	}
	for status, c := range map[string]struct {
		code  int
		stdin string
		words []string
	}{
		"APP_KEY":            {1, "base64:nonsense", []string{"--plugin", pluginName, "--key-stdin"}},
		"пусто":              {2, "", []string{"--plugin", pluginName, "--key-stdin"}},
		"не хватает ключей":  {2, o.key.String(), []string{"--plugin", pluginName}},
		"стандартного ввода": {2, o.key.String(), []string{"--plugin", pluginName, "--key-stdin=false"}},
		"Компании 77 нет":    {1, o.key.String(), []string{"--plugin", pluginName, "--key-stdin", "--tenant", "77"}},
		"nobody":             {1, o.key.String(), []string{"--plugin", "nobody", "--key-stdin"}},
	} {
		if r := o.exits(c.code, c.stdin, append([]string{"crm", "import"}, c.words...)...); !strings.Contains(r.stderr, status) {
			t.Errorf("%q is not in\n%s", status, r)
		}
	}
}

// A plugin without the capability is not asked; a database without the older server is
// named.
func TestMovingOverFromNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownPlugins()
	w.csv("people.csv", "id,email,name\n")
	key := existing.NewKey().String()
	if r := w.exits(1, key, "crm", "import", "--plugin", "csv", "--key-stdin"); !strings.Contains(r.stderr, "не умеет переносить") {
		t.Error(r)
	}
	w.must("", "plugins", "trust", pluginName)
	if r := w.exits(1, key, "crm", "import", "--plugin", pluginName, "--key-stdin"); !strings.Contains(r.stderr, "tenant_bitrix24_settings") {
		t.Error(r)
	}
}

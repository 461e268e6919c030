package endtoend

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hosted is a plugin as `plugins list --json` and `plugins reload --json` show it.
type hosted struct {
	Name  string
	State string
	Hosts []struct {
		Host, PID, Uses         int
		State, Version, Refused string
		Leaving                 []struct{ PID, Uses int }
	}
}

// Swap, end to end: tenant A on one CRM, tenant B on another; a reload while A's run
// is in the middle of writing; a broken new version; A moves to the other CRM and back.
func TestSwap(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.reset()
	plugins := b.ownPlugins()
	b.csv("people.csv", "id,email,name\n1,first@csv.example,First\n2,second@csv.example,Second\n")
	b.must("", "tenants", "add", "--name", "B")
	b.must("", "crm", "connect", "--tenant", "2", "--plugin", "csv", "--set", "file="+filepath.Join(b.dir, "people.csv"))

	nobody := b.exits(1, "", "plugins", "reload", pluginName)
	if strings.Count(nobody.stderr, "\n") != 1 || !strings.Contains(nobody.stderr, "booking-host serve") {
		t.Fatal(nobody)
	}
	// Held between two chunks: a transaction that is kept open for as long as all this
	// takes would hold up the lease, and B's newcomers behind its locks.
	held := stopAt(p, stop{chunk: 1, committed: true})
	serving := b.start("serve")
	b.must("", "sync-users", "--tenant", b.tenant, "--queue")
	b.reached(held, serving)
	before := b.list(pluginName).Hosts
	if len(before) != 1 || before[0].State != "ready" || before[0].Uses != 1 || before[0].Host != serving.cmd.Process.Pid {
		t.Fatalf("%+v", before)
	}

	// The reload: new calls go to the new process, the run stays with the old one.
	var reloaded hosted
	parse(t, b.must("", "plugins", "reload", pluginName, "--json"), &reloaded)
	after := reloaded.Hosts[0]
	if after.PID == before[0].PID || after.State != "ready" || len(after.Leaving) != 1 || after.Leaving[0].PID != before[0].PID || after.Leaving[0].Uses != 1 {
		t.Fatalf("%+v", reloaded)
	}
	b.must("", "sync-users", "--tenant", "2", "--queue")
	eventually(t, patience, "tenant B's run", func() bool { return b.lastStatus("2") == "succeeded" })

	// A broken new version is refused, and says why; what runs goes on.
	executable := filepath.Join(plugins, pluginName, pluginName)
	good := executable + ".good"
	must(t, os.Rename(executable, good))
	must(t, os.WriteFile(executable, []byte("#!/bin/sh\nexit 1\n"), 0o755))
	refused := b.exits(1, "", "plugins", "reload", pluginName)
	if strings.Count(refused.stderr, "\n") != 1 || !strings.Contains(refused.stderr, "booking-host plugins trust "+pluginName) {
		t.Fatal(refused)
	}
	if shown := b.list(pluginName); shown.State != "untrusted" || shown.Hosts[0].State != "ready" || shown.Hosts[0].PID != after.PID || shown.Hosts[0].Refused == "" {
		t.Fatalf("%+v", shown)
	}
	must(t, os.Rename(good, executable))

	held.GoOn()
	eventually(t, patience, "tenant A's run to end", func() bool { return b.lastStatus(b.tenant) != "running" })
	if status := b.lastStatus(b.tenant); status != "partial" {
		t.Fatalf("tenant A's run is %s", status)
	}
	gone(t, before[0].PID, patience)
	for _, table := range []string{"users", "crm_changes"} {
		exec1(t, b.db, "DELETE FROM "+table+" WHERE tenant_id = 2")
	}
	b.mustEqual(b.want, "reloaded in the middle")
	b.movesAndComesBack()

	serving.signal(syscall.SIGTERM)
	if r := serving.wait(); r.code != 0 {
		t.Fatal(r)
	}
	if left, _ := filepath.Glob(filepath.Join(b.env["BOOKING_DATA_DIR"], "control-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// movesAndComesBack: links of the first CRM stay in its column and are never taken for
// the other's; back again they are as good as before, with the same portal only.
func (b *big) movesAndComesBack() {
	b.t.Helper()
	links := func(column string) string {
		return query(b.t, b.db, "SELECT COUNT(*), COALESCE(SUM(CRC32(CONCAT(id, ':', "+column+"))), 0) FROM users WHERE tenant_id = ? AND "+column+" <> ''", b.tenant)[0]
	}
	before := links("bitrix24_user_id")
	b.must("", "crm", "connect", "--tenant", b.tenant, "--plugin", "csv", "--set", "file="+filepath.Join(b.dir, "people.csv"))
	if o := readOutcome(b.t, b.must("", "sync-users", "--tenant", b.tenant, "--json")); o.Created != 2 || o.Fetched != 2 {
		b.t.Fatalf("from the table: %+v", o)
	}
	if now := links("bitrix24_user_id"); now != before || !strings.HasPrefix(links("csv_user_id"), "2\t") {
		b.t.Fatalf("links were %q, are %q; of the table %q", before, now, links("csv_user_id"))
	}
	other := startPortal(b.t, "--people", "5")
	b.must(strings.Replace(other.webhook, "127.0.0.1", "localhost", 1), "crm", "connect", "--tenant", b.tenant, "--plugin", pluginName, "--secret", "webhook_url")
	if o := readOutcome(b.t, b.exits(1, "", "sync-users", "--tenant", b.tenant, "--json").stdout); o.Error.Code != "portal_changed" {
		b.t.Fatalf("links of the first portal are taken for those of another: %+v", o)
	}
	b.must("", "crm", "connect", "--tenant", b.tenant, "--plugin", "csv", "--set", "file="+filepath.Join(b.dir, "people.csv"))
	b.must(b.portal.webhook, "crm", "connect", "--tenant", b.tenant, "--plugin", pluginName, "--secret", "webhook_url")
	if o := readOutcome(b.t, b.must("", "sync-users", "--tenant", b.tenant, "--json")); o.Created != 0 || o.Updated != 0 {
		b.t.Fatalf("back again: %+v", o)
	}
	if now := links("bitrix24_user_id"); now != before {
		b.t.Fatalf("links were %q, are %q", before, now)
	}
}

// ownPlugins is a plugin folder of this world's own.
func (w *world) ownPlugins() string {
	w.t.Helper()
	dir := filepath.Join(w.dir, "plugins")
	must(w.t, copyPlugins(dir))
	w.env["BOOKING_PLUGIN_DIR"] = dir
	return dir
}

// csv builds and trusts the CSV plugin, and writes its table.
func (w *world) csv(name, content string) {
	w.t.Helper()
	folder := filepath.Join(w.env["BOOKING_PLUGIN_DIR"], "csv")
	must(w.t, os.MkdirAll(folder, 0o755))
	executable := filepath.Join(folder, "csv")
	build := exec.Command("go", "build", "-trimpath", "-o", executable, "booking/shared/crmtest/csvplugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	manifest, err := exec.Command(executable, "manifest").Output()
	must(w.t, err)
	must(w.t, os.WriteFile(filepath.Join(folder, "plugin.json"), manifest, 0o644))
	for path, mode := range map[string]os.FileMode{folder: 0o755, executable: 0o755, filepath.Join(folder, "plugin.json"): 0o644} {
		must(w.t, os.Chmod(path, mode))
	}
	w.must("", "plugins", "trust", "csv")
	w.file(name, content)
}

func (w *world) list(name string) hosted {
	w.t.Helper()
	var all []hosted
	parse(w.t, w.must("", "plugins", "list", "--json"), &all)
	for _, one := range all {
		if one.Name == name {
			return one
		}
	}
	w.t.Fatalf("no plugin %s in %+v", name, all)
	return hosted{}
}

// lastStatus is that of the tenant's last run.
func (w *world) lastStatus(tenant string) string {
	w.t.Helper()
	rows := query(w.t, w.db, fmt.Sprintf("SELECT status FROM crm_runs WHERE tenant_id = %s ORDER BY id DESC LIMIT 1", tenant))
	if len(rows) == 0 {
		return ""
	}
	return rows[0]
}

func parse(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

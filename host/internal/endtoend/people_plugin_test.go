package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A plugin without a database (capability people): the host runs the engine for it,
// with the same preview, history and rules, and adds its column.
func TestAPluginWithoutADatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownPlugins()
	const table = "id;email;name;phone;position\n7;ivan@x.example;Иван;+7 900;врач\n8;anna@x.example;Анна;;\n9;;Без адреса;;\n"
	w.csv("people.csv", table)
	file := filepath.Join(w.dir, "people.csv")

	// migrate up is one of the three moments at which the column comes.
	if said := w.must("", "migrate", "up"); !strings.Contains(said, "csv_user_id_users_link") {
		t.Fatal(said)
	}
	w.must("", "tenants", "add", "--name", "Ромашка")
	if r := w.exits(2, "", "crm", "connect", "--tenant", "1", "--plugin", "csv", "--set", "file=people.csv"); !strings.Contains(r.stderr, "/srv/people.csv") {
		t.Fatal(r)
	}
	w.must("", "crm", "connect", "--tenant", "1", "--plugin", "csv", "--set", "file="+file)
	if said := w.must("", "crm", "check", "--tenant", "1"); !strings.Contains(said, "Прочитано сотрудников: 3, из них с адресом почты: 2.") {
		t.Fatal(said)
	}

	sync := func(want outcome, args ...string) {
		t.Helper()
		got := readOutcome(t, w.must("", append([]string{"sync-users", "--tenant", "1", "--json"}, args...)...))
		want.Run, want.Tenant = got.Run, 1
		if got != want {
			t.Fatalf("%v: %+v, want %+v", args, got, want)
		}
	}
	people := func() string {
		return strings.Join(query(t, w.db, "SELECT csv_user_id, name, email, phone, position, role FROM users ORDER BY csv_user_id"), "\n")
	}
	sync(outcome{Status: "succeeded", Mode: "preview", Fetched: 3, Synced: 2, Created: 2, Skipped: 1}, "--preview")
	if people() != "" {
		t.Fatal("a preview wrote", people())
	}
	sync(outcome{Status: "succeeded", Mode: "apply", Fetched: 3, Synced: 2, Created: 2, Skipped: 1})
	want := "7\tИван\tivan@x.example\t+7 900\tврач\temployee\n8\tАнна\tanna@x.example\tNULL\tNULL\temployee"
	if people() != want {
		t.Fatalf("%s", people())
	}
	sync(outcome{Status: "succeeded", Mode: "apply", Fetched: 3, Synced: 2, Unchanged: 2, Skipped: 1})
	w.file("people.csv", strings.Replace(table, "Анна", "Анна Вторая", 1))
	sync(outcome{Status: "succeeded", Mode: "apply", Fetched: 3, Synced: 2, Updated: 1, Unchanged: 1, Skipped: 1})
	if history := w.must("", "runs", "show", "4"); !strings.Contains(history, "name: Анна → Анна Вторая") {
		t.Fatal(history)
	}

	// A line that cannot be read fails the reading: nobody changes.
	before := people()
	w.file("people.csv", table+"10;x@x.example\n")
	failed := readOutcome(t, w.exits(1, "", "sync-users", "--tenant", "1", "--json").stdout)
	if failed.Error.Code != "portal_answer" || !strings.Contains(failed.Error.Message, "Строка 5") || people() != before {
		t.Fatalf("%+v\n%s", failed, people())
	}
	must(t, os.Remove(file))
	if failed := readOutcome(t, w.exits(1, "", "sync-users", "--tenant", "1", "--json").stdout); failed.Error.Code != "portal_unreachable" {
		t.Fatalf("%+v", failed)
	}
}

// A plugin in another language, in the host as it is: one executable file, trusted by
// its hash, spoken to by mutual TLS.
func TestAPluginInPython(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["BOOKING_PLUGIN_DIR"] = filepath.Join(w.dir, "plugins")
	folder := filepath.Join(w.dir, "plugins", "jsondir")
	if out, err := exec.Command("bash", "../../../.ci/pyplugin", folder).CombinedOutput(); err != nil {
		t.Fatalf("build it (make test installs what it needs: .ci/install python): %v\n%s", err, out)
	}
	for path, mode := range map[string]os.FileMode{filepath.Dir(folder): 0o755, folder: 0o755, filepath.Join(folder, "jsondir"): 0o755, filepath.Join(folder, "plugin.json"): 0o644} {
		must(t, os.Chmod(path, mode))
	}
	const token = "t0kenT0kenT0ken"
	collected.secret("token", token)
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "Bearer "+token {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		var list []map[string]any
		for i := 1; i <= 1200; i++ { // more than a batch
			list = append(list, map[string]any{"id": i, "email": fmt.Sprintf("p%d@x.example", i), "name": fmt.Sprintf("Человек %d", i)})
		}
		_ = json.NewEncoder(rw).Encode(list)
	}))
	t.Cleanup(server.Close)
	w.env["BOOKING_HTTP_PORTALS"] = strings.TrimPrefix(server.URL, "http://")

	w.must("", "plugins", "trust", "jsondir")
	w.must("", "tenants", "add", "--name", "Ромашка")
	w.must(token, "crm", "connect", "--tenant", "1", "--plugin", "jsondir", "--set", "url="+server.URL+"/people", "--secret", "token")
	if said := w.must("", "crm", "check", "--tenant", "1"); !strings.Contains(said, "Сотрудников: 1200.") {
		t.Fatal(said)
	}
	for _, want := range []outcome{{Created: 1200}, {Unchanged: 1200}} {
		if got := readOutcome(t, w.must("", "sync-users", "--tenant", "1", "--json")); got.Created != want.Created || got.Unchanged != want.Unchanged || got.Fetched != 1200 {
			t.Fatalf("%+v", got)
		}
	}
	w.must("wrong"+token, "crm", "connect", "--tenant", "1", "--secret", "token")
	if failed := readOutcome(t, w.exits(1, "", "sync-users", "--tenant", "1", "--json").stdout); failed.Error.Code != "unauthorized" {
		t.Fatalf("%+v", failed)
	}
	if requests.Load() == 0 {
		t.Error("nobody asked the directory")
	}
}

// `plugins check` is for authors: no database of the host is touched, and what it
// prints can be read.
func TestPluginsCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownPlugins()
	w.csv("people.csv", "id,email,name\n1,a@x.example,A\n2,b@x.example,B\n")
	file := "file=" + filepath.Join(w.dir, "people.csv")
	if said := w.must("", "plugins", "check", "csv", "--settings", file); !strings.Contains(said, "✅ run_again: ") || !strings.Contains(said, "➖ migrate: ") ||
		!strings.Contains(said, "⚠️ run_many: ") || !strings.Contains(said, "не пройдено 0") {
		t.Fatal(said)
	}
	if tables := query(t, w.db, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"); tables[0] != "0" {
		t.Errorf("the host's database has %s tables", tables[0])
	}
	var report struct {
		OK     bool
		Checks []struct{ Name, Status, Reason, Mend string }
	}
	parse(t, w.exits(1, "", "plugins", "check", "csv", "--settings", "file=relative.csv", "--only", "settings_good,connection_good", "--json").stdout, &report)
	if report.OK || len(report.Checks) != 2 || report.Checks[0].Status != "failed" || report.Checks[0].Reason == "" || report.Checks[0].Mend == "" {
		t.Errorf("%+v", report)
	}
	w.exits(2, "", "plugins", "check", "csv", "--only", "everything")
	w.exits(2, "", "plugins", "check", "csv", "--settings", "file")
	// The simulated portal of a plugin that brings one along stands in for settings; a
	// secret is no argument.
	w.must("", "plugins", "trust", pluginName)
	if said := w.must("", "plugins", "check", pluginName, "--only", "run,run_broken,secrets"); strings.Count(said, "✅") != 3 {
		t.Fatal(said)
	}
	if r := w.exits(2, "", "plugins", "check", pluginName, "--settings", "webhook_url=https://x.example/rest/1/x/"); !strings.Contains(r.stderr, "--secret webhook_url") {
		t.Fatal(r)
	}
}

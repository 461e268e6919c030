package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// eventAddress makes the tenant's address for events and registers its secret: it may
// stand in no log. (What the command itself prints is the one place where it must.)
func (w *world) eventAddress(tenant string) string {
	w.t.Helper()
	stdout, stderr, code, err := runToEnd(w.command("crm", "events", "renew", "--tenant", tenant, "--json"))
	var made struct{ Address string }
	if err != nil || code != 0 || json.Unmarshal([]byte(stdout), &made) != nil {
		w.t.Fatalf("%d %v %s", code, err, stderr)
	}
	collected.secret("an address for events", made.Address[strings.LastIndex(made.Address, "/")+1:])
	return made.Address
}

// event lets the portal send one, and returns how it was answered.
func (p *portal) event(order map[string]any) int {
	p.t.Helper()
	body, err := json.Marshal(order)
	if err != nil {
		p.t.Fatal(err)
	}
	var answered struct{ Status int }
	if err := json.Unmarshal([]byte(p.ask("POST", "/events", string(body))), &answered); err != nil {
		p.t.Fatal(err)
	}
	return answered.Status
}

// ready is a world that serves, with a tenant without a schedule whose portal may tell of people.
func readyForEvents(t *testing.T) (w *world, p *portal, tenant, address string) {
	t.Helper()
	w, p = newWorld(t), startPortal(t, "--people", "20")
	tenant = w.connected(p)
	w.must("", "schedule", "off", "--tenant", tenant)
	w.must(p.eventToken, "crm", "connect", "--tenant", tenant, "--secret", "event_token")
	w.serveOn(nil)
	return w, p, tenant, w.eventAddress(tenant)
}

// Somebody joins: the portal tells, and the person is there, without a schedule and
// without anybody who presses a button.
func TestWhoJoinsIsBookableWhenThePortalTells(t *testing.T) {
	t.Parallel()
	w, p, tenant, address := readyForEvents(t)
	p.ask("POST", "/people", `[{"id":7001,"name":"Вера","email":"vera@example.com"},{"id":7002,"name":"Пётр","email":"petr@example.com"}]`)
	began := time.Now()
	if status := p.event(map[string]any{"to": address, "id": 7001}); status != http.StatusNoContent {
		t.Fatalf("answered with %d", status)
	}
	eventually(t, patience, "Vera", func() bool {
		return len(query(t, w.db, "SELECT id FROM users WHERE email = 'vera@example.com' AND is_active = 1 AND role = 'employee'")) == 1
	})
	t.Logf("bookable after %s", time.Since(began).Round(time.Millisecond))
	eventually(t, patience, "the run's end", func() bool {
		return strings.Join(query(t, w.db, "SELECT mode, person_id, started_by, status, created FROM crm_runs"), "|") == "person\t7001\tevent\tsucceeded\t1"
	})
	if n := len(query(t, w.db, "SELECT id FROM users WHERE bitrix24_user_id IS NOT NULL")); n != 1 {
		t.Errorf("%d people: the run was for one", n)
	}
	// What the message itself says of a person goes nowhere, and who forges it starts nothing.
	for name, order := range map[string]map[string]any{
		"another token":  {"to": address, "id": 7002, "token": "forged"},
		"another portal": {"to": address, "id": 7002, "domain": "evil.example"},
		"no address":     {"to": address[:len(address)-1] + "9", "id": 7002},
		"cut off":        {"to": address[:len(address)-1], "id": 7002},
	} {
		if status := p.event(order); status != http.StatusNotFound {
			t.Errorf("%s: answered with %d", name, status)
		}
	}
	shown := readObject(t, w.must("", "crm", "events", "show", "--tenant", tenant, "--json"))
	if shown["on"] != true || shown["heard_at"] == nil || shown["refused"] != "another_portal" && shown["refused"] != "wrong_proof" {
		t.Errorf("%v", shown)
	}
	w.must("", "crm", "connect", "--tenant", tenant, "--disabled")
	if status := p.event(map[string]any{"to": address, "id": 7002}); status != http.StatusNoContent {
		t.Errorf("paused: answered with %d", status)
	}
	w.must("", "crm", "connect", "--tenant", tenant, "--enabled")
	w.must("", "crm", "events", "off", "--tenant", tenant)
	if status := p.event(map[string]any{"to": address, "id": 7002}); status != http.StatusNotFound {
		t.Errorf("switched off: answered with %d", status)
	}
	if runs := query(t, w.db, "SELECT id FROM crm_runs"); len(runs) != 1 {
		t.Errorf("%d runs", len(runs))
	}
	if got := query(t, w.db, "SELECT action FROM booking_audit ORDER BY id"); strings.Join(got, " ") != "events_on events_off" {
		t.Errorf("audit: %v", got)
	}
}

// Somebody imports hundreds of people into the portal: a handful of runs, and everybody is there.
func TestABulkImportInThePortalIsAHandfulOfRuns(t *testing.T) {
	t.Parallel()
	w, p, _, address := readyForEvents(t)
	const people = 300
	var hired []map[string]any
	for i := range people {
		hired = append(hired, map[string]any{"id": 8000 + i, "name": fmt.Sprintf("Person %d", i), "email": fmt.Sprintf("p%d@import.example", i)})
	}
	body, err := json.Marshal(hired)
	if err != nil {
		t.Fatal(err)
	}
	p.ask("POST", "/people", string(body))
	var sending sync.WaitGroup
	next := make(chan int)
	for range 8 {
		sending.Go(func() {
			for i := range next {
				answer, err := http.PostForm(address, url.Values{"event": {"ONUSERADD"}, "data[ID]": {fmt.Sprint(8000 + i)},
					"auth[application_token]": {p.eventToken}, "auth[domain]": {p.host}})
				if err != nil || answer.StatusCode != http.StatusNoContent {
					t.Errorf("event %d: %v %v", i, answer, err)
					continue
				}
				answer.Body.Close()
			}
		})
	}
	for i := range people {
		next <- i
	}
	close(next)
	sending.Wait()
	// Nobody waits for the run that gathers them here.
	exec1(t, w.db, "UPDATE crm_runs SET not_before = UTC_TIMESTAMP(6) WHERE mode = 'apply'")
	eventually(t, patience, "all of them", func() bool {
		return len(query(t, w.db, "SELECT id FROM users WHERE email LIKE 'p%@import.example'")) == people
	})
	eventually(t, patience, "the runs to end", func() bool {
		return len(query(t, w.db, "SELECT id FROM crm_runs WHERE status IN ('queued', 'waiting', 'running')")) == 0
	})
	counts := strings.Join(query(t, w.db, "SELECT mode, started_by, COUNT(*) FROM crm_runs GROUP BY mode, started_by ORDER BY mode"), "|")
	var single, all int
	if _, err := fmt.Sscanf(counts, "apply\tevent\t%d|person\tevent\t%d", &all, &single); err != nil || all > 2 || single > 20 {
		t.Errorf("runs for %d people: %q", people, counts)
	}
}

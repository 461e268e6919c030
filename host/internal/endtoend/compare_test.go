package endtoend

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/testdb/proxy"
)

// outcomeTables are what a run leaves behind, without ids, times and passwords.
type outcomeTables struct {
	Users   []string
	History []string
	// Counts of people that must have happened exactly once.
	CreatedTwice []string
}

// left reads them. Whatever several runs together left must equal what one
// undisturbed run leaves.
func (w *world) left() outcomeTables {
	w.t.Helper()
	return outcomeTables{
		Users: query(w.t, w.db, `SELECT tenant_id, name, email, bitrix24_user_id, phone, position, role, is_active, LEFT(password, 4), LENGTH(password) FROM users ORDER BY BINARY email`),
		// A person who is left out by every run stands in the history of each of them.
		History: sortedKeys(query(w.t, w.db, `SELECT DISTINCT h.tenant_id, h.external_id, h.action, h.reason, h.field, h.other_external_id, h.name, h.email, h.before_values, h.after_values, u.email
			FROM crm_changes h LEFT JOIN users u ON u.id = h.user_id ORDER BY 2, 3, 4, 5, 6, 7, 8, 9, 10`)),
		CreatedTwice: query(w.t, w.db, `SELECT external_id, COUNT(*) FROM crm_changes WHERE action = 'created' GROUP BY tenant_id, external_id HAVING COUNT(*) > 1`),
	}
}

// sortedKeys writes the JSON in lines with its keys in order: each release has its own.
func sortedKeys(lines []string) []string {
	for i, line := range lines {
		fields := strings.Split(line, "\t")
		for j, field := range fields {
			var object map[string]any
			if strings.HasPrefix(field, "{") && json.Unmarshal([]byte(field), &object) == nil {
				sorted, _ := json.Marshal(object)
				fields[j] = string(sorted)
			}
		}
		lines[i] = strings.Join(fields, "\t")
	}
	return lines
}

func (w *world) mustEqual(want outcomeTables, when string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.left()); diff != "" {
		w.t.Fatalf("%s: the tables differ from those of an undisturbed run (-want +got):\n%.4000s", when, diff)
	}
}

// big is a portal and an installation in which a run has several chunks and meets
// everything: newcomers, people to link by address, oddities of every sort.
type big struct {
	*world
	portal *portal
	tenant string
	// chunks of an undisturbed run, and what it leaves.
	chunks int
	want   outcomeTables
	people []struct {
		ID    int64
		Name  string
		Email string
	}
}

// bigPeople make four chunks.
const bigPeople = "3200"

// newBig makes the installation and lets one run go undisturbed, through the proxy.
func newBig(t *testing.T) (*big, *proxy.Proxy) {
	t.Helper()
	b := &big{world: newWorld(t), portal: startPortal(t, "--people", bigPeople, "--oddities", "0.1")}
	b.tenant = b.connected(b.portal)
	b.narrowAccount("bitrix24_user_id")
	p := proxy.New(t, b.dsn)
	b.env["BOOKING_PLUGIN_DSN_FILE"] = b.file("secret/plugin-dsn", p.Through(b.narrow))
	// Through TCP the same account comes from another host.
	if err := json.Unmarshal([]byte(b.portal.ask("GET", "/people", "")), &b.people); err != nil {
		t.Fatal(err)
	}
	b.reset()
	chunks := p.Rule(chunkCommit, proxy.Pass)
	first := readOutcome(t, b.must("", "sync-users", "--tenant", b.tenant, "--json"))
	if first.Status != "partial" || first.Created == 0 || first.Updated == 0 || first.Conflicts == 0 || first.Skipped == 0 {
		t.Fatalf("the undisturbed run does not meet everything: %+v", first)
	}
	if b.chunks = chunks.Count(); b.chunks < 3 {
		t.Fatalf("only %d chunks: these tests want several", b.chunks)
	}
	b.want = b.left()
	return b, p
}

// reset brings the database back to the time before any run: only some local people,
// who will be matched by their addresses.
func (b *big) reset() {
	b.t.Helper()
	for _, statement := range []string{"DELETE FROM crm_changes", "DELETE FROM crm_runs", "DELETE FROM users"} {
		exec1(b.t, b.db, statement)
	}
	var rows []string
	taken := map[string]bool{}
	for i, person := range b.people {
		address := strings.ToLower(strings.TrimSpace(person.Email))
		if i%7 != 0 || address == "" || taken[address] {
			continue
		}
		taken[address] = true
		rows = append(rows, fmt.Sprintf("(%s, 'Local %d', '%s', '$2y$12$local', 'manager', 1)", b.tenant, person.ID, address))
	}
	exec1(b.t, b.db, "INSERT INTO users (tenant_id, name, email, password, role, is_active) VALUES "+strings.Join(rows, ", "))
}

// boundaries are all places at which a run can be stopped.
func (b *big) boundaries() []stop {
	var all []stop
	for chunk := 1; chunk <= b.chunks; chunk++ {
		all = append(all, stop{chunk, false}, stop{chunk, true})
	}
	return all
}

// lastRun is the status and code of the tenant's last run but n.
func (w *world) runStatus(id int64) string {
	w.t.Helper()
	return strings.Join(query(w.t, w.db, "SELECT status, error_code FROM crm_runs WHERE id = ?", id), "")
}

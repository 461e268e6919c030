//go:build chaos || cluster

package chaos

import (
	"slices"
	"strings"
)

// tables are what a round has left, without what no two rounds have in common: numbers
// given by the database, times, passwords, which host did it and in how many attempts.
type tables map[string][]string

// compared is how each table is read. A table that is not here must have as many rows as
// after an undisturbed round. Those of unlike are as a round's disturbances make them, or
// are mail's, which is a queue of its own that nobody waits for here.
var compared = map[string]string{
	"tenants":           "SELECT id, name FROM tenants",
	"users":             "SELECT tenant_id, name, email, bitrix24_user_id, phone, position, role, is_active, password LIKE '$2y$%' AND LENGTH(password) = 60 FROM users",
	"crm_connections":   "SELECT tenant_id, plugin, enabled, portal, links_portal, settings FROM crm_connections",
	"crm_secrets":       "SELECT tenant_id, plugin, field, HEX(sealed) FROM crm_secrets",
	"crm_schedules":     "SELECT tenant_id, rule, zone, quiet, enabled, revision, slot_at, next_at FROM crm_schedules",
	"crm_slots":         "SELECT tenant_id, task, slot_at FROM crm_slots",
	"crm_tenant_health": "SELECT tenant_id, IF(status = 'cancelled', 'succeeded', status), error_code, failures, success_at IS NOT NULL, held, conflicts, skipped FROM crm_tenant_health",
	// (A retry that a good run has made needless is cancelled.)
	// What is not settled is recorded by each run anew, what is done by one alone.
	"crm_changes": `SELECT tenant_id, external_id, action, reason, field, other_external_id, name, email, before_values, after_values,
		IF(action IN ('created', 'updated'), COUNT(*), 1) FROM crm_changes GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10`,
}

var unlike = []string{
	"crm_runs", "crm_run_attempts", "crm_run_progress", "chaos_notes", "chaos_turns", "chaos_claims",
	"booking_mails", "booking_mail_queue", "booking_notices", "booking_first_run_codes",
}

// tables reads them.
func (r *round) tables() tables {
	r.t.Helper()
	all := tables{}
	for _, table := range r.query("SELECT table_name FROM information_schema.tables WHERE table_schema = '" + r.database + "'") {
		if slices.Contains(unlike, table) {
			continue
		}
		statement := compared[table]
		if statement == "" {
			statement = "SELECT COUNT(*) FROM " + table
		}
		all[table] = r.query(statement)
		slices.Sort(all[table])
	}
	return all
}

// checkTables: they are as after an undisturbed round.
func (r *round) checkTables() {
	r.t.Helper()
	for table, got := range r.tables() {
		if want := r.want[table]; !slices.Equal(got, want) {
			r.t.Errorf("%s differs from an undisturbed round's: %d rows, want %d\nonly here:\n%s\nonly there:\n%s", table, len(got), len(want), without(got, want), without(want, got))
		}
	}
	r.none("changes of nobody", `SELECT c.id, c.tenant_id, c.user_id FROM crm_changes AS c LEFT JOIN users AS u ON u.id = c.user_id AND u.tenant_id = c.tenant_id
		WHERE c.user_id IS NOT NULL AND u.id IS NULL`)
}

// without are the first lines of one that the other has not.
func without(one, other []string) string {
	var only []string
	for _, line := range one {
		if _, found := slices.BinarySearch(other, line); !found {
			only = append(only, line)
		}
	}
	return strings.Join(only[:min(len(only), 10)], "\n")
}

package usersync

import (
	"fmt"
	"strings"
)

// Grants returns the statements that give a plugin's account exactly what the
// engine needs and nothing else: it can read no password and no token, and can
// change no password, role or activity. Account is written as in CREATE USER, for
// example 'booking_plugin'@'localhost', and must exist; so must the tables. The
// statements are the same for MySQL and MariaDB.
func Grants(account, database, column string) []string {
	table := func(name string) string { return quoted(database) + "." + quoted(name) + " TO " + account }
	return []string{
		fmt.Sprintf("GRANT SELECT (%s), INSERT (%s), UPDATE (%s) ON %s",
			list("id", "tenant_id", "name", "email", column, "role", "phone", "position"),
			list("tenant_id", "name", "email", column, "phone", "position", "password", "role", "is_active", "created_at", "updated_at"),
			list("name", "email", column, "phone", "position", "updated_at"),
			table("users")),
		fmt.Sprintf("GRANT SELECT (%s), UPDATE (%s) ON %s",
			list("id", "tenant_id", "status", "fence", "chunks"), list("chunks"), table("crm_runs")),
		fmt.Sprintf("GRANT INSERT ON %s", table("crm_changes")),
	}
}

func list(columns ...string) string {
	for i := range columns {
		columns[i] = quoted(columns[i])
	}
	return strings.Join(columns, ", ")
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

package existing

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// Create makes the tables of the form in an empty database and fills them.
func Create(t testing.TB, db *sql.DB, form Form) {
	t.Helper()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close() }()
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := conn.ExecContext(context.Background(), statement, args...); err != nil {
			t.Fatalf("make the existing server's form %q: %v\n%s", form.Name, err, statement)
		}
	}
	// That server's connection is as strict as Laravel's, but not in the years of zero dates.
	mode := "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"
	var before string
	if err := conn.QueryRowContext(context.Background(), "SELECT @@SESSION.sql_mode").Scan(&before); err != nil {
		t.Fatal(err)
	}
	run("SET SESSION sql_mode = '" + mode + "'")
	words := form.words(t, conn)
	run(words.Replace(tenantsTable + form.options()))
	run(words.Replace(form.usersTable() + form.options()))
	for _, table := range otherTables {
		run(words.Replace(table + form.options()))
	}
	form.fill(run)
	run("SET SESSION sql_mode = '" + before + "'")
}

const tenantsTable = "CREATE TABLE `tenants` (`id` bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, `name` varchar(255) NOT NULL," +
	" `bitrix24_domain` varchar(255) NULL, `bitrix24_member_id` varchar(255) NULL, `domain` varchar(255) NULL, `database` varchar(255) NULL," +
	" `subscription_status` enum('trial', 'active', 'blocked') NOT NULL DEFAULT 'trial', `trial_ends_at` timestamp NULL, `subscription_ends_at` timestamp NULL," +
	" `settings` json NULL, `created_at` timestamp NULL, `updated_at` timestamp NULL, `deleted_at` timestamp NULL," +
	" UNIQUE `tenants_bitrix24_domain_unique` (`bitrix24_domain`), UNIQUE `tenants_domain_unique` (`domain`)) "

func (f Form) usersTable() string {
	created := "`created_at` timestamp NULL"
	if f.ZeroDates {
		created = "`created_at` timestamp NOT NULL DEFAULT '0000-00-00 00:00:00'"
	}
	lines := []string{
		"`id` bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY", "`tenant_id` bigint unsigned NULL", "`name` varchar(255) NOT NULL", "`email` varchar(255) NOT NULL",
		column("bitrix24_user_id", f.Link), column("phone", f.Phone), column("position", f.Position),
		"`email_verified_at` timestamp NULL", "`password` varchar(255) NOT NULL",
		"`role` enum('super_admin', 'admin', 'manager', 'employee') NOT NULL DEFAULT 'employee'", "`is_active` tinyint(1) NOT NULL DEFAULT '1'",
		"`working_hours` json NULL", "`custom_schedules` json NULL", "`remember_token` varchar(100) NULL", created, "`updated_at` timestamp NULL",
		"UNIQUE `users_email_unique` (`email`)", f.Index,
		"CONSTRAINT `users_tenant_id_foreign` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON DELETE CASCADE",
	}
	var given []string
	for _, line := range lines {
		if line != "" {
			given = append(given, line)
		}
	}
	return "CREATE TABLE `users` (" + strings.Join(given, ", ") + ") "
}

func column(name, definition string) string {
	if definition == "" {
		return ""
	}
	return fmt.Sprintf("`%s` %s", name, definition)
}

// otherTables are the rest of that server's, as stand-ins: only their names and their
// rows matter here.
var otherTables = []string{
	"CREATE TABLE `migrations` (`id` int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, `migration` varchar(255) NOT NULL, `batch` int NOT NULL) ",
	"CREATE TABLE `sessions` (`id` varchar(120) NOT NULL PRIMARY KEY, `user_id` bigint unsigned NULL, `payload` longtext NOT NULL, `last_activity` int NOT NULL) ",
	"CREATE TABLE `jobs` (`id` bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, `queue` varchar(120) NOT NULL, `payload` longtext NOT NULL) ",
	"CREATE TABLE `tenant_bitrix24_settings` (`id` bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, `tenant_id` bigint unsigned NOT NULL, `enabled` tinyint(1) NOT NULL DEFAULT '0'," +
		" `webhook_url` text NULL, `created_at` timestamp NULL, `updated_at` timestamp NULL, UNIQUE `tenant_bitrix24_settings_tenant_id_unique` (`tenant_id`)," +
		" CONSTRAINT `tenant_bitrix24_settings_tenant_id_foreign` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON DELETE CASCADE) ",
	"CREATE TABLE `bookings` (`id` bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, `user_id` bigint unsigned NULL, `starts_at` datetime NOT NULL," +
		" CONSTRAINT `bookings_user_id_foreign` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE SET NULL) ",
}

func (f Form) options() string {
	options := f.Options
	if options == "" {
		options = "DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
	}
	if f.Compact {
		options += " ROW_FORMAT=COMPACT"
	}
	return options + " ENGINE=InnoDB"
}

// words puts the server's own words for those that stand for them.
func (f Form) words(t testing.TB, conn *sql.Conn) *strings.Replacer {
	t.Helper()
	var version string
	if err := conn.QueryRowContext(context.Background(), "SELECT VERSION()").Scan(&version); err != nil {
		t.Fatalf("ask the version: %v", err)
	}
	words := []string{"NEWEST", "utf8mb4_0900_ai_ci", "HIDDEN", "INVISIBLE"}
	if strings.Contains(version, "MariaDB") {
		words = []string{"NEWEST", "utf8mb4_uca1400_ai_ci", "HIDDEN", "IGNORED"}
	}
	if f.Compact {
		words = append(words, " varchar(255)", " varchar(191)")
	}
	return strings.NewReplacer(words...)
}

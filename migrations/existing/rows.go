package existing

import (
	"fmt"
	"strings"
)

// The tenants of every form.
const (
	// TenantA is the one with most people.
	TenantA = 1
	// TenantB is another active one.
	TenantB = 2
	// TenantBlocked has its subscription blocked.
	TenantBlocked = 3
	// TenantDeleted is soft-deleted.
	TenantDeleted = 4
)

type user struct {
	tenant      any // nil for a super administrator
	name, email string
	role        string
	link        any
	phone       any
	active      int
	hours       any
}

// users get the ids 1, 2, 3 ... in this order. Every value is storable in latin1, so
// that all forms hold the same people; the JSON, which never is, holds the rest.
var users = []user{
	{nil, "Super", "root@example.test", "super_admin", nil, nil, 1, nil},
	{TenantA, "Jose Admin", "jose@example.test", "admin", nil, "+7 900 000-00-01", 1, `{"mon":["09:00","18:00"]}`},
	{TenantA, "Anna Müller", "anna@example.test", "manager", "7", "", 1, nil},
	{TenantA, "Boris  Two Spaces", "Boris@Example.test", "employee", "8", nil, 1, `{"примечание":"обед 😀"}`},
	{TenantA, "Unlinked", "free@example.test", "employee", nil, nil, 1, nil},
	{TenantA, "Away", "away@example.test", "employee", "9223372036854775807", "112", 0, nil},
	{TenantB, "Anna of B", "anna@b.example.test", "employee", "70", nil, 1, nil},
	{TenantB, "Admin of B", "admin@b.example.test", "admin", "1", nil, 1, nil},
	{TenantBlocked, "Blocked Tenant", "x@blocked.example.test", "employee", "71", nil, 1, nil},
	{TenantDeleted, "Deleted Tenant", "x@deleted.example.test", "employee", nil, nil, 1, nil},
	{TenantA, "Quote ' \" \\ \t end ", "quote'@example.test", "employee", nil, nil, 1, nil},
}

func (f Form) fill(run func(string, ...any)) {
	run(`INSERT INTO tenants (id, name, bitrix24_domain, domain, subscription_status, settings, created_at, deleted_at) VALUES
(1, 'A', 'a.bitrix24.example', 'a.example.test', 'active', '{"timezone": "Europe/Moscow", "имя": "Ромашка"}', '2024-01-02 03:04:05', NULL),
(2, 'B', NULL, NULL, 'trial', NULL, NULL, NULL),
(3, 'Blocked', NULL, 'c.example.test', 'blocked', '[]', '2024-01-02 03:04:05', NULL),
(4, 'Deleted', NULL, NULL, 'active', NULL, '2024-01-02 03:04:05', '2025-06-07 08:09:10')`)
	people := users
	if f.Duplicates {
		people = append(people[:len(people):len(people)],
			user{TenantA, "Anna again", "anna2@example.test", "employee", "7", nil, 1, nil},
			user{TenantA, "Anna once more", "anna3@example.test", "admin", "7", nil, 0, nil})
	}
	for i, u := range people {
		f.insert(run, i, u)
	}
	run("INSERT INTO migrations (migration, batch) VALUES ('2024_01_01_000000_create_users_table', 1), ('2024_02_01_000000_create_tenants_table', 1)")
	run("INSERT INTO sessions VALUES ('abc', 2, 'payload', 1700000000), ('def', NULL, '', 0)")
	run("INSERT INTO jobs (queue, payload) VALUES ('default', '{}')")
	run("INSERT INTO tenant_bitrix24_settings (tenant_id, enabled) VALUES (1, 1), (3, 1)")
	run("INSERT INTO bookings (user_id, starts_at) VALUES (3, '2025-01-01 10:00:00'), (4, '2025-01-02 10:00:00'), (NULL, '2025-01-03 10:00:00')")
}

func (f Form) insert(run func(string, ...any), i int, u user) {
	// Rows name each other by number, and a Galera node leaves gaps between its own.
	names := []string{"id", "tenant_id", "name", "email", "password", "role", "is_active", "working_hours", "remember_token", "created_at", "updated_at"}
	created := any("2024-03-04 05:06:07")
	if f.ZeroDates {
		created = "0000-00-00 00:00:00"
	} else if i%3 == 0 {
		created = nil
	}
	// Of bcrypt's shape; nobody's.
	password := fmt.Sprintf("$2y$12$%022d%031d", i, i)
	values := []any{i + 1, u.tenant, u.name, u.email, password, u.role, u.active, u.hours, fmt.Sprintf("token-%d", i), created, nil}
	link := u.link
	if link == nil && strings.Contains(f.Link, "NOT NULL") {
		link = ""
	}
	if f.Link != "" {
		names, values = append(names, "bitrix24_user_id"), append(values, link)
	}
	if f.Phone != "" {
		names, values = append(names, "phone"), append(values, u.phone)
	}
	if f.Position != "" {
		names, values = append(names, "position"), append(values, "Kassierer")
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ")
	run(fmt.Sprintf("INSERT INTO users (`%s`) VALUES (%s)", strings.Join(names, "`, `"), marks), values...)
}

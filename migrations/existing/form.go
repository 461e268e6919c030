// Package existing builds, for tests, the database of the booking server that our
// people come from, in each of the forms in which copies of it are found, with rows
// of several tenants; and takes snapshots that compare byte by byte. The host's and
// the plugin's tests use it as well as the migrations' own.
//
// It is written from the description of that server (facts/existing-booking-server.md)
// and shares nothing with the migrations, so that it can tell when they are wrong.
package existing

// Form is one form of the existing server's tables.
type Form struct {
	Name string
	// Link, Phone and Position are the definitions of these columns of users; empty
	// where the column is absent.
	Link, Phone, Position string
	// Index is the index over the link, as in CREATE TABLE; empty for none. HIDDEN stands
	// for the server's word for an index that it keeps and does not use.
	Index string
	// Served: the index serves look-ups of a tenant's link, another is not needed.
	Served bool
	// Duplicates: two rows of a tenant have the same link, as nothing forbids it.
	Duplicates bool
	// Options are the words at the end of CREATE TABLE; empty for utf8mb4_unicode_ci.
	// NEWEST stands for the server's newest collation, which no other server has.
	Options string
	// Compact: ROW_FORMAT=COMPACT, whose indexes hold 767 bytes of a column, and so the
	// columns with an index have 191 characters.
	Compact bool
	// ZeroDates: created_at is NOT NULL DEFAULT '0000-00-00 00:00:00', as long ago.
	ZeroDates bool
}

// The definitions and indexes that the description names.
const (
	Nullable  = "VARCHAR(255) NULL"
	composite = "KEY `users_tenant_id_bitrix24_user_id_index` (`tenant_id`, `bitrix24_user_id`)"
	handbook  = "KEY `idx_bitrix24_user_id` (`bitrix24_user_id`)"
)

// Current is the server as its description has it, Older a copy from before its
// Bitrix24 integration. Both are among Forms.
var (
	Current = Form{Name: "current", Link: Nullable, Phone: Nullable, Index: composite, Served: true}
	Older   = Form{Name: "older", Phone: Nullable}
)

// Forms returns every form that the migrations must accept.
func Forms() []Form {
	forms := []Form{
		Current,
		Older,
		{Name: "older without phone"},
		{Name: "older with position", Phone: Nullable, Position: "VARCHAR(100) NOT NULL DEFAULT ''"},
		{Name: "handbook", Link: Nullable, Phone: Nullable, Index: handbook, Served: true},
		{Name: "handbook without phone", Link: Nullable, Index: handbook, Served: true},
		{Name: "everything", Link: Nullable, Phone: Nullable, Position: Nullable, Index: composite, Served: true},
		{Name: "no index", Link: Nullable, Phone: Nullable},
		{Name: "no index, duplicates", Link: Nullable, Phone: Nullable, Duplicates: true},
		{Name: "duplicates", Link: Nullable, Phone: Nullable, Index: composite, Served: true, Duplicates: true},
		{Name: "unique in the tenant", Link: Nullable, Phone: Nullable, Served: true, Index: "UNIQUE KEY `users_link_unique` (`tenant_id`, `bitrix24_user_id`)"},
		{Name: "unique", Link: Nullable, Phone: Nullable, Served: true, Index: "UNIQUE KEY `users_bitrix24_user_id_unique` (`bitrix24_user_id`)"},
		{Name: "index with more columns", Link: Nullable, Phone: Nullable, Served: true, Index: "KEY `users_active_links` (`tenant_id`, `bitrix24_user_id`, `is_active`)"},
		{Name: "long prefix", Link: Nullable, Phone: Nullable, Served: true, Index: "KEY `users_link_prefix` (`tenant_id`, `bitrix24_user_id`(20))"},
		{Name: "short prefix", Link: Nullable, Phone: Nullable, Index: "KEY `users_link_prefix` (`tenant_id`, `bitrix24_user_id`(8))"},
		{Name: "name taken", Link: Nullable, Phone: Nullable, Index: "KEY `users_tenant_id_bitrix24_user_id_index` (`tenant_id`, `name`, `bitrix24_user_id`)"},
		{Name: "full text", Link: Nullable, Phone: Nullable, Index: "FULLTEXT KEY `users_link_words` (`bitrix24_user_id`)"},
		{Name: "hidden index", Link: Nullable, Phone: Nullable, Index: composite + " HIDDEN"},
		{Name: "short link", Link: "VARCHAR(32) NULL", Phone: "VARCHAR(20) NULL", Index: composite, Served: true},
		{Name: "link never null", Link: "VARCHAR(255) NOT NULL DEFAULT ''", Phone: Nullable, Index: composite, Served: true},
		{Name: "binary collation of the link", Link: "VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL", Phone: Nullable},
		{Name: "zero dates", Phone: Nullable, ZeroDates: true},
		{Name: "compact rows", Phone: Nullable, Compact: true},
	}
	for _, set := range []struct{ name, options string }{
		{"general_ci", "DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"},
		{"newest collation", "DEFAULT CHARACTER SET utf8mb4 COLLATE NEWEST"},
		{"utf8mb3", "DEFAULT CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci"},
		{"latin1", "DEFAULT CHARACTER SET latin1"},
	} {
		older, current := Older, Current
		older.Name, older.Options = "older, "+set.name, set.options
		current.Name, current.Options = "current, "+set.name, set.options
		forms = append(forms, older, current)
	}
	return forms
}

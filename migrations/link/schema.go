// Package link is what a CRM adds to the users table, and nothing else: the column
// of its link, phone and position where they are absent, and an index for look-ups
// by (tenant_id, link).
//
// The table belongs to a server that has been running for years, so every form in
// which that server or its handbook made them is accepted as it is.
package link

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"booking/migrations/internal/schema"
	"booking/shared/crm"
)

const (
	table = "users"
	// longestID is 2^63-1 in digits: shorter columns and index prefixes cannot tell two people apart.
	longestID = 19
	// maxName is the servers' limit of an identifier; freeName adds two characters.
	maxName = 64 - 2
)

// Column is the name of a link column. Whoever makes one has checked its shape
// (crm.Description.Validate): it is part of every statement.
type Column string

// columns in the order in which they are added.
func (c Column) columns() []string { return []string{string(c), "phone", "position"} }

// indexName is the old server's own where there is room for it.
func (c Column) indexName() string {
	name := fmt.Sprintf("users_tenant_id_%s_index", c)
	if len(name) > maxName {
		sum := sha256.Sum256([]byte(c))
		name = "users_link_" + hex.EncodeToString(sum[:8]) + "_index"
	}
	return name
}

// next returns the statement that brings the table one step nearer, in variants
// as [ddl.Exec] wants them; nil when nothing is missing. Columns and index are two
// statements: together they rebuild the whole table (facts/mysql-oracle.md 6).
func (c Column) next(t *schema.Table) []string {
	var added []string
	for _, name := range c.columns() {
		if _, there := t.Columns[name]; !there {
			// Without CHARACTER SET the column follows its table, as the old server's own would.
			added = append(added, fmt.Sprintf("ADD COLUMN `%s` VARCHAR(255) NULL", name))
		}
	}
	if len(added) > 0 {
		alter := "ALTER TABLE `users` " + strings.Join(added, ", ")
		return []string{alter + ", ALGORITHM=INSTANT", alter}
	}
	if c.served(t) {
		return nil
	}
	name := c.freeName(t)
	whole := fmt.Sprintf("ALTER TABLE `users` ADD INDEX `%s` (`tenant_id`, `%s`)", name, c)
	// ROW_FORMAT=COMPACT has room for 767 bytes of a column, 255 utf8mb4 characters are 1020.
	part := fmt.Sprintf("ALTER TABLE `users` ADD INDEX `%s` (`tenant_id`, `%s`(64))", name, c)
	return []string{whole + ", ALGORITHM=INPLACE, LOCK=NONE", whole, part}
}

// served reports whether some index finds a link without reading the tenant.
func (c Column) served(t *schema.Table) bool {
	for _, index := range t.Indexes {
		if index.Leads(longestID, "tenant_id", string(c)) || index.Leads(longestID, string(c)) {
			return true
		}
	}
	return false
}

// freeName is indexName, or with a number behind it when an index of that name is
// there already but does not serve.
func (c Column) freeName(t *schema.Table) string {
	wanted := c.indexName()
	name := wanted
	for n := 2; ; n++ {
		if _, taken := t.Indexes[name]; !taken {
			return name
		}
		name = fmt.Sprintf("%s_%d", wanted, n)
	}
}

// refuse says why the table cannot be used at all, before anything is changed.
func (c Column) refuse(t *schema.Table) error {
	if t == nil {
		return crm.NewError(crm.CodeDatabase, crm.Text{
			RU: "В базе нет таблицы users (или учётной записи она не видна). Сначала выполните миграции хоста: migrate up.",
			EN: "The database has no table users (or the account may not see it). Run the host's migrations first: migrate up.",
		}, nil)
	}
	if _, there := t.Columns["tenant_id"]; !there {
		return crm.NewError(crm.CodeDatabase, crm.Text{
			RU: "В таблице users нет колонки tenant_id: это таблица не сервера бронирования. Ничего не изменено.",
			EN: "The table users has no column tenant_id: it is not a booking server's. Nothing was changed.",
		}, nil)
	}
	for _, name := range c.columns() {
		found, there := t.Columns[name]
		if !there {
			continue
		}
		if err := cmp.Or(c.refuseType(found), c.refuseNulls(found)); err != nil {
			return err
		}
	}
	return nil
}

func (c Column) refuseType(found schema.Column) error {
	usable := found.DataType == "varchar" || found.DataType == "char"
	if strings.EqualFold(found.Name, string(c)) {
		usable = usable && found.Length >= longestID
	} else {
		// Never searched, so the long texts will do as well.
		usable = usable || strings.HasSuffix(found.DataType, "text")
	}
	if usable && !found.Generated {
		return nil
	}
	is := found.FullType
	if found.Generated {
		is += " GENERATED"
	}
	return unusable(found, is)
}

// refuseNulls: a person without a link (a phone, a position) must be storable by
// whoever adds one without naming the column.
func (c Column) refuseNulls(found schema.Column) error {
	isLink := strings.EqualFold(found.Name, string(c))
	if found.Nullable || found.EmptyDefault || !isLink && found.HasDefault {
		return nil
	}
	is := found.FullType + " NOT NULL"
	if found.HasDefault {
		is += " DEFAULT"
	}
	return unusable(found, is)
}

func unusable(c schema.Column, found string) error {
	const wanted = "VARCHAR(255) NULL"
	return crm.NewError(crm.CodeDatabase, crm.Text{
		RU: fmt.Sprintf("Колонка %s.%s имеет тип %s, нужен %s. Ничего не изменено: приведите колонку к нужному типу и повторите миграцию.", table, c.Name, found, wanted),
		EN: fmt.Sprintf("Column %s.%s has the type %s, wanted is %s. Nothing was changed: change the column's type and migrate again.", table, c.Name, found, wanted),
	}, nil)
}

// Package bitrix24 is what the Bitrix24 plugin adds to the users table, and
// nothing else: the link column, phone and position where they are absent, and an
// index for look-ups by (tenant_id, bitrix24_user_id).
//
// The table belongs to a server that has been running for years, so every form in
// which that server or its handbook made them is accepted as it is.
package bitrix24

import (
	"cmp"
	"fmt"
	"strings"

	"booking/migrations/internal/schema"
	"booking/shared/crm"
)

const (
	table      = "users"
	linkColumn = "bitrix24_user_id"
	indexName  = "users_tenant_id_bitrix24_user_id_index"
	// longestID is 2^63-1 in digits: shorter columns and index prefixes cannot tell two people apart.
	longestID = 19
)

// columns in the order in which they are added.
var columns = []string{linkColumn, "phone", "position"}

// next returns the statement that brings the table one step nearer, in variants
// as [ddl.Exec] wants them; nil when nothing is missing. Columns and index are two
// statements: together they rebuild the whole table (facts/mysql-oracle.md 6).
func next(t *schema.Table) []string {
	var added []string
	for _, name := range columns {
		if _, there := t.Columns[name]; !there {
			// Without CHARACTER SET the column follows its table, as the old server's own would.
			added = append(added, fmt.Sprintf("ADD COLUMN `%s` VARCHAR(255) NULL", name))
		}
	}
	if len(added) > 0 {
		alter := "ALTER TABLE `users` " + strings.Join(added, ", ")
		return []string{alter + ", ALGORITHM=INSTANT", alter}
	}
	if served(t) {
		return nil
	}
	name := freeName(t)
	whole := fmt.Sprintf("ALTER TABLE `users` ADD INDEX `%s` (`tenant_id`, `%s`)", name, linkColumn)
	// ROW_FORMAT=COMPACT has room for 767 bytes of a column, 255 utf8mb4 characters are 1020.
	part := fmt.Sprintf("ALTER TABLE `users` ADD INDEX `%s` (`tenant_id`, `%s`(64))", name, linkColumn)
	return []string{whole + ", ALGORITHM=INPLACE, LOCK=NONE", whole, part}
}

// served reports whether some index finds a link without reading the tenant.
func served(t *schema.Table) bool {
	for _, index := range t.Indexes {
		if index.Leads(longestID, "tenant_id", linkColumn) || index.Leads(longestID, linkColumn) {
			return true
		}
	}
	return false
}

// freeName is indexName, or with a number behind it when an index of that name is
// there already but does not serve.
func freeName(t *schema.Table) string {
	name := indexName
	for n := 2; ; n++ {
		if _, taken := t.Indexes[name]; !taken {
			return name
		}
		name = fmt.Sprintf("%s_%d", indexName, n)
	}
}

// refuse says why the table cannot be used at all, before anything is changed.
func refuse(t *schema.Table) error {
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
	for _, name := range columns {
		c, there := t.Columns[name]
		if !there {
			continue
		}
		if err := cmp.Or(refuseType(c), refuseNulls(c)); err != nil {
			return err
		}
	}
	return nil
}

func refuseType(c schema.Column) error {
	usable := c.DataType == "varchar" || c.DataType == "char"
	wanted := "VARCHAR(255) NULL"
	switch strings.ToLower(c.Name) {
	case linkColumn:
		usable = usable && c.Length >= longestID
	default:
		// Never searched, so the long texts will do as well.
		usable = usable || strings.HasSuffix(c.DataType, "text")
	}
	if usable && !c.Generated {
		return nil
	}
	found := c.FullType
	if c.Generated {
		found += " GENERATED"
	}
	return unusable(c, found, wanted)
}

// refuseNulls: a person without a link (a phone, a position) must be storable by
// whoever adds one without naming the column.
func refuseNulls(c schema.Column) error {
	isLink := strings.EqualFold(c.Name, linkColumn)
	if c.Nullable || c.EmptyDefault || !isLink && c.HasDefault {
		return nil
	}
	found := c.FullType + " NOT NULL"
	if c.HasDefault {
		found += " DEFAULT"
	}
	return unusable(c, found, "VARCHAR(255) NULL")
}

func unusable(c schema.Column, found, wanted string) error {
	return crm.NewError(crm.CodeDatabase, crm.Text{
		RU: fmt.Sprintf("Колонка %s.%s имеет тип %s, нужен %s. Ничего не изменено: приведите колонку к нужному типу и повторите миграцию.", table, c.Name, found, wanted),
		EN: fmt.Sprintf("Column %s.%s has the type %s, wanted is %s. Nothing was changed: change the column's type and migrate again.", table, c.Name, found, wanted),
	}, nil)
}

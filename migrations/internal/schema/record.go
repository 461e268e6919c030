package schema

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
)

// record is a row by column name in lower case.
type record map[string]sql.NullString

func query(ctx context.Context, db bun.IDB, q string, args ...any) (records []record, err error) {
	rows, err := db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, targets := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		r := make(record, len(names))
		for i, name := range names {
			r[strings.ToLower(name)] = values[i]
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

func (r record) number(name string) int64 {
	n, _ := strconv.ParseInt(r[name].String, 10, 64) // NULL and nonsense alike are 0: no length, no prefix
	return n
}

func (r record) column() Column {
	c := Column{
		Name: r["c_name"].String, DataType: strings.ToLower(r["c_data_type"].String), FullType: r["c_full_type"].String,
		Length: r.number("c_length"), Nullable: r["c_nullable"].String == "YES",
	}
	// MariaDB answers an expression: NULL as the word, '' with its quotes. MySQL answers the value.
	value := r["c_default"]
	c.HasDefault = c.Nullable || value.Valid && value.String != "NULL"
	c.EmptyDefault = value.Valid && (value.String == "" || value.String == "''")
	// "DEFAULT_GENERATED" is MySQL's word for a default that is an expression.
	extra := strings.ToUpper(r["c_extra"].String)
	c.Generated = strings.Contains(extra, "VIRTUAL") || strings.Contains(extra, "STORED") || strings.Contains(extra, "PERSISTENT")
	return c
}

// addTo puts the record's part at its place in an index.
func (r record) addTo(index Index) Index {
	index.Name = r["index_name"].String
	position := int(r.number("seq_in_index"))
	for len(index.Parts) < position {
		index.Parts = append(index.Parts, Part{})
	}
	index.Parts[position-1] = Part{Column: strings.ToLower(r["column_name"].String), Prefix: r.number("sub_part")}
	hidden := r["is_visible"].String == "NO" || r["ignored"].String == "YES"
	index.Usable = r["index_type"].String == "BTREE" && !hidden
	return index
}

// Leads reports whether the index begins with these columns, each with at least
// prefix characters.
func (i Index) Leads(prefix int64, columns ...string) bool {
	if !i.Usable || len(i.Parts) < len(columns) {
		return false
	}
	return !slices.ContainsFunc(i.Parts[:len(columns)], func(p Part) bool { return p.Prefix != 0 && p.Prefix < prefix }) &&
		slices.EqualFunc(i.Parts[:len(columns)], columns, func(p Part, c string) bool { return p.Column == c })
}

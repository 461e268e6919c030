package usersync

import (
	"context"
	"fmt"
	"regexp"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// shape is what the users table of this database is like.
type shape struct {
	storable Storable
	// email decides which addresses are one (rule 6), link which links.
	email, link textType
}

// textType is the type of a text in a JSON_TABLE that is compared with a column of
// users. MySQL gives it the connection's collation otherwise, and refuses (1267).
type textType struct{ charset, collation string }

func (t textType) String() string {
	return "VARCHAR(255) CHARACTER SET " + t.charset + " COLLATE " + t.collation
}

// sqlName is what may stand in a statement as the name of a character set or collation.
var sqlName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// readShape asks information_schema. The aliases matter: MySQL answers with
// COLUMN_NAME whatever was asked (facts/mysql-oracle.md 2).
func (r *run) readShape(ctx context.Context, tx bun.Tx) (shape, error) {
	rows, err := tx.QueryContext(ctx, `SELECT column_name AS column_name,
		COALESCE(character_maximum_length, 0) AS chars, COALESCE(character_set_name, '') AS cs, COALESCE(collation_name, '') AS co
		FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'users'`)
	if err != nil {
		return shape{}, fmt.Errorf("read the shape of users: %w", err)
	}
	defer rows.Close()
	var s shape
	columns := map[string]*Column{
		"name": &s.storable.Name, "email": &s.storable.Email, r.column: &s.storable.Link,
		"phone": &s.storable.Phone, "position": &s.storable.Position,
	}
	for rows.Next() {
		var name, collation string
		var c Column
		if err := rows.Scan(&name, &c.MaxChars, &c.Charset, &collation); err != nil {
			return shape{}, fmt.Errorf("read the shape of users: %w", err)
		}
		if column, ok := columns[name]; ok {
			*column = c
		}
		switch name {
		case "email":
			s.email = textType{c.Charset, collation}
		case r.column:
			s.link = textType{c.Charset, collation}
		}
	}
	if err := rows.Err(); err != nil {
		return shape{}, fmt.Errorf("read the shape of users: %w", err)
	}
	return s, r.usable(columns, s)
}

// usable refuses a users table that lacks what this run must write.
func (r *run) usable(columns map[string]*Column, s shape) error {
	needed := []string{"name", "email", r.column}
	if r.request.Options.Phone {
		needed = append(needed, "phone")
	}
	if r.request.Options.Position {
		needed = append(needed, "position")
	}
	for _, name := range needed {
		if columns[name].Charset == "" {
			return crm.NewError(crm.CodeDatabase, crm.Text{
				RU: fmt.Sprintf("В таблице users нет текстового столбца %s: выполните booking-host migrate up.", name),
				EN: fmt.Sprintf("The users table has no text column %s: run booking-host migrate up.", name),
			}, nil)
		}
	}
	for _, t := range []textType{s.email, s.link} {
		if !sqlName.MatchString(t.charset) || !sqlName.MatchString(t.collation) {
			return fmt.Errorf("read the shape of users: unexpected collation %q", t.collation)
		}
	}
	return nil
}

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// rank orders the roles: nobody gives or touches one above their own.
var rank = map[string]int{RoleEmployee: 1, RoleManager: 2, RoleAdmin: 3, RoleSuperAdmin: 4}

// Above reports whether the person's role is above that of an account.
func (u User) Above(a Account) bool { return rank[u.Role] > rank[a.Role] }

// Version names the values that can be edited: another one means that somebody has
// changed them since.
func (u User) Version() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{u.Name, u.Email, u.Role, strconv.FormatBool(u.Active), u.Phone, u.Link}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Person reads one of a tenant's people; ErrNotFound for anybody else's.
func (s *Store) Person(ctx context.Context, tenantID, id int64, shape PeopleShape) (User, error) {
	var u User
	err := s.read(ctx, "read a person", func(ctx context.Context) error {
		return shape.pick(s.db.NewSelect()).Where("id = ?", id).Where("tenant_id = ?", tenantID).Scan(ctx, &u)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, noAccount()
	}
	return u, err
}

// LinkedTo lists the tenant's people that hold an external id, compared as text, the
// lowest number first: with several of them that one counts (rule 3).
func (s *Store) LinkedTo(ctx context.Context, tenantID int64, link string, shape PeopleShape) ([]User, error) {
	var found []User
	if shape.Link == "" || link == "" {
		return nil, nil
	}
	err := s.read(ctx, "find who is linked", func(ctx context.Context) error {
		var rows []User
		err := shape.pick(s.db.NewSelect()).Where("tenant_id = ?", tenantID).Where("? = ?", shape.column(), link).Order("id").Scan(ctx, &rows)
		found = nil
		for _, row := range rows {
			if row.Link == link { // the collation may call more of them equal
				found = append(found, row)
			}
		}
		return err
	})
	return found, err
}

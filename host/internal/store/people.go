package store

import (
	"context"

	"github.com/uptrace/bun"
)

// PeopleFilter chooses a page of a tenant's people, the newest first. The page is
// found by the tenant's index and the primary key, so that the thousandth costs no
// more than the first.
type PeopleFilter struct {
	TenantID int64
	// Search finds a part of the name or the address, or the whole external id.
	Search string
	// Role "" is every role.
	Role   string
	Active *bool
	Linked LinkState
	// LinkColumn is the external-id column, "" where there is none; Columns tells
	// which of it, phone and position the table has.
	LinkColumn string
	Columns    map[string]bool
	// Before is the id of the last person of the page before; 0 begins.
	Before int64
	Limit  int
}

// PeopleColumns tells which of the columns that a CRM adds users has.
func (s *Store) PeopleColumns(ctx context.Context, linkColumn string) (map[string]bool, error) {
	return s.userColumns(ctx, linkColumn, "phone", "position")
}

// People returns one page, with one statement.
func (s *Store) People(ctx context.Context, f PeopleFilter) ([]User, error) {
	link := orEmpty(f.LinkColumn, f.Columns)
	var people []User
	err := s.read(ctx, "list people", func(ctx context.Context) error {
		people = nil
		q := s.db.NewSelect().Table("users").Column("id").ColumnExpr("COALESCE(tenant_id, 0) AS tenant_id").
			Column("name", "email", "role").ColumnExpr("is_active AS active").
			ColumnExpr("? AS phone", orEmpty("phone", f.Columns)).ColumnExpr("? AS position", orEmpty("position", f.Columns)).
			ColumnExpr("? AS link", link).Where("tenant_id = ?", f.TenantID).Order("id DESC").Limit(int64(f.Limit))
		if f.Before > 0 {
			q.Where("id < ?", f.Before)
		}
		f.narrow(q, link)
		return q.Scan(ctx, &people)
	})
	return people, err
}

func (f PeopleFilter) narrow(q *bun.SelectQuery, link any) {
	if f.Search != "" {
		part := "%" + escapeLike(f.Search) + "%"
		q.Where("(name LIKE ? OR email LIKE ? OR ? = ?)", part, part, link, f.Search)
	}
	if f.Role != "" {
		q.Where("role = ?", f.Role)
	}
	if f.Active != nil {
		q.Where("is_active = ?", *f.Active)
	}
	switch f.Linked {
	case LinkAny:
	case LinkedOnly:
		q.Where("? <> ''", link)
	case UnlinkedOnly:
		q.Where("? = ''", link)
	}
}

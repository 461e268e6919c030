package store

import (
	"context"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// PeopleShape is what CRMs have added to users, as one tenant sees it.
type PeopleShape struct {
	// Links are the external-id columns there are, by name.
	Links []string
	// Plugin is the one that serves the tenant; "" while none does.
	Plugin string
	// Link is the one of Links that is the tenant's; "" where there is none. With several
	// of them only whoever knows the plugins can choose: then it is "" at first.
	Link string
	// Phone and Position: these columns are there.
	Phone, Position bool
}

// PeopleShape reads the shape, with one statement.
func (s *Store) PeopleShape(ctx context.Context, tenantID int64) (PeopleShape, error) {
	var shape PeopleShape
	err := s.read(ctx, "read the columns of users", func(ctx context.Context) error {
		var rows []struct{ Name, Plugin string }
		err := usersColumns(s.db).ColumnExpr("column_name AS name").
			ColumnExpr("COALESCE((SELECT plugin FROM crm_connections WHERE tenant_id = ?), '') AS plugin", tenantID).
			Order("column_name").Scan(ctx, &rows)
		shape = PeopleShape{}
		for _, row := range rows {
			shape.Plugin = row.Plugin
			switch {
			case row.Name == "phone":
				shape.Phone = true
			case row.Name == "position":
				shape.Position = true
			case linkColumn.MatchString(row.Name):
				shape.Links = append(shape.Links, row.Name)
			}
		}
		return err
	})
	if len(shape.Links) == 1 {
		shape.Link = shape.Links[0]
	}
	return shape, err
}

// link is the external id as text, empty for NULL and where there is no column.
func (p PeopleShape) link() schema.QueryAppender {
	return orEmpty(p.Link, map[string]bool{p.Link: slices.Contains(p.Links, p.Link)})
}

// pick makes q read users as [User] has them.
func (p PeopleShape) pick(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Table("users").Column("id").ColumnExpr("COALESCE(tenant_id, 0) AS tenant_id").
		Column("name", "email", "role").ColumnExpr("is_active AS active").
		ColumnExpr("? AS phone", orEmpty("phone", map[string]bool{"phone": p.Phone})).
		ColumnExpr("? AS position", orEmpty("position", map[string]bool{"position": p.Position})).
		ColumnExpr("? AS link", p.link())
}

// PeopleFilter chooses a page of a tenant's people, the newest first. A page goes on
// after the last person of the one before, along the primary key or the tenant's index
// as the server likes it better: the thousandth costs no more than the first.
type PeopleFilter struct {
	TenantID int64
	// Search finds a part of the name or the address, or the whole external id.
	Search string
	// Role "" is every role.
	Role   string
	Active *bool
	Linked LinkState
	Shape  PeopleShape
	// Before is the id of the last person of the page before; 0 begins.
	Before int64
	Limit  int
	// Count asks for the number of all the tenant's people, whatever else is chosen.
	Count bool
}

// People returns one page and, when asked for, how many people the tenant has, with
// one statement. (On an empty page the number is 0.)
func (s *Store) People(ctx context.Context, f PeopleFilter) (people []User, total int, err error) {
	err = s.read(ctx, "list people", func(ctx context.Context) error {
		var rows []struct {
			User
			Total int
		}
		q := f.Shape.pick(s.db.NewSelect()).Where("tenant_id = ?", f.TenantID).Order("id DESC").Limit(int64(f.Limit))
		if f.Count {
			q.ColumnExpr("(SELECT COUNT(*) FROM users WHERE tenant_id = ?) AS total", f.TenantID)
		}
		if f.Before > 0 {
			q.Where("id < ?", f.Before)
		}
		f.narrow(q)
		err := q.Scan(ctx, &rows)
		people = make([]User, len(rows))
		for i, row := range rows {
			people[i], total = row.User, row.Total
		}
		return err
	})
	return people, total, err
}

func (f PeopleFilter) narrow(q *bun.SelectQuery) {
	if f.Search != "" {
		part := "%" + escapeLike(f.Search) + "%"
		q.Where("(name LIKE ? OR email LIKE ? OR ? = ?)", part, part, f.Shape.link(), f.Search)
	}
	if f.Role != "" {
		q.Where("role = ?", f.Role)
	}
	if f.Active != nil {
		q.Where("is_active = ?", *f.Active)
	}
	switch {
	case f.Linked == LinkAny, f.Linked == UnlinkedOnly && f.Shape.Link == "":
	case f.Shape.Link == "":
		q.Where("1 = 0")
	case f.Linked == LinkedOnly:
		q.Where("? <> ''", f.Shape.column())
	case f.Linked == UnlinkedOnly: // without a function around the column, so that its index serves
		q.Where("(? IS NULL OR ? = '')", f.Shape.column(), f.Shape.column())
	}
}

// PeopleNames returns the names of those of the tenant's people that are there, by id.
func (s *Store) PeopleNames(ctx context.Context, tenantID int64, ids []int64) (map[int64]string, error) {
	names := map[int64]string{}
	if len(ids) == 0 {
		return names, nil
	}
	err := s.read(ctx, "read names", func(ctx context.Context) error {
		var rows []User
		err := s.db.NewSelect().Table("users").Column("id", "name").Where("id IN (?)", bun.List(ids)).Where("tenant_id = ?", tenantID).Scan(ctx, &rows)
		for _, row := range rows {
			names[row.ID] = row.Name
		}
		return err
	})
	return names, err
}

package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"booking/host/internal/store"
)

// peopleOnPage is how many people one page lists.
const peopleOnPage = 50

// peopleView is the list of a tenant's people.
type peopleView struct {
	People                       []store.User
	Search, Role, Linked, Active string
	Roles                        []string
	Paged                        bool
	First, Next                  string
}

func (s *Server) people(w http.ResponseWriter, r *http.Request, v *visit) error {
	query := r.URL.Query()
	data := peopleView{
		Search: strings.TrimSpace(query.Get("q")), Role: query.Get("role"), Linked: query.Get("linked"), Active: query.Get("active"),
		Roles: []string{store.RoleAdmin, store.RoleManager, store.RoleEmployee}, Paged: query.Get("before") != "",
	}
	filter, err := s.peopleFilter(r.Context(), v, data)
	if err != nil {
		return err
	}
	filter.Before, _ = strconv.ParseInt(query.Get("before"), 10, 64)
	if data.People, err = s.Store.People(r.Context(), filter); err != nil {
		return err
	}
	same := []string{"q", data.Search, "role", data.Role, "linked", data.Linked, "active", data.Active}
	data.First = address("/people", same...)
	if len(data.People) > peopleOnPage {
		data.People = data.People[:peopleOnPage]
		data.Next = address("/people", append(same, "before", strconv.FormatInt(data.People[peopleOnPage-1].ID, 10))...)
	}
	return s.show(w, v, http.StatusOK, "people", data)
}

func (s *Server) peopleFilter(ctx context.Context, v *visit, data peopleView) (store.PeopleFilter, error) {
	f := store.PeopleFilter{TenantID: v.Tenant.ID, Search: data.Search, Role: data.Role, Limit: peopleOnPage + 1}
	switch data.Linked {
	case "yes":
		f.Linked = store.LinkedOnly
	case "no":
		f.Linked = store.UnlinkedOnly
	}
	if data.Active == "yes" || data.Active == "no" {
		active := data.Active == "yes"
		f.Active = &active
	}
	var err error
	f.LinkColumn, f.Columns, err = s.columns.of(ctx, s, v.Tenant.ID)
	return f, err
}

// columnCache remembers which columns the CRMs have added to users: they come with a
// first connection, not from one page to the next.
type columnCache struct {
	mu    sync.Mutex
	known map[int64]columnsKnown
}

type columnsKnown struct {
	link  string
	there map[string]bool
	until time.Time
}

// of returns the tenant's link column, "" while there is none, and the columns that are there.
func (c *columnCache) of(ctx context.Context, s *Server, tenant int64) (string, map[string]bool, error) {
	c.mu.Lock()
	known, fresh := c.known[tenant]
	c.mu.Unlock()
	if fresh && s.Clock().Before(known.until) {
		return known.link, known.there, nil
	}
	link, err := s.linkColumn(ctx, tenant)
	if err != nil {
		return "", nil, err
	}
	there, err := s.Store.PeopleColumns(ctx, link)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) > 1000 {
		c.known = map[int64]columnsKnown{}
	}
	c.known[tenant] = columnsKnown{link, there, s.Clock().Add(30 * time.Second)}
	return link, there, nil
}

// linkColumn is the only one there is or, with several CRMs on one database, the one
// of the tenant's own plugin.
func (s *Server) linkColumn(ctx context.Context, tenant int64) (string, error) {
	columns, err := s.Store.LinkColumns(ctx)
	if err != nil || len(columns) == 0 {
		return "", err
	}
	if len(columns) == 1 {
		return columns[0], nil
	}
	connection, err := s.Store.Connection(ctx, s.Box, tenant)
	if err != nil {
		return columns[0], nil //nolint:nilerr // without a connection of its own any will do
	}
	_, description, release, err := s.Plugins.Describe(ctx, connection.Plugin)
	if err != nil {
		return columns[0], nil //nolint:nilerr // a plugin that is away is no reason to show nobody
	}
	release()
	return description.ExternalIDColumn, nil
}

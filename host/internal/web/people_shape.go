package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	// shapeLife is how long the columns of users are believed to be the same: they come
	// with a first connection, not from one page to the next.
	shapeLife = 30 * time.Second
	// titleWait is how long a page waits for a plugin to say what its CRM is called.
	titleWait = 2 * time.Second
)

// shapeCache remembers what does not change from one page to the next: a tenant's shape
// of users, and about how many people it has.
type shapeCache struct {
	mu    sync.Mutex
	known map[int64]tenantShape
}

type tenantShape struct {
	store.PeopleShape
	until time.Time
	// total is the number of people, good until counted is over.
	total   int
	counted time.Time
}

// of returns the tenant's shape, with the one of several links that is its own.
func (c *shapeCache) of(ctx context.Context, s *Server, tenant int64) (tenantShape, error) {
	c.mu.Lock()
	known, there := c.known[tenant]
	c.mu.Unlock()
	if there && s.Clock().Before(known.until) {
		return known, nil
	}
	shape, err := s.Store.PeopleShape(ctx, tenant)
	if err != nil {
		return tenantShape{}, err
	}
	if shape.Link == "" && len(shape.Links) > 0 {
		shape.Link = s.ownLink(ctx, shape)
	}
	known.PeopleShape, known.until = shape, s.Clock().Add(shapeLife)
	c.put(tenant, known)
	return known, nil
}

// forget makes the next page look anew: a connection was made or changed here.
func (c *shapeCache) forget(tenant int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, tenant)
}

// remember keeps the number of the tenant's people for a while.
func (c *shapeCache) remember(s *Server, tenant int64, shape tenantShape, total int) {
	shape.total, shape.counted = total, s.Clock().Add(shapeLife)
	c.put(tenant, shape)
}

func (c *shapeCache) put(tenant int64, shape tenantShape) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) > 1000 {
		c.known = map[int64]tenantShape{}
	}
	c.known[tenant] = shape
}

// ownLink is, with several CRMs on one database, the column of the tenant's own plugin.
// Without one any will do, and a plugin that is away is no reason to show nobody.
func (s *Server) ownLink(ctx context.Context, shape store.PeopleShape) string {
	if d, ok := s.described(ctx, shape.Plugin); ok && slices.Contains(shape.Links, d.ExternalIDColumn) {
		return d.ExternalIDColumn
	}
	return shape.Links[0]
}

// linkLabel is what the number of the link is called: "ID in" and the title of the CRM
// that has given the column.
func (s *Server) linkLabel(ctx context.Context, shape store.PeopleShape) crm.Text {
	names, err := s.Plugins.Names()
	if err != nil {
		s.Log.Debug("list the plugins", "error", err.Error())
	}
	for _, name := range append([]string{shape.Plugin}, names...) {
		if d, ok := s.described(ctx, name); ok && d.ExternalIDColumn == shape.Link {
			return crm.Text{RU: "ID в " + d.Title.In("ru"), EN: "ID in " + d.Title.In("en")}
		}
	}
	return crm.Text{RU: "ID в CRM", EN: "CRM id"}
}

// described asks a plugin what it is, and does not wait long.
func (s *Server) described(ctx context.Context, plugin string) (crm.Description, bool) {
	if plugin == "" {
		return crm.Description{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, titleWait)
	defer cancel()
	_, d, release, err := s.Plugins.Describe(ctx, plugin)
	if err != nil {
		s.Log.Debug("describe a plugin", "plugin", plugin, "error", err.Error())
		return crm.Description{}, false
	}
	release()
	return d, true
}

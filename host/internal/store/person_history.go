package store

import (
	"context"
	"math"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// PersonChange is what one run decided about a person, with what kind of run it was.
type PersonChange struct {
	Change
	Mode    crm.Mode
	Trigger string
	Portal  string
}

// HistoryFilter chooses a page of what runs decided about one person, the newest first.
type HistoryFilter struct {
	TenantID int64
	// UserID is the person's row; 0 for somebody of the portal without one.
	UserID int64
	// ExternalID adds what was decided about that number while there was no row. Only
	// runs count of the plugin and the portal that the tenant's links mean now.
	ExternalID string
	// Before is the id of the last change of the page before; 0 begins.
	Before int64
	Limit  int
}

// PersonHistory returns one page. Both halves are found by their indexes, so that a long
// history costs no more than a short one.
func (s *Store) PersonHistory(ctx context.Context, f HistoryFilter) ([]PersonChange, error) {
	if f.Before == 0 {
		f.Before = math.MaxInt64
	}
	byNumber := f.Before
	if f.ExternalID == "" {
		byNumber = 0 // of nobody
	}
	var found []PersonChange
	err := s.read(ctx, "read a person's history", func(ctx context.Context) error {
		found = nil
		return s.db.NewRaw(`SELECT c.*, r.mode AS mode, r.started_by AS ?, r.portal AS portal FROM (
				(SELECT u.* FROM crm_changes AS u WHERE u.tenant_id = ? AND u.user_id = ? AND u.id < ? ORDER BY u.id DESC LIMIT ?)
				UNION ALL
				(SELECT e.* FROM crm_changes AS e JOIN crm_runs AS q ON q.id = e.run_id LEFT JOIN crm_connections AS k ON k.tenant_id = e.tenant_id
				WHERE e.tenant_id = ? AND e.external_id = ? AND (e.user_id IS NULL OR ?) AND e.id < ?
				AND COALESCE(k.plugin, q.plugin) = q.plugin AND COALESCE(NULLIF(k.links_portal, ''), q.portal) = q.portal ORDER BY e.id DESC LIMIT ?)
			) AS c JOIN crm_runs AS r ON r.id = c.run_id ORDER BY c.id DESC LIMIT ?`,
			bun.Ident("trigger"), f.TenantID, f.UserID, f.Before, f.Limit,
			f.TenantID, f.ExternalID, f.UserID == 0, byNumber, f.Limit, f.Limit).Scan(ctx, &found)
	})
	return found, err
}

// TouchedBy reports whether a run decided anything about a person: whoever is right
// already is only counted.
func (s *Store) TouchedBy(ctx context.Context, tenantID, userID, run int64) (bool, error) {
	var touched bool
	err := s.read(ctx, "look for a run in a person's history", func(ctx context.Context) error {
		return s.db.NewRaw("SELECT EXISTS (SELECT 1 FROM crm_changes WHERE tenant_id = ? AND user_id = ? AND run_id = ?) AS touched",
			tenantID, userID, run).Scan(ctx, &touched)
	})
	return touched, err
}

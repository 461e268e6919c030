package usersync

import (
	"fmt"
	"regexp"

	"booking/shared/crm"
)

// Request says whose people are to be reconciled, and how far the run may go.
type Request struct {
	Tenant crm.Tenant
	Mode   crm.Mode
	// PersonID is the external id that crm.ModePerson is about.
	PersonID string
	// RunID and Fence name the run's row in crm_runs; nothing is written once that
	// row does not hold the fence any more.
	RunID, Fence int64
	// PlanHash is what a preview came to: a run that would decide anything else
	// stops with [ErrStalePreview]. Empty: whatever is right now.
	PlanHash string
	// Portal is the host name the people come from; it is handed on to the result.
	Portal  string
	Options Options
}

// linkColumn is what the link's column may be called. It also keeps the engine
// away from every column of the base table.
var linkColumn = regexp.MustCompile(`^[a-z][a-z0-9]*_user_id$`)

// check refuses what no host should ask for.
func (r Request) check(column string) error {
	switch {
	case !linkColumn.MatchString(column):
		return fmt.Errorf("check the request: %q is no name of an external-id column", column)
	case r.Tenant.ID <= 0:
		return fmt.Errorf("check the request: no tenant")
	case r.RunID <= 0:
		return fmt.Errorf("check the request: no run")
	case r.Mode == crm.ModePerson && r.PersonID == "":
		return fmt.Errorf("check the request: no person for mode %q", r.Mode)
	case r.Mode != crm.ModeApply && r.Mode != crm.ModePreview && r.Mode != crm.ModePerson:
		return fmt.Errorf("check the request: unknown mode %q", r.Mode)
	}
	return nil
}

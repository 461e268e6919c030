package api

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"booking/host/internal/runjson"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// How many runs and changes a page has unless the caller says so, and at most.
const (
	runsOnPage    = 50
	runsMost      = 200
	changesOnPage = 100
	changesMost   = 1000
)

// searchMost is the length of what is searched for, in characters.
const searchMost = 255

// runsPage is a page of runs, the newest first; Next is where the next one begins, nil
// on the last.
type runsPage struct {
	Runs []runjson.History `json:"runs"`
	Next *string           `json:"next"`
}

func (s *Server) listRuns(r *http.Request, c call) (result, error) {
	q := newQuery(r, "status", "mode", "limit", "before")
	filter := store.RunFilter{
		TenantID: c.Tenant.ID, Before: q.number("before", 1, math.MaxInt64, 0),
		Status: store.Status(q.choice("status", "queued", "running", "succeeded", "partial", "failed", "cancelled", "interrupted", "not_configured")),
		Mode:   crm.Mode(q.choice("mode", string(crm.ModeApply), string(crm.ModePreview), string(crm.ModePerson))),
	}
	limit := int(q.number("limit", 1, runsMost, runsOnPage))
	if filter.Limit = limit + 1; q.err != nil {
		return result{}, q.err
	}
	all, err := s.Store.RunPage(r.Context(), filter)
	if err != nil {
		return result{}, err
	}
	page := runsPage{Runs: []runjson.History{}}
	if len(all) > limit {
		all = all[:limit]
		page.Next = cursor(all[limit-1].ID)
	}
	for _, run := range all {
		page.Runs = append(page.Runs, s.history(run, c))
	}
	return result{body: page}, nil
}

// changesPage is a page of a run's changes, in the order they were written.
type changesPage struct {
	Changes []runjson.Change `json:"changes"`
	Next    *string          `json:"next"`
}

func (s *Server) listChanges(r *http.Request, c call) (result, error) {
	q := newQuery(r, "action", "q", "limit", "after")
	filter := store.ChangeFilter{
		Action: crm.Action(q.choice("action", "created", "updated", "skipped", "conflict", "deactivated", "reactivated", "reported")),
		Search: q.text("q", searchMost), After: q.number("after", 1, math.MaxInt64, 0),
	}
	limit := int(q.number("limit", 1, changesMost, changesOnPage))
	if filter.Limit = limit + 1; q.err != nil {
		return result{}, q.err
	}
	run, err := s.ownRun(r, c)
	if err != nil {
		return result{}, err
	}
	filter.RunID = run.ID
	all, err := s.Store.ChangePage(r.Context(), filter)
	if err != nil {
		return result{}, err
	}
	page := changesPage{Changes: []runjson.Change{}}
	if len(all) > limit {
		all = all[:limit]
		page.Next = cursor(all[limit-1].ID)
	}
	for _, change := range all {
		page.Changes = append(page.Changes, runjson.NewChange(change))
	}
	return result{body: page}, nil
}

// ownRun is the run of the path, if it is the tenant's: another one's is not there, and
// neither is one that a schedule has only reserved.
func (s *Server) ownRun(r *http.Request, c call) (store.Run, error) {
	id, err := strconv.ParseInt(r.PathValue("run"), 10, 64)
	if err != nil {
		return store.Run{}, refuse(codeNotFound)
	}
	run, err := s.Store.Run(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (run.TenantID != c.Tenant.ID || run.Status == store.StatusReserved) {
		return store.Run{}, refuse(codeNotFound) // the same words, whoever's it is
	}
	if err != nil {
		return store.Run{}, err
	}
	return s.Store.LiveRun(r.Context(), id)
}

func (s *Server) history(run store.Run, c call) runjson.History {
	return runjson.NewHistory(run, c.Locale, s.Clock())
}

func cursor(id int64) *string {
	text := strconv.FormatInt(id, 10)
	return &text
}

func runPath(id int64) string { return Base + "/runs/" + strconv.FormatInt(id, 10) }

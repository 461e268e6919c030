package web

import (
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"booking/host/internal/reason"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// changesOnPage is how many changes one page of a run lists.
const changesOnPage = 100

// runView is the page of a run: while it goes on and ever after.
type runView struct {
	Run    store.Run
	Live   liveRun
	Over   bool
	Joined bool
	// Result is what it has come to, once it is over: the same for everybody.
	Result template.HTML
	By     string // who pressed the button
	Error  crm.Text
	Tabs   []tabView
	Search string
	Action crm.Action
	Rows   []changeView
	// Next is the address of the next page; empty on the last.
	Next string
	Took time.Duration
	// PersonPath is the page of the one person it was about; empty for a run of everybody.
	PersonPath string
	// Attempts are what hosts did of it, where it changed hands.
	Attempts []store.Attempt
	// Retry is the run that tries it again, while that waits for its time.
	Retry store.Run
	// Invitations counts the newcomers; Invited is how many were invited just now.
	Invitations store.Invitations
	JustInvited bool
	Invited     int
}

// tabView is one filter of the list.
type tabView struct {
	Action  crm.Action // "" for everybody
	Name    crm.Text
	Count   int
	Address string
	Current bool
}

// changeView is one person in the list.
type changeView struct {
	store.Change
	Diff []diffView
	Why  reason.Explanation
	// Preview: it would be so.
	Preview bool
	// Invitee is set for people whom the run created.
	Invitee store.Invitee
}

// diffView is one value, before and after.
type diffView struct {
	Label    crm.Text
	Old, New string
	// WasThere: an old value is worth showing.
	WasThere bool
}

// HeldBack is said of a run that held leavers back.
func (runView) HeldBack() crm.Text { return heldBack }

func (s *Server) run(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx := r.Context()
	run, err := s.ownRun(r, v)
	if err != nil {
		return err
	}
	data := runView{Run: run, Joined: r.URL.Query().Has("joined"), Over: run.Over()}
	if !data.Over {
		if data.Live, err = s.liveRun(ctx, run.ID); err != nil {
			return err
		}
		data.Run, data.Over = data.Live.Run, data.Live.Over()
	}
	if data.Over {
		data.Result, err = s.result(r, v, data.Run)
	} else {
		err = s.fillAttempts(ctx, &data)
	}
	if err != nil {
		return err
	}
	return s.show(w, v, http.StatusOK, "run", data)
}

// fillAttempts adds how the run came to be what it is: attempts, a retry to come, the
// person it was about.
func (s *Server) fillAttempts(ctx context.Context, data *runView) (err error) {
	if data.Attempts, err = s.Store.Attempts(ctx, data.Run); err != nil {
		return err
	}
	if data.Over && data.Run.TriedAgain() {
		if data.Retry, err = s.Store.RetryOf(ctx, data.Run); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if data.Run.PersonID == "" {
		return nil
	}
	data.PersonPath, err = s.linkedPath(ctx, data.Run.TenantID, data.Run.PersonID)
	return err
}

// linkedPath is the page of whoever holds a number of the CRM.
func (s *Server) linkedPath(ctx context.Context, tenant int64, external string) (string, error) {
	shape, err := s.shapes.of(ctx, s, tenant)
	if err != nil {
		return "", err
	}
	linked, err := s.Store.LinkedTo(ctx, tenant, external, shape.PeopleShape)
	if err != nil || len(linked) == 0 {
		return portalPath(external), err
	}
	return personPath(linked[0].ID), nil
}

// Exactly reports whether the run is a preview that can be applied as it is.
func (d runView) Exactly() bool { return d.Run.PlanHash != "" }

// Stale reports whether the run was to apply a preview and did not: a new one is due.
func (d runView) Stale() bool { return d.Run.PlanID != 0 && d.Run.Status == store.StatusFailed }

func (s *Server) fillChanges(r *http.Request, data *runView) error {
	ctx, id := r.Context(), data.Run.ID
	counts, err := s.Store.ActionCounts(ctx, id, 0, math.MaxInt64)
	if err != nil {
		return err
	}
	data.Tabs = tabs(data.Run, counts, data.Action)
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	changes, err := s.Store.ChangePage(ctx, store.ChangeFilter{RunID: id, Action: data.Action, Search: data.Search, After: after, Limit: changesOnPage + 1})
	if err != nil {
		return err
	}
	if len(changes) > changesOnPage {
		changes = changes[:changesOnPage]
		data.Next = address(runPath(id), "action", string(data.Action), "q", data.Search, "after", strconv.FormatInt(changes[changesOnPage-1].ID, 10))
	}
	for _, change := range changes {
		data.Rows = append(data.Rows, newChangeView(change, data.Run.Mode == crm.ModePreview))
	}
	return s.fillInvitations(r, data)
}

// tabOrder puts first what somebody has to do something about.
var tabOrder = []crm.Action{
	crm.ActionConflict, crm.ActionSkipped, crm.ActionReported, crm.ActionCreated, crm.ActionUpdated, crm.ActionDeactivated, crm.ActionReactivated,
}

func tabs(run store.Run, counts map[crm.Action]int, current crm.Action) []tabView {
	all := []tabView{{Name: crm.Text{RU: "все", EN: "all"}, Address: runPath(run.ID), Current: current == ""}}
	for _, action := range tabOrder {
		if counts[action] > 0 || action == current {
			name := deed(action, run.Mode == crm.ModePreview, actionTabs, plannedTabs)
			all = append(all, tabView{action, name, counts[action], address(runPath(run.ID), "action", string(action)), action == current})
		}
		all[0].Count += counts[action]
	}
	return all
}

func newChangeView(c store.Change, preview bool) changeView {
	out := changeView{Change: c, Preview: preview}
	if c.Reason != "" {
		out.Why = reason.Of(c.Reason)
	}
	var before, after map[string]any
	_ = json.Unmarshal(c.Before, &before)
	_ = json.Unmarshal(c.After, &after)
	for _, column := range slices.Sorted(maps.Keys(after)) {
		if c.Action == crm.ActionCreated && column != "phone" && column != "position" {
			continue // the first column of the list says it already, and every newcomer is an active employee
		}
		was, there := before[column]
		out.Diff = append(out.Diff, diffView{
			Label: fieldName(column), Old: valueText(was), New: valueText(after[column]), WasThere: there && was != nil && c.Action != crm.ActionCreated,
		})
	}
	return out
}

func valueText(value any) string {
	switch value := value.(type) {
	case nil:
		return "—"
	case string:
		return value
	default:
		text, _ := json.Marshal(value)
		return string(text)
	}
}

// Deed is what became of the person or, in a preview, what would.
func (c changeView) Deed() crm.Text { return deed(c.Action, c.Preview, actions, planned) }

// Page is the address of whom it is about: a row of the tenant or, where there is none,
// somebody of the portal.
func (c changeView) Page() string { return whoPath(c.UserID, c.ExternalID) }

// OtherPage is that of the other party of a conflict.
func (c changeView) OtherPage() string { return whoPath(c.OtherUserID, c.OtherExternalID) }

func whoPath(user int64, external string) string {
	if user != 0 {
		return personPath(user)
	}
	return portalPath(external)
}

// FieldLabel names the value that could not be stored.
func (c changeView) FieldLabel() crm.Text { return fieldName(c.Field) }

// address is a path with those parameters that are not empty.
func address(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

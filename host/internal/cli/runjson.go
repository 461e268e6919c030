package cli

import (
	"encoding/json"
	"time"

	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// runJSON is a run as scripts see it; the names are the contract's.
type runJSON struct {
	Run         int64      `json:"run"`
	Tenant      int64      `json:"tenant"`
	Plugin      string     `json:"plugin"`
	Mode        string     `json:"mode"`
	Status      string     `json:"status"`
	Fetched     int        `json:"fetched"`
	Synced      int        `json:"synced"`
	Created     int        `json:"created"`
	Updated     int        `json:"updated"`
	Unchanged   int        `json:"unchanged"`
	Skipped     int        `json:"skipped"`
	Conflicts   int        `json:"conflicts"`
	Deactivated int        `json:"deactivated"`
	Requests    int        `json:"requests"`
	DurationMS  int64      `json:"duration_ms"`
	Held        bool       `json:"held,omitempty"`
	Message     string     `json:"message,omitempty"`
	Error       *errorJSON `json:"error,omitempty"`
}

type errorJSON struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Run     int64  `json:"run,omitempty"`
}

func newRunJSON(run store.Run, locale string, now time.Time) runJSON {
	out := runJSON{
		Run: run.ID, Tenant: run.TenantID, Plugin: run.Plugin, Mode: string(run.Mode), Status: string(run.Status),
		Fetched: run.Fetched, Synced: run.Counts().Synced(), Created: run.Created, Updated: run.Updated, Unchanged: run.Unchanged,
		Skipped: run.Skipped, Conflicts: run.Conflicts, Deactivated: run.Deactivated, Requests: run.Requests,
		DurationMS: run.Duration(now).Milliseconds(), Held: run.Held,
	}
	if run.ErrorCode != "" {
		out.Error = &errorJSON{Code: string(run.ErrorCode), Message: runError(run).In(locale)}
	}
	return out
}

func runError(run store.Run) crm.Text { return crm.Text{RU: run.ErrorRU, EN: run.ErrorEN} }

func newOutcomeJSON(outcome runs.Outcome, locale string, now time.Time) runJSON {
	out := newRunJSON(outcome.Run, locale, now)
	if out.Error != nil {
		out.Error.Run = outcome.BusyWith
	} else {
		out.Message = outcome.Message.In(locale)
	}
	return out
}

// historyJSON is a run in lists, with who asked for it and when.
type historyJSON struct {
	runJSON
	Trigger    string  `json:"trigger"`
	StartedAt  *string `json:"started_at"`
	FinishedAt *string `json:"finished_at"`
}

func newHistoryJSON(run store.Run, locale string, now time.Time) historyJSON {
	return historyJSON{
		runJSON: newRunJSON(run, locale, now), Trigger: run.Trigger,
		StartedAt: timeJSON(run.StartedAt), FinishedAt: timeJSON(run.FinishedAt),
	}
}

func timeJSON(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339)
	return &text
}

// changeJSON is one person's change as scripts see it. Other says who the other
// party of a conflict is, when it belongs to the same tenant.
type changeJSON struct {
	PortalID string          `json:"portal_id"`
	UserID   *int64          `json:"user_id"`
	Action   string          `json:"action"`
	Reason   string          `json:"reason"`
	Before   json.RawMessage `json:"before"`
	After    json.RawMessage `json:"after"`
	Name     string          `json:"name"`
	Email    string          `json:"email"`
	Field    string          `json:"field,omitempty"`
	Other    *otherJSON      `json:"other,omitempty"`
}

type otherJSON struct {
	PortalID string `json:"portal_id,omitempty"`
	UserID   int64  `json:"user_id,omitempty"`
}

func newChangeJSON(c store.Change) changeJSON {
	out := changeJSON{
		PortalID: c.ExternalID, Action: string(c.Action), Reason: string(c.Reason), Before: orEmpty(c.Before), After: orEmpty(c.After),
		Name: c.Name, Email: c.Email, Field: c.Field,
	}
	if c.UserID != 0 {
		out.UserID = &c.UserID
	}
	if c.OtherExternalID != "" || c.OtherUserID != 0 {
		out.Other = &otherJSON{PortalID: c.OtherExternalID, UserID: c.OtherUserID}
	}
	return out
}

func orEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

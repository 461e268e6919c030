// Package runjson is a run and its changes as machines read them, the same from the
// command line and from the pages: contract.md, "JSON".
package runjson

import (
	"encoding/json"
	"time"

	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// Run is a run as scripts see it; the names are the contract's. Preview is the one that
// is applied exactly.
type Run struct {
	Run         int64  `json:"run"`
	Tenant      int64  `json:"tenant"`
	Plugin      string `json:"plugin"`
	Mode        string `json:"mode"`
	Person      string `json:"person,omitempty"`
	Preview     int64  `json:"preview,omitempty"`
	Status      string `json:"status"`
	Fetched     int    `json:"fetched"`
	Synced      int    `json:"synced"`
	Created     int    `json:"created"`
	Updated     int    `json:"updated"`
	Unchanged   int    `json:"unchanged"`
	Skipped     int    `json:"skipped"`
	Conflicts   int    `json:"conflicts"`
	Deactivated int    `json:"deactivated"`
	Requests    int    `json:"requests"`
	DurationMS  int64  `json:"duration_ms"`
	Held        bool   `json:"held,omitempty"`
	Message     string `json:"message,omitempty"`
	Error       *Error `json:"error,omitempty"`
}

// Error is why a run failed; Run is the one that goes on when the code is busy.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Run     int64  `json:"run,omitempty"`
}

// New describes a run.
func New(run store.Run, locale string, now time.Time) Run {
	out := Run{
		Run: run.ID, Tenant: run.TenantID, Plugin: run.Plugin, Mode: string(run.Mode), Person: run.PersonID, Preview: run.PlanID, Status: string(run.Status),
		Fetched: run.Fetched, Synced: run.Counts().Synced(), Created: run.Created, Updated: run.Updated, Unchanged: run.Unchanged,
		Skipped: run.Skipped, Conflicts: run.Conflicts, Deactivated: run.Deactivated, Requests: run.Requests,
		DurationMS: run.Duration(now).Milliseconds(), Held: run.Held,
	}
	if run.ErrorCode != "" {
		out.Error = &Error{Code: string(run.ErrorCode), Message: ErrorText(run).In(locale)}
	}
	return out
}

// ErrorText is the sentence of a failed run.
func ErrorText(run store.Run) crm.Text { return crm.Text{RU: run.ErrorRU, EN: run.ErrorEN} }

// NewOutcome describes a run with what its caller is told.
func NewOutcome(outcome runs.Outcome, locale string, now time.Time) Run {
	out := New(outcome.Run, locale, now)
	if out.Error != nil {
		out.Error.Run = outcome.BusyWith
	} else {
		out.Message = outcome.Message.In(locale)
	}
	return out
}

// History is a run in lists, with who asked for it and when. RetryOf is the run whose
// retry it is, and Retry which of them.
type History struct {
	Run
	Trigger    string  `json:"trigger"`
	RetryOf    int64   `json:"retry_of,omitempty"`
	Retry      int     `json:"retry,omitempty"`
	NotBefore  *string `json:"not_before,omitempty"`
	StartedAt  *string `json:"started_at"`
	FinishedAt *string `json:"finished_at"`
}

// NewHistory describes a run of a list.
func NewHistory(run store.Run, locale string, now time.Time) History {
	return History{
		Run: New(run, locale, now), Trigger: run.Trigger, RetryOf: run.RetryOf, Retry: run.Retry, NotBefore: Time(run.NotBefore),
		StartedAt: Time(run.StartedAt), FinishedAt: Time(run.FinishedAt),
	}
}

// Attempt is one host's work on a run. End is lost (the host was dead, or cut off from
// the database), returned (it was stopped), or the run's status.
type Attempt struct {
	Attempt    int     `json:"attempt"`
	Host       string  `json:"host"`
	StartedAt  *string `json:"started_at"`
	FinishedAt *string `json:"finished_at"`
	End        string  `json:"end"`
}

// NewAttempts describes the attempts of a run.
func NewAttempts(all []store.Attempt) []Attempt {
	out := make([]Attempt, len(all))
	for i, a := range all {
		out[i] = Attempt{Attempt: a.Attempt, Host: a.Host, StartedAt: Time(a.StartedAt), FinishedAt: Time(a.EndedAt), End: a.Reason}
	}
	return out
}

// Time is RFC 3339 in UTC; nil for no time.
func Time(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339)
	return &text
}

// Change is one person's change as scripts see it. Other says who the other
// party of a conflict is, when it belongs to the same tenant.
type Change struct {
	PortalID string          `json:"portal_id"`
	UserID   *int64          `json:"user_id"`
	Action   string          `json:"action"`
	Reason   string          `json:"reason"`
	Before   json.RawMessage `json:"before"`
	After    json.RawMessage `json:"after"`
	Name     string          `json:"name"`
	Email    string          `json:"email"`
	Field    string          `json:"field,omitempty"`
	Other    *Other          `json:"other,omitempty"`
}

// Other is the other party of a conflict.
type Other struct {
	PortalID string `json:"portal_id,omitempty"`
	UserID   int64  `json:"user_id,omitempty"`
}

// NewChange describes a change.
func NewChange(c store.Change) Change {
	out := Change{
		PortalID: c.ExternalID, Action: string(c.Action), Reason: string(c.Reason), Before: OrEmpty(c.Before), After: OrEmpty(c.After),
		Name: c.Name, Email: c.Email, Field: c.Field,
	}
	if c.UserID != 0 {
		out.UserID = &c.UserID
	}
	if c.OtherExternalID != "" || c.OtherUserID != 0 {
		out.Other = &Other{PortalID: c.OtherExternalID, UserID: c.OtherUserID}
	}
	return out
}

// OrEmpty is an object even where nothing was stored.
func OrEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

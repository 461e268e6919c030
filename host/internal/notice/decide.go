package notice

import (
	"booking/host/internal/store"
	"booking/shared/crm"
)

// Troubles that are no error code of a run.
const (
	troubleHeld        = "held"
	troubleInterrupted = "interrupted"
)

// News is what the administrators are told now.
type News int

// The news there can be.
const (
	// NoNews: nothing that they do not know.
	NoNews News = iota
	// Trouble: something is wrong, or it is something else than before.
	Trouble
	// Recovered: what they were told of is over.
	Recovered
)

// Decide says what is told now, given what was told last, and what counts as told from
// then on. One mail when it goes wrong, none while it stays wrong for the same reason,
// one when the reason is another, one when it works again. Pure.
func Decide(told store.Notices, run store.Run) (store.Notices, News) {
	trouble, counts := verdict(run)
	if !counts || !run.FinishedAt.After(told.SeenAt) {
		return told, NoNews
	}
	told.SeenAt = run.FinishedAt
	if !told.Enabled {
		told.Told = ""
		return told, NoNews
	}
	if trouble == told.Told {
		return told, NoNews
	}
	told.Told, told.ToldRun = trouble, run.ID
	if trouble == "" {
		return told, Recovered
	}
	return told, Trouble
}

// verdict is what a run has met, "" for nothing; counts is false when the run says
// nothing of how things are: a preview, or one that was out of date, one that somebody stopped, one person of many,
// a failure that somebody saw on the screen, or one that is tried again by itself: nobody
// has to do anything about it yet.
func verdict(run store.Run) (trouble string, counts bool) {
	if run.Mode == crm.ModePreview || run.Outdated() {
		return "", false
	}
	switch run.Status {
	case store.StatusSucceeded, store.StatusPartial:
		if !run.Held {
			return "", run.Mode == crm.ModeApply
		}
		trouble = troubleHeld
	case store.StatusFailed:
		trouble = string(run.ErrorCode)
	case store.StatusInterrupted:
		trouble = troubleInterrupted
	case store.StatusNotConfigured:
		trouble = string(crm.CodeNotConfigured)
	default:
		return "", false
	}
	return trouble, run.FromQueue() && !run.TriedAgain()
}

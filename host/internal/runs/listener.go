package runs

import (
	"booking/host/internal/logging"
	"booking/shared/crm"
)

// listener receives a plugin's events: it logs each person, passes everything on
// to the watcher and counts, so that a result can be held against what was told.
type listener struct {
	journal *logging.Journal
	quiet   bool
	watcher Watcher
	told    map[crm.Action]int
	// requests is how many the portal has had so far: a failed run has no result to say so.
	requests int
}

var _ crm.Events = (*listener)(nil)

// Progress implements crm.Events.
func (l *listener) Progress(p crm.Progress) error {
	l.requests = max(l.requests, p.Requests)
	l.watcher.Progress(p)
	return nil
}

// Changes implements crm.Events.
func (l *listener) Changes(changes []crm.Change) error {
	for _, change := range changes {
		l.told[change.Action]++
		if !l.quiet {
			l.journal.Change(change)
		}
	}
	l.watcher.Changes(changes)
	return nil
}

// check holds the result against the changes: a plugin that counts people whom
// it never told of is not believed. (It may tell of somebody twice, when a row
// was changed under its hands and looked at again.)
func (l *listener) check(result crm.SyncResult) error {
	agrees := l.told[crm.ActionCreated] >= result.Created &&
		l.told[crm.ActionUpdated]+l.told[crm.ActionReactivated] >= result.Updated &&
		l.told[crm.ActionSkipped] >= result.Skipped &&
		l.told[crm.ActionConflict] >= result.Conflicts &&
		l.told[crm.ActionDeactivated] >= result.Deactivated
	if agrees {
		return nil
	}
	return crm.NewError(crm.CodePluginAnswer, contradictionMessage, nil)
}

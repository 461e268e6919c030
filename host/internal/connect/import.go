package connect

import (
	"context"
	"errors"
	"time"

	"booking/host/internal/problem"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
)

// Importer reads the settings that an older server keeps of a plugin's CRM.
type Importer interface {
	ImportSettings(ctx context.Context, name string, key secret.Text, tenantID int64, out func(crm.ImportedSettings) error) error
}

// Import asks for connections to be made of an older server's settings.
type Import struct {
	Plugin string
	// Key is the older server's.
	Key secret.Text
	// TenantID restricts it to one tenant; 0: all.
	TenantID int64
	// Apply saves; without it the steps say what would be done.
	Apply bool
	// Overwrite replaces what was changed here, too.
	Overwrite bool
}

// Action is what an import does with a tenant's connection.
type Action string

// The actions of an import.
const (
	ActionConnect   Action = "connect"   // there is none yet
	ActionReplace   Action = "replace"   // the settings of the older server take the place of ours
	ActionUnchanged Action = "unchanged" // they are the same
	ActionKeep      Action = "keep"      // ours stay; Reason says why
	ActionSkip      Action = "skip"      // nothing can be taken over; Reason says why
)

// Reasons of the host's own, beside those of crm.ImportReason.
const (
	ReasonTenantGone    = "tenant_gone"    // no such tenant, or a deleted one
	ReasonTenantBlocked = "tenant_blocked" // its subscription is suspended
	ReasonRefused       = "refused"        // the plugin does not take such settings
	ReasonUnreadable    = "unreadable"     // our own connection cannot be read
	ReasonChangedHere   = "changed_here"   // somebody has changed the connection here
	ReasonAnotherPlugin = "another_plugin" // the tenant is connected to another CRM
)

// ImportStep is what an import does, or would do, for one tenant.
type ImportStep struct {
	TenantID   int64
	TenantName string
	Action     Action
	// Done: it has been saved.
	Done    bool
	Reason  string
	Message crm.Text
	// Portal, Enabled and LastSync are the older server's.
	Portal   string
	Enabled  bool
	LastSync time.Time
}

// Failed reports whether something is in the way that somebody should mend. A tenant that
// never used the CRM, or may not, is none of that.
func (s ImportStep) Failed() bool {
	switch s.Reason {
	case "", string(crm.ImportNoSettings), ReasonTenantGone, ReasonTenantBlocked, ReasonChangedHere, ReasonAnotherPlugin:
		return false
	}
	return true
}

// ErrNoImport is the kind of an import by a plugin that cannot.
var ErrNoImport = errors.New("the plugin imports no settings")

// Import makes connections of what the plugin finds of an older server, and tells what
// becomes of each tenant. Steps that were saved stay, whatever comes after them.
func (s *Service) Import(ctx context.Context, from Importer, i Import, tell func(ImportStep) error) error {
	plugin, description, release, err := s.Plugins.Describe(ctx, i.Plugin)
	if err != nil {
		return err
	}
	defer release()
	if !description.Has(crm.CapabilityImportSettings) {
		return problem.New(ErrNoImport, crm.Text{
			RU: "Плагин " + i.Plugin + " не умеет переносить настройки другого сервера", EN: "The plugin " + i.Plugin + " cannot take another server's settings over",
		}, nil)
	}
	told := false
	err = from.ImportSettings(ctx, i.Plugin, i.Key, i.TenantID, func(item crm.ImportedSettings) error {
		step, err := s.importOne(ctx, plugin, description, i, item)
		if err != nil {
			return err
		}
		told = true
		return tell(step)
	})
	if err != nil || told || i.TenantID == 0 {
		return err
	}
	step, _ := skip(ImportStep{TenantID: i.TenantID}, string(crm.ImportNoSettings), crm.Text{RU: "Старый сервер ничего не знает об этой компании", EN: "The older server knows nothing of this tenant"})
	return tell(step)
}

func (s *Service) importOne(ctx context.Context, plugin crm.Plugin, d crm.Description, i Import, item crm.ImportedSettings) (ImportStep, error) {
	step := ImportStep{TenantID: item.TenantID, Enabled: item.Enabled, LastSync: item.LastSync}
	tenant, err := s.Store.Tenant(ctx, item.TenantID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return step, err
	}
	step.TenantName = tenant.Name
	switch refusal := tenant.Refusal(); {
	case err != nil:
		return skip(step, ReasonTenantGone, problem.TextOf(err))
	case errors.Is(refusal, store.ErrTenantDeleted):
		return skip(step, ReasonTenantGone, problem.TextOf(refusal))
	case refusal != nil:
		return skip(step, ReasonTenantBlocked, problem.TextOf(refusal))
	case item.Reason != "":
		return skip(step, string(item.Reason), item.Message)
	}
	check, err := plugin.CheckSettings(ctx, item.Settings)
	if err != nil {
		return step, err
	}
	if len(check.Problems) > 0 {
		return skip(step, ReasonRefused, (&RefusedError{check.Problems}).text())
	}
	step.Portal = check.Portal
	return s.importInto(ctx, d, i, item, step)
}

func skip(step ImportStep, reason string, message crm.Text) (ImportStep, error) {
	step.Action, step.Reason, step.Message = ActionSkip, reason, message
	return step, nil
}

// importInto compares with the connection there is, and saves.
func (s *Service) importInto(ctx context.Context, d crm.Description, i Import, item crm.ImportedSettings, step ImportStep) (ImportStep, error) {
	current, err := s.Store.Connection(ctx, s.Box, item.TenantID)
	switch {
	case errors.Is(err, secrets.ErrDoesNotOpen):
		return skip(step, ReasonUnreadable, problem.TextOf(err))
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return step, err
	}
	imported, err := s.Store.AsImported(ctx, item.TenantID)
	if err != nil {
		return step, err
	}
	step.decide(current, imported, i, item)
	if !i.Apply || !step.saves() {
		return step, nil
	}
	change := newChange(d, item)
	change.edit = func(e *store.ConnectionEdit) error {
		// Again, for now nobody can come in between.
		if step.decide(e.Connection, e.WasImported, i, item); !step.saves() {
			return errOvertaken
		}
		e.Imported = true
		return nil
	}
	_, err = s.Save(ctx, change)
	var refused *RefusedError
	switch {
	case errors.Is(err, errOvertaken):
		return step, nil
	case errors.As(err, &refused):
		return skip(step, ReasonRefused, refused.text())
	case err != nil:
		return step, err
	}
	step.Done = true
	return step, nil
}

// errOvertaken ends an edit for which there is no reason any more.
var errOvertaken = errors.New("the connection was changed meanwhile")

func (s *ImportStep) saves() bool { return s.Action == ActionConnect || s.Action == ActionReplace }

// decide holds a tenant's connection against the older server's settings. What people
// have changed here stays, unless they say otherwise; what an import left follows.
func (s *ImportStep) decide(current store.Connection, imported bool, i Import, item crm.ImportedSettings) {
	s.Action, s.Reason, s.Message = ActionReplace, "", crm.Text{}
	switch {
	case current.Plugin == "":
		s.Action = ActionConnect
	case current.Plugin != i.Plugin:
		s.Action, s.Reason, s.Message = ActionKeep, ReasonAnotherPlugin, crm.Text{
			RU: "Компания подключена к другой CRM (" + current.Plugin + ")", EN: "The tenant is connected to another CRM (" + current.Plugin + ")"}
	case current.Enabled == item.Enabled && holds(current.Settings(), item.Settings):
		s.Action = ActionUnchanged
	case !imported && !i.Overwrite:
		s.Action, s.Reason, s.Message = ActionKeep, ReasonChangedHere, crm.Text{
			RU: "Подключение меняли здесь, оно остаётся как есть; заменить: --overwrite", EN: "The connection was changed here and stays as it is; to replace it: --overwrite"}
	}
}

// holds reports whether settings have all the values of others.
func holds(settings, values crm.Settings) bool {
	for key, value := range values {
		if settings[key] != value {
			return false
		}
	}
	return true
}

// newChange is what is to be saved of a tenant's older settings.
func newChange(d crm.Description, item crm.ImportedSettings) Change {
	c := Change{TenantID: item.TenantID, Plugin: d.Name, Enabled: &item.Enabled, Plain: map[string]string{}, Secret: map[string]secret.Text{}}
	open := map[string]bool{}
	for _, f := range d.Fields {
		open[f.Key] = !f.Secret
	}
	for key, value := range item.Settings {
		if open[key] {
			c.Plain[key] = value.Reveal()
		} else {
			c.Secret[key] = value
		}
	}
	return c
}

package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"booking/host/internal/connect"
	"booking/host/internal/problem"
	"booking/host/internal/schedule"
	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	// runsOnPage is how many of the last runs the settings page lists.
	runsOnPage = 5
	// missedFor is how long a missed slot is spoken of.
	missedFor = 30 * 24 * time.Hour
	// changesOnSettings is how many of the last changes by hand it lists.
	changesOnSettings = 20
)

// settingsView is the page of a tenant's connection, as the plugin describes it.
type settingsView struct {
	// Choices are the plugins there are, while the tenant has chosen none.
	Choices []pluginChoice
	// Problem says why there is nothing to be set up: a plugin that does not start.
	Problem crm.Text
	// Message is what became of what was just asked for; Failed colours it.
	Message crm.Text
	Failed  bool

	Plugin      crm.Description
	Connection  store.Connection
	Connected   bool // there is a connection with everything it needs
	Fields      []fieldView
	Checked     bool
	Findings    []crm.Finding
	Foreign     int // links that came from another portal
	Runs        []runRow
	Active      *store.Run
	Live        liveRun    // of the active one
	Retry       *store.Run // a retry that waits for its time
	LastSync    *store.Run // the newest that is over, however it ended
	Failures    int        // how many of the newest syncs have failed, one after the other
	LastGood    time.Time
	Unsettled   int   // people whom the last good sync left in conflict or skipped
	Held        int64 // its number, where it held leavers back
	LastPreview bool  // there has been a preview or a sync that came to its end
	State       stateView
	Schedule    scheduleView
	Notices     noticesView
	Events      *eventsView // nil: the plugin reads none
	Audit       []*auditView
}

type pluginChoice struct {
	Name  string
	Title crm.Text
}

// fieldView is one setting in the form. A secret's Value is always empty.
type fieldView struct {
	crm.Field
	Value string
	Set   bool
	SetAt time.Time
	SetBy string
	Error crm.Text
	// Choose: the portal can be asked for its values.
	Choose bool
}

// ID is the field's id in the page, Name its name in the form.
func (f fieldView) ID() string { return "field-" + f.Key }

// Name is the field's name in the form.
func (f fieldView) Name() string { return settingPrefix + f.Key }

func (s *Server) settings(w http.ResponseWriter, r *http.Request, v *visit) error {
	if s.Opened != nil {
		s.Opened(r.Context(), v.Tenant.ID)
	}
	data, err := s.settingsView(r.Context(), v, r.URL.Query().Get("plugin"))
	if err != nil {
		return err
	}
	if r.URL.Query().Has("saved") {
		data.Message = crm.Text{RU: "Сохранено.", EN: "Saved."}
	}
	return s.show(w, v, http.StatusOK, "settings", data)
}

// settingsView reads everything the page shows. wanted is the plugin asked for, which
// counts only while the tenant has none.
func (s *Server) settingsView(ctx context.Context, v *visit, wanted string) (*settingsView, error) {
	data := &settingsView{}
	connection, err := s.Store.Connection(ctx, s.Box, v.Tenant.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		if crm.CodeOf(err) == crm.CodeDatabase {
			return nil, err
		}
		data.Problem = problem.TextOf(err)
		return data, nil
	}
	data.Connection = connection
	name := connection.Plugin
	if name == "" {
		if name, err = s.choosePlugin(ctx, data, wanted); err != nil || name == "" {
			return data, err
		}
	}
	_, description, release, err := s.Plugins.Describe(ctx, name)
	if err != nil {
		data.Problem = problem.TextOf(err)
		s.Log.Warn("a plugin cannot be described", "plugin", name, "error", err.Error())
		return data, nil
	}
	release()
	data.Plugin = description
	return data, s.fillSettings(ctx, v, data)
}

// choosePlugin is the one there is, or the one asked for; "" leaves it to the visitor.
func (s *Server) choosePlugin(ctx context.Context, data *settingsView, wanted string) (string, error) {
	names, err := s.Plugins.Names()
	if err != nil {
		data.Problem = problem.TextOf(err)
		return "", nil
	}
	if len(names) == 0 {
		data.Problem = crm.Text{RU: "На сервере нет ни одного плагина CRM. Установить его может администратор сервера.",
			EN: "There is no CRM plugin on this server. Whoever runs the server can install one."}
		return "", nil
	}
	if len(names) == 1 || slices.Contains(names, wanted) {
		if len(names) > 1 {
			return wanted, nil
		}
		return names[0], nil
	}
	for _, name := range names {
		choice := pluginChoice{Name: name, Title: crm.Text{RU: name, EN: name}}
		if _, description, release, err := s.Plugins.Describe(ctx, name); err == nil {
			choice.Title = description.Title
			release()
		}
		data.Choices = append(data.Choices, choice)
	}
	return "", nil
}

func (s *Server) fillSettings(ctx context.Context, v *visit, data *settingsView) (err error) {
	tenant, c := v.Tenant.ID, data.Connection
	entries, err := s.Store.Audit(ctx, tenant, changesOnSettings)
	if err != nil {
		return err
	}
	if data.Audit, err = s.auditViews(ctx, tenant, entries, data.Plugin.Fields); err != nil {
		return err
	}
	set, err := s.Store.SecretsSet(ctx, tenant, data.Plugin.Name)
	if err != nil {
		return err
	}
	if data.Events, err = s.readEvents(ctx, c, data.Plugin); err != nil {
		return err
	}
	data.Connected = c.Portal != ""
	for _, field := range data.Plugin.Fields {
		f := newFieldView(field, c, set[field.Key])
		f.Choose = data.Connected && connect.Listable(data.Plugin, field)
		data.Fields = append(data.Fields, f)
	}
	if data.Foreign, err = s.connections.ForeignLinks(ctx, c, data.Plugin); err != nil {
		return err
	}
	if err := s.fillRuns(ctx, tenant, data); err != nil {
		return err
	}
	if data.Schedule, err = s.readSchedule(ctx, tenant); err != nil {
		return err
	}
	if data.Connected && data.Connection.Enabled && data.Schedule.NextAt.IsZero() {
		// Whoever has just connected reads what the scheduler will plan in a moment.
		if err := s.Schedules.Plan(ctx, &data.Schedule.Schedule); err != nil && !errors.Is(err, schedule.ErrInvalid) {
			return err
		}
	}
	missed, err := s.Store.MissedSlots(ctx, tenant, store.TaskSyncUsers, s.Clock().Add(-missedFor))
	if err != nil {
		return err
	}
	data.Schedule.Missed = missed[tenant]
	if data.Notices, err = s.readNotices(ctx, tenant); err != nil {
		return err
	}
	if data.Active != nil {
		if data.Live, err = s.liveRun(ctx, data.Active.ID); err != nil {
			return err
		}
		if data.Live.Over() { // it has ended since the list was read
			data.Active = nil
		}
	}
	data.State = newState(data, v.Tenant)
	return nil
}

// Ahead reports whether a next sync is planned.
func (d *settingsView) Ahead() bool {
	return d.Connected && d.Connection.Enabled && !d.Schedule.NextAt.IsZero()
}

// FoundGood reports whether the connection was checked just now and is good.
func (d *settingsView) FoundGood() bool {
	return d.Checked && crm.ConnectionCheck{Findings: d.Findings}.OK()
}

func newFieldView(field crm.Field, c store.Connection, set store.SecretSet) fieldView {
	f := fieldView{Field: field, Value: c.Plain[field.Key]}
	if _, there := c.Plain[field.Key]; !there && !field.Secret {
		f.Value = field.Default
	}
	if !field.Secret {
		return f
	}
	f.Value, f.Set, f.SetAt, f.SetBy = "", !c.Secret[field.Key].Empty(), set.SetAt, set.By
	return f
}

func (s *Server) fillRuns(ctx context.Context, tenant int64, data *settingsView) error {
	all, err := s.Store.Runs(ctx, tenant)
	if err != nil {
		return err
	}
	for i := range all {
		run := &all[i]
		switch run.Status {
		case store.StatusRunning:
			data.Active = run
		case store.StatusQueued:
			// A retry that waits for its time keeps nobody from starting a run.
			if run.Postponed(s.Clock()) {
				data.Retry = run
			} else if data.Active == nil {
				data.Active = run
			}
		case store.StatusSucceeded, store.StatusPartial:
			data.LastPreview = true
		}
		data.noteSync(run)
	}
	if data.Runs, err = s.runRows(ctx, data.lastRuns(all)); err != nil {
		return err
	}
	if data.LastGood.IsZero() && len(all) == store.RunsListed {
		return s.fillOlderSync(ctx, tenant, data)
	}
	return nil
}

// lastRuns are those that the page lists. The active one is above them, live: in a list it
// would go on for ever.
func (d *settingsView) lastRuns(all []store.Run) []store.Run {
	if d.Active != nil {
		all = slices.DeleteFunc(slices.Clone(all), func(run store.Run) bool { return run.ID == d.Active.ID })
	}
	return all[:min(len(all), runsOnPage)]
}

// noteSync takes from a run, the newest first, what the syncs of everybody tell.
func (d *settingsView) noteSync(run *store.Run) {
	if run.Mode != crm.ModeApply || !run.Over() || run.Outdated() {
		return
	}
	if d.LastSync == nil {
		d.LastSync = run
	}
	if !d.LastGood.IsZero() {
		return
	}
	switch run.Status {
	case store.StatusSucceeded, store.StatusPartial:
		d.LastGood, d.Unsettled = run.FinishedAt, run.Conflicts+run.Skipped
		if run.Held {
			d.Held = run.ID
		}
	case store.StatusFailed, store.StatusInterrupted:
		d.Failures++
	}
}

// fillOlderSync looks for the last good sync where nothing has succeeded for so long
// that it is on no list any more.
func (s *Server) fillOlderSync(ctx context.Context, tenant int64, data *settingsView) error {
	run, err := s.Store.NewestSync(ctx, tenant)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	data.LastPreview = data.LastPreview || err == nil
	data.noteSync(&run)
	return err
}

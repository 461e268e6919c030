// Package runs is the one door to a sync: the button, the schedule and the
// command line all call [Service.Sync], and nobody else calls a plugin's
// SyncUsers. It claims the tenant, keeps the lease, listens to the plugin, logs
// what became of every person and writes the run's end.
package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"booking/host/internal/logging"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// finishPatience is how long the end of a run may wait for a database that is away.
const finishPatience = 30 * time.Second

// longestRun is the limit of a run that the caller has not set: a portal with a
// million people and a strict tariff takes hours.
const longestRun = 6 * time.Hour

var errTooLong = errors.New("the run took longer than it may")

// Plugins gives the running plugin of a name, started when it is not. Its process
// stays until release is called.
type Plugins interface {
	Plugin(ctx context.Context, name string) (plugin crm.Plugin, d crm.Description, release func(), err error)
}

// Service starts runs.
type Service struct {
	Store *store.Store
	// Box opens the secrets of connections.
	Box     *secrets.Box
	Plugins Plugins
	Log     *slog.Logger
	// Lease is how long a run outlives a host that died (BOOKING_LEASE).
	Lease time.Duration
	// Host names this process in a run's row.
	Host string
	// Locale of log lines.
	Locale string
	// Observer may be nil.
	Observer Observer
	// Quiet leaves the line for each person out of the log.
	Quiet bool
	// Limit is how long one run may take (6 h when 0): a plugin whose stream has no
	// end is given up then.
	Limit time.Duration
	// Limits are how many queued runs go on at the same time.
	Limits Limits
	// Silence is how long a run may say nothing before it counts as waiting for its
	// portal and gives its place away (10 s when 0).
	Silence time.Duration
	// Lap, when set, is called whenever [Service.Work] begins a round: it still works.
	Lap func()

	places   places
	choosing sync.Mutex
	blind    bool     // the last look into the queue was an error
	settling sync.Map // the runs of dead hosts that are being settled, by id
	wakeOnce sync.Once
	wakeUp   chan struct{}
}

// Watcher sees a run while it goes on. Its methods are called from one goroutine
// and must not block for long.
type Watcher interface {
	Started(store.Run)
	Progress(crm.Progress)
	Changes([]crm.Change)
}

// Outcome is a run's end. Message explains a status that is no plain success; for
// not_configured it says how to configure.
type Outcome struct {
	Run     store.Run
	Message crm.Text
	// BusyWith is the run that goes on when the outcome is CodeBusy.
	BusyWith int64
}

// Sync runs one tenant's sync to its end and never panics on what a plugin does.
// Whatever happens to the run is in the outcome; an error means that not even
// that could be found out or written down (database), or that the tenant does not
// exist (store.ErrNotFound).
func (s *Service) Sync(ctx context.Context, request Request, watcher Watcher) (Outcome, error) {
	run, err := s.asked(ctx, request)
	if err != nil {
		return Outcome{}, err
	}
	run.Host = s.Host
	j, refusal, err := s.prepare(ctx, &run)
	if err != nil {
		return Outcome{}, err
	}
	if refusal != nil {
		s.logRefusal(*refusal)
		return *refusal, nil
	}
	claiming, release := s.patient(context.WithoutCancel(ctx)) // see claim
	defer release()
	err = s.Store.StartRun(claiming, &run, s.Lease)
	if busy := (*store.BusyError)(nil); errors.As(err, &busy) {
		outcome := refused(run, crm.NewError(crm.CodeBusy, busyMessage(busy.Run.ID), nil))
		outcome.BusyWith = busy.Run.ID
		s.logRefusal(outcome)
		return outcome, nil
	}
	if err != nil {
		return Outcome{}, err
	}
	result, err := s.carryOut(ctx, j, run, watcher)
	return s.finish(ctx, run, result, err)
}

// job is what a run is about, as it was when the run began.
type job struct {
	tenant     store.Tenant
	connection store.Connection
}

// prepare looks whether anything can be run for the run's tenant; if not, the
// refusal says why.
func (s *Service) prepare(ctx context.Context, run *store.Run) (j job, refusal *Outcome, err error) {
	refuse := func(o Outcome) (job, *Outcome, error) { return job{}, &o, nil }
	if j.tenant, err = s.Store.Tenant(ctx, run.TenantID); err != nil {
		return job{}, nil, err
	}
	if blocked := (*crm.Error)(nil); errors.As(j.tenant.Refusal(), &blocked) {
		return refuse(refused(*run, blocked))
	}
	j.connection, err = s.Store.Connection(ctx, s.Box, run.TenantID)
	if errors.Is(err, store.ErrNotFound) {
		return refuse(notConfigured(*run, noConnection(run.TenantID)))
	}
	if err != nil {
		return job{}, nil, err
	}
	run.Plugin, run.Portal = j.connection.Plugin, j.connection.Portal
	if !j.connection.Enabled {
		return refuse(notConfigured(*run, disabled(run.TenantID, run.Plugin)))
	}
	if j.connection.Portal == "" {
		return refuse(notConfigured(*run, noWebhook(run.TenantID, run.Plugin)))
	}
	return j, nil, nil
}

// carryOut does the work of a run that this host has claimed, and keeps its lease
// meanwhile.
func (s *Service) carryOut(ctx context.Context, j job, run store.Run, watcher Watcher) (crm.SyncResult, error) {
	watcher, left := s.observed(run, watcher)
	watcher.Started(run)
	work, release := context.WithCancelCause(ctx)
	told := &reporter{Watcher: watcher, heard: func(limited time.Time) { s.places.hear(run.ID, time.Now(), limited) }}
	var beside sync.WaitGroup
	beside.Go(func() { s.keepLease(work, release, run) })
	beside.Go(func() { s.report(work, release, run, told) })
	result, err := s.work(work, j, run, told)
	if cause := context.Cause(work); err != nil && cause != nil && ctx.Err() == nil {
		err = cause // the lease was lost, or somebody asked to stop: that, not the cancelled call, is what happened
	}
	release(nil)
	beside.Wait()
	left(result.Requests)
	return result, err
}

// work is everything between the claim and the end.
func (s *Service) work(ctx context.Context, j job, run store.Run, watcher Watcher) (crm.SyncResult, error) {
	plugin, description, release, err := s.Plugins.Plugin(ctx, run.Plugin)
	if err != nil {
		return crm.SyncResult{}, err
	}
	defer release()
	if err := s.settleLinks(ctx, j.connection, description, run.Mode); err != nil {
		return crm.SyncResult{}, err
	}
	journal := logging.NewJournal(s.Log, s.Locale, description.ExternalIDColumn, run.TenantID, run.ID)
	listener := &listener{journal: journal, quiet: s.Quiet, watcher: watcher, told: map[crm.Action]int{}}
	limit := cmp.Or(s.Limit, longestRun)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	result, err := s.sync(ctx, plugin, description, syncRequest(j, run), j.connection.Portal, listener)
	if err != nil && errors.Is(context.Cause(ctx), errTooLong) {
		err = crm.NewError(crm.CodePluginLost, tooLongMessage(limit), err)
	}
	if err != nil {
		return crm.SyncResult{Requests: listener.requests}, err
	}
	return result, listener.check(result)
}

// settleLinks holds rule 12: links of another portal mean other people. The first
// run that may write remembers whose links they are, before there is one.
func (s *Service) settleLinks(ctx context.Context, connection store.Connection, description crm.Description, mode crm.Mode) error {
	if connection.LinksPortal == connection.Portal {
		return nil
	}
	if connection.LinksPortal != "" {
		linked, err := s.Store.LinkCount(ctx, connection.TenantID, description.ExternalIDColumn)
		if err != nil {
			return err
		}
		if linked > 0 {
			return crm.NewError(crm.CodePortalChanged, PortalChanged(connection, linked), nil)
		}
	}
	if mode == crm.ModePreview {
		return nil
	}
	return s.Store.RememberLinksPortal(ctx, connection.TenantID, connection.Portal)
}

// keepLease renews the lease until ctx ends; when it cannot, the run must stop
// before somebody else may start one.
func (s *Service) keepLease(ctx context.Context, stop context.CancelCauseFunc, run store.Run) {
	tick := time.NewTicker(s.Lease / 3)
	defer tick.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		try, cancel := context.WithTimeout(ctx, s.Lease/3)
		err := s.Store.RenewLease(try, run, s.Lease)
		cancel()
		switch {
		case err == nil:
			renewed = time.Now()
		case errors.Is(err, store.ErrLeaseLost):
			stop(err)
			return
		case time.Since(renewed) > s.Lease-s.Lease/4:
			stop(fmt.Errorf("the database has not answered for %s: %w", time.Since(renewed).Round(time.Second), err))
			return
		}
	}
}

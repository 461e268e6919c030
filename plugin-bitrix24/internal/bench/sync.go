package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"booking/plugin-bitrix24/internal/provider"
	"booking/shared/benchreport"
	"booking/shared/crm"
	"booking/shared/crmhost"
)

// configuration is what a host would send.
func (l *lab) configuration() crm.Configuration {
	return crm.Configuration{DSN: l.dsn(accountPlugin, database), Locale: "ru", HTTPPortals: []string{"127.0.0.1"}, LimitWait: 15 * time.Minute}
}

// startPlugin runs the plugin as a host does.
func (l *lab) startPlugin(ctx context.Context) (*crmhost.Process, error) {
	process, err := crmhost.Start(ctx, crmhost.Options{Found: l.found, Trust: l.trust, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("start the plugin: %w", err)
	}
	if err := process.Plugin().Configure(ctx, l.configuration()); err != nil {
		process.Kill()
		return nil, fmt.Errorf("configure the plugin: %w", err)
	}
	return process, nil
}

// inProcess is the same plugin without the process boundary, memory settings included.
func (l *lab) inProcess(ctx context.Context) (crm.Plugin, error) {
	provider.TuneMemory()
	p := provider.New()
	if err := p.Configure(ctx, l.configuration()); err != nil {
		return nil, fmt.Errorf("configure the plugin: %w", err)
	}
	return p, nil
}

// outcome is one run and what everybody counted meanwhile.
type outcome struct {
	took                       time.Duration
	reading, planning, writing time.Duration // the parts of took
	crm.SyncResult
	counts
	portal portalStats
	events listener
}

func (o outcome) parts() string {
	return fmt.Sprintf("%s reading, %s planning, %s writing", benchreport.Short(o.reading), benchreport.Short(o.planning), benchreport.Short(o.writing))
}

// listener counts what a host would be told, and notes when a stage first showed.
type listener struct {
	changes int
	limited bool
	stages  map[crm.Stage]time.Time
}

// Progress implements [crm.Events].
func (l *listener) Progress(p crm.Progress) error {
	l.limited = l.limited || !p.LimitedUntil.IsZero()
	if _, seen := l.stages[p.Stage]; !seen {
		l.stages[p.Stage] = time.Now()
	}
	return nil
}

// Changes implements [crm.Events].
func (l *listener) Changes(changes []crm.Change) error {
	l.changes += len(changes)
	return nil
}

// sync is a whole run as a host makes it: the run's row, the plugin's work with all
// its events, the end of the run.
func (l *lab) sync(ctx context.Context, plugin crm.Plugin, portal *simulator) (outcome, error) {
	var o outcome
	before, err := l.counts(ctx, accountPlugin)
	if err != nil {
		return o, err
	}
	asked, err := portal.stats(ctx)
	if err != nil {
		return o, err
	}
	o.events.stages = map[crm.Stage]time.Time{}
	began := time.Now()
	run, err := l.claim(ctx)
	if err != nil {
		return o, err
	}
	o.SyncResult, err = plugin.SyncUsers(ctx, crm.SyncRequest{
		Tenant: crm.Tenant{ID: tenantID, Name: "Bench"}, Mode: crm.ModeApply, RunID: run, Fence: 1,
		Policy: crm.Policy{Leavers: "keep"}, Settings: crm.Settings{"webhook_url": portal.webhook},
	}, &o.events)
	if err != nil {
		return o, fmt.Errorf("sync: %w", err)
	}
	if err := l.finish(ctx, run); err != nil {
		return o, err
	}
	ended := time.Now()
	o.took = ended.Sub(began)
	o.reading = o.events.stages[crm.StagePlanning].Sub(began)
	o.planning = ended.Sub(began) - o.reading
	if writing, wrote := o.events.stages[crm.StageWriting]; wrote {
		o.planning, o.writing = writing.Sub(began)-o.reading, ended.Sub(writing)
	}
	after, err := l.counts(ctx, accountPlugin)
	if err != nil {
		return o, err
	}
	o.counts = after.since(before)
	answered, err := portal.stats(ctx)
	o.portal = answered.since(asked)
	return o, err
}

// waited says that what was timed is a limit.
func (o outcome) waited() error {
	if o.events.limited {
		return errors.New("the client waited for a limit of requests: fewer repetitions, please")
	}
	return nil
}

// claim makes the row of a run as the host does (host/internal/store/run_claim.go).
func (l *lab) claim(ctx context.Context) (int64, error) {
	result, err := l.admin.ExecContext(ctx, `INSERT INTO crm_runs
		(tenant_id, plugin, portal, mode, started_by, status, active_tenant, fence, attempt, host, lease_until, requested_at, started_at)
		VALUES (?, 'bitrix24', '', 'apply', 'cli', 'running', ?, 1, 1, 'bench', UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`,
		tenantID, tenantID)
	if err != nil {
		return 0, fmt.Errorf("claim a run: %w", err)
	}
	return result.LastInsertId()
}

func (l *lab) finish(ctx context.Context, run int64) error {
	_, err := l.admin.ExecContext(ctx, `UPDATE crm_runs SET status = 'succeeded', active_tenant = NULL, lease_until = NULL,
		fence = fence + 1, finished_at = UTC_TIMESTAMP(6) WHERE id = ?`, run)
	if err != nil {
		return fmt.Errorf("finish a run: %w", err)
	}
	return nil
}

// firstImport is a sync into an empty database; it must create everybody, once, with
// a record of each.
func (l *lab) firstImport(ctx context.Context, plugin crm.Plugin, portal *simulator, people int) (outcome, error) {
	if err := l.empty(ctx); err != nil {
		return outcome{}, err
	}
	o, err := l.sync(ctx, plugin, portal)
	if err != nil {
		return o, err
	}
	var rows, recorded int
	if err := l.admin.NewRaw("SELECT COUNT(DISTINCT "+linkColumn+") FROM users").Scan(ctx, &rows); err != nil {
		return o, fmt.Errorf("count the people: %w", err)
	}
	if err := l.admin.NewRaw("SELECT COUNT(*) FROM crm_changes").Scan(ctx, &recorded); err != nil {
		return o, fmt.Errorf("count the records: %w", err)
	}
	if o.Created != people || rows != people || recorded != people || o.events.changes != people || o.usersChanged != people {
		return o, fmt.Errorf("of %d people %d were created, %d are there, %d recorded, %d told, %d rows written",
			people, o.Created, rows, recorded, o.events.changes, o.usersChanged)
	}
	return o, nil
}

// unchanged is a sync that has nothing to do.
func (l *lab) unchanged(ctx context.Context, plugin crm.Plugin, portal *simulator, people int) (outcome, error) {
	o, err := l.sync(ctx, plugin, portal)
	if err == nil && (o.Unchanged != people || o.events.changes != 0) {
		err = fmt.Errorf("of %d people %d are unchanged, %d changes were told", people, o.Unchanged, o.events.changes)
	}
	return o, err
}

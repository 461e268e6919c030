package crmhost

import (
	"context"
	"errors"
	"time"

	"booking/shared/crm"
)

// lossWait is how long a call that lost its connection waits for the process's
// end: the connection breaks some milliseconds before the kernel reports it, and
// a panic with many goroutines has much to say.
const lossWait = 2 * time.Second

// calls is the crm.Plugin of a Process. It stands in front of the wire for three
// things: a call to an ended process fails with what became of it; secrets that
// pass are remembered, so that the log can mask them; texts that come back are
// cleaned.
type calls struct{ p *Process }

var _ crm.Plugin = calls{}

// Describe implements crm.Plugin.
func (c calls) Describe(ctx context.Context) (d crm.Description, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.p.options.CallTimeout)
	defer cancel()
	err = c.guard(ctx, func() error {
		if d, err = c.p.remote.Describe(ctx); err != nil {
			return err
		}
		d, err = checkDescription(d, c.p.options.Found.Manifest)
		return err
	})
	return d, err
}

// Configure implements crm.Plugin.
func (c calls) Configure(ctx context.Context, cfg crm.Configuration) error {
	ctx, cancel := context.WithTimeout(ctx, c.p.options.CallTimeout)
	defer cancel()
	c.p.secrets.add(cfg.DSN)
	c.p.secrets.add(cfg.Proxy)
	return c.guard(ctx, func() error { return c.p.remote.Configure(ctx, cfg) })
}

// Migrate implements crm.Plugin.
func (c calls) Migrate(ctx context.Context, m crm.Migration) (r crm.MigrationResult, err error) {
	c.p.secrets.add(m.DSN)
	err = c.guard(ctx, func() error { r, err = c.p.remote.Migrate(ctx, m); return err })
	for i := range r.Applied {
		r.Applied[i] = clean(r.Applied[i], maxLabel)
	}
	return r, err
}

// CheckSettings implements crm.Plugin.
func (c calls) CheckSettings(ctx context.Context, s crm.Settings) (r crm.SettingsCheck, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.p.options.CallTimeout)
	defer cancel()
	c.remember(s)
	err = c.guard(ctx, func() error { r, err = c.p.remote.CheckSettings(ctx, s); return err })
	r.Portal = clean(r.Portal, maxLabel)
	for i := range r.Problems {
		r.Problems[i].Key = clean(r.Problems[i].Key, maxKey)
		r.Problems[i].Message = c.text(r.Problems[i].Message)
	}
	return r, err
}

// CheckConnection implements crm.Plugin.
func (c calls) CheckConnection(ctx context.Context, q crm.ConnectionRequest) (r crm.ConnectionCheck, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.p.options.CallTimeout)
	defer cancel()
	c.remember(q.Settings)
	err = c.guard(ctx, func() error { r, err = c.p.remote.CheckConnection(ctx, q); return err })
	for i := range r.Findings {
		r.Findings[i].Code = clean(r.Findings[i].Code, maxKey)
		r.Findings[i].Message = c.text(r.Findings[i].Message)
	}
	return r, err
}

// SyncUsers implements crm.Plugin. Changes are counted and pass as they are: they
// are data, and whoever shows them cleans them.
func (c calls) SyncUsers(ctx context.Context, q crm.SyncRequest, events crm.Events) (r crm.SyncResult, err error) {
	c.remember(q.Settings)
	bounded := &meter{name: c.p.options.Found.Name, to: events, limits: c.p.options.Limits}
	err = c.guard(ctx, func() error { r, err = c.p.remote.SyncUsers(ctx, q, bounded); return err })
	r.Portal = clean(r.Portal, maxLabel)
	return r, err
}

// remember takes note of the settings that are secret.
func (c calls) remember(s crm.Settings) {
	for _, f := range c.p.description.Fields {
		if f.Secret {
			c.p.secrets.add(s[f.Key])
		}
	}
}

// guard makes a call and says what its failure means.
func (c calls) guard(ctx context.Context, call func() error) error {
	if c.p.hasEnded() {
		return c.p.endedError()
	}
	err := call()
	var failed *crm.Error
	if !errors.As(err, &failed) {
		return err
	}
	if failed.Code == crm.CodePluginLost && ctx.Err() == nil && c.p.endsWithin(lossWait) {
		return c.p.endedError()
	}
	return &crm.Error{Code: failed.Code, Message: c.text(failed.Message), RetryAt: failed.RetryAt, Err: c.cause(failed.Err)}
}

func (c calls) text(t crm.Text) crm.Text {
	return cleanText(crm.Text{RU: c.p.secrets.mask(t.RU), EN: c.p.secrets.mask(t.EN)}, maxHelp)
}

// cause keeps what an error is and cleans what it says.
func (c calls) cause(err error) error {
	if err == nil {
		return nil
	}
	return &cleanError{text: clean(c.p.secrets.mask(err.Error()), maxValue), err: err}
}

type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.err }

func (p *Process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *Process) endedError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended()
}

func (p *Process) endsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

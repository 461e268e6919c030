package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"booking/host/internal/simulator"
)

// connect connects the site's company to a portal, by the form.
func (s *site) connect(ctx context.Context, admin *visitor, p *simulator.Portal) error {
	form := url.Values{"plugin": {s.programs.manifest.Name}}
	for key, value := range p.Settings { // the host takes those that the plugin has
		form.Set("setting."+key, value.Reveal())
	}
	_, err := admin.want(ctx, http.StatusSeeOther, "/settings/crm", form)
	return err
}

// sync presses the button; the number is that of the run.
func (v *visitor) sync(ctx context.Context) (int64, error) {
	a, err := v.want(ctx, http.StatusSeeOther, "/settings/crm/runs", url.Values{"mode": {"apply"}})
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(path.Base(a.header.Get("Location")), 10, 64)
}

// conduct lets one sync follow the other for a while, each of so many people who have
// another name than before, and returns how many there were.
func (s *site) conduct(ctx context.Context, admin *visitor, p *simulator.Portal, a *audience, lasts time.Duration) (syncs int, err error) {
	for end := time.Now().Add(lasts); time.Now().Before(end); syncs++ {
		if err := p.Order(fmt.Sprintf("change %d", s.people)); err != nil {
			return syncs, err
		}
		run, err := admin.sync(ctx)
		if err != nil {
			return syncs, fmt.Errorf("press the button: %w", err)
		}
		a.announce(run)
		if _, err := admin.follow(ctx, fmt.Sprintf("/runs/%d/events", run)); err != nil {
			return syncs, fmt.Errorf("wait for run %d: %w", run, err)
		}
		if err := s.succeeded(ctx, run); err != nil {
			return syncs, err
		}
	}
	return syncs, nil
}

// succeeded looks whether a run has changed everybody.
func (s *site) succeeded(ctx context.Context, run int64) error {
	var status string
	var changed int
	if err := s.db.NewRaw("SELECT status, created + updated FROM crm_runs WHERE id = ?", run).Scan(ctx, &status, &changed); err != nil {
		return fmt.Errorf("read run %d: %w", run, err)
	}
	if status != "succeeded" || changed != s.people {
		return fmt.Errorf("run %d has %s and changed %d people, want %d", run, status, changed, s.people)
	}
	return nil
}

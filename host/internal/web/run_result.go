package web

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	// resultLife is how long the result of an ended run is shown as it was rendered: all
	// who watched the run load the same page when it ends, and for each the database
	// would look at each of its people.
	resultLife = 3 * time.Second
	// resultsKept bounds how many are remembered.
	resultsKept = 100
)

// resultKey is whatever a result looks different by.
type resultKey struct {
	run   store.Run
	in    tongue
	query string
	// changed is how often something was changed here that results show.
	changed int
}

// results are rendered once for all who want the same.
type results struct {
	flights singleflight.Group

	mu      sync.Mutex
	known   map[resultKey]rendered
	changed int
}

type rendered struct {
	part  template.HTML
	until time.Time
}

// of returns a result as it was rendered last, or has it rendered. Nobody's leaving ends
// that for the others.
func (c *results) of(ctx context.Context, clock func() time.Time, key resultKey, render func(context.Context) (template.HTML, error)) (template.HTML, error) {
	c.mu.Lock()
	key.changed = c.changed
	c.mu.Unlock()
	flight := c.flights.DoChan(fmt.Sprint(key), func() (any, error) {
		if part, there := c.get(key, clock()); there {
			return part, nil
		}
		part, err := render(context.WithoutCancel(ctx))
		if err == nil {
			c.put(key, part, clock())
		}
		return part, err
	})
	select {
	case landed := <-flight:
		part, _ := landed.Val.(template.HTML)
		return part, landed.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (c *results) get(key resultKey, now time.Time) (template.HTML, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[key]
	return known.part, now.Before(known.until)
}

func (c *results) put(key resultKey, part template.HTML, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.known, func(_ resultKey, old rendered) bool { return !now.Before(old.until) })
	if c.known == nil || len(c.known) >= resultsKept {
		c.known = map[resultKey]rendered{}
	}
	c.known[key] = rendered{part, now.Add(resultLife)}
}

// forget has everything rendered anew for whoever asks from now on.
func (c *results) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = nil
	c.changed++
}

// result is what an ended run has come to, as the request asks for it.
func (s *Server) result(r *http.Request, v *visit, run store.Run) (template.HTML, error) {
	key := resultKey{run: run, in: tongue{v.Locale, v.Zone.String()}, query: r.URL.RawQuery}
	return s.results.of(r.Context(), s.Clock, key, func(ctx context.Context) (template.HTML, error) {
		return s.renderResult(r.WithContext(ctx), v, run)
	})
}

// renderResult renders it: whatever of the visit is in it is in the key, too.
func (s *Server) renderResult(r *http.Request, v *visit, run store.Run) (template.HTML, error) {
	ctx, query := r.Context(), r.URL.Query()
	data := runView{
		Run: run, Over: true, Error: runError(run), Search: query.Get("q"), Action: crm.Action(query.Get("action")),
		Took: run.Duration(s.Clock()), JustInvited: query.Has("invited"),
	}
	data.Invited, _ = strconv.Atoi(query.Get("invited"))
	progress, err := s.Store.RunProgress(ctx, run.ID)
	if err != nil {
		return "", err
	}
	if progress.RequestedBy != 0 {
		if by, err := s.Store.Account(ctx, progress.RequestedBy); err == nil {
			data.By = by.Name
		}
	}
	if err := s.fillAttempts(ctx, &data); err != nil {
		return "", err
	}
	if err := s.fillChanges(r, &data); err != nil {
		return "", err
	}
	pages, err := s.tongues.in(v.Locale, v.Zone)
	if err != nil {
		return "", err
	}
	var part bytes.Buffer
	if err := pages["run"].ExecuteTemplate(&part, "result", view{D: data}); err != nil {
		return "", fmt.Errorf("render the result of a run: %w", err)
	}
	return template.HTML(part.String()), nil
}

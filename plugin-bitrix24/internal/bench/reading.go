package main

import (
	"context"
	"fmt"
	"time"

	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/benchreport"
)

// measureReading compares the client with page-by-page reading, at a slow portal.
func measureReading(ctx context.Context, l *lab, r *benchreport.Report) error {
	portal, err := l.portal(ctx, l.people, "--rate-limit", "off", "--latency", l.latency.String())
	if err != nil {
		return err
	}
	defer portal.stop()
	reference := l.newReference()
	for rep := range l.reps {
		l.say("reading alone: repetition %d of %d", rep+1, l.reps)
		began, people := time.Now(), 0
		err := reference.read(ctx, portal, func(page []referencePerson) error { people += len(page); return nil })
		if err != nil {
			return err
		}
		r.Time("reading page by page", time.Since(began))
		if people != l.people {
			return fmt.Errorf("page by page: %d people instead of %d", people, l.people)
		}
		took, err := l.readAlone(ctx, portal)
		if err != nil {
			return err
		}
		r.Time("reading in batches", took)
	}
	r.Ratio("reading", fmt.Sprintf("reading %d people, %d ms per answer: faster than page by page", l.people, l.latency.Milliseconds()),
		"reading page by page", "reading in batches", benchreport.AtLeast, 20)
	return nil
}

// readAlone times the client without plan and database.
func (l *lab) readAlone(ctx context.Context, portal *simulator) (time.Duration, error) {
	client, err := newClient(portal.webhook.Reveal(), rest.Options{})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	complete, err := client.ReadPeople(ctx, rest.Query{}, nil, func(rest.Person) error { return nil })
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("read the people: %w", err)
	}
	if complete.People() != l.people {
		return 0, fmt.Errorf("read %d people instead of %d", complete.People(), l.people)
	}
	return took, nil
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"booking/shared/benchreport"
)

const (
	// unlike is the effect from which on two kinds of people could be told apart by how
	// long an answer takes; seen is what the same test must make of a known difference.
	unlike, seen = 0.25, 0.95
	// usualCost is bcrypt's cost of the passwords of today, oldCost of those of old.
	usualCost, oldCost = 12, 10
)

// guest is a kind of people at the door.
type guest struct {
	kind string
	// hash is the password's; "": there is no such person. password is what is tried.
	hash, password string
	inactive       bool
}

// measureDoor asks for what tells nobody who there is, and looks whether the time does.
func measureDoor(ctx context.Context, l *lab, r *benchreport.Report) error {
	s, err := l.openSite(ctx, "door")
	if err != nil {
		return err
	}
	defer s.close()
	guests, err := s.invite(ctx)
	if err != nil {
		return err
	}
	l.say("%d tries to sign in of each of %d kinds", l.tries, len(guests))
	took, err := s.atTheDoor(ctx, guests, s.signInOf)
	if err != nil {
		return err
	}
	for _, g := range guests[1 : len(guests)-1] {
		s.compare(r, "sign-in refused, "+g.kind, took[g.kind], took[guests[0].kind])
	}
	known := guests[len(guests)-1].kind
	r.Add("door", "the same test of a known difference: "+known, -effect(took[known], took[guests[0].kind]), "", benchreport.AtLeast, seen,
		medians(took[known], took[guests[0].kind]))
	forgetful := []guest{{kind: "unknown"}, {kind: "somebody here"}, {kind: "somebody inactive"}} // the first three guests
	l.say("%d wishes for a link of each of %d kinds", l.tries, len(forgetful))
	var after map[string][]time.Duration
	if took, after, err = s.atTheDesk(ctx, forgetful); err != nil {
		return err
	}
	for _, g := range forgetful[1:] {
		s.compare(r, "link asked for, "+g.kind, took[g.kind], took[forgetful[0].kind])
		s.compare(r, "a page asked for right after that, "+g.kind, after[g.kind], after[forgetful[0].kind])
	}
	return nil
}

// invite makes people of every kind, the unknown first and those who are let in last.
func (s *site) invite(ctx context.Context) ([]guest, error) {
	usual, err := hash(usualCost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	old, err := hash(oldCost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	guests := []guest{
		{kind: "unknown", password: password},
		{kind: "wrong password", hash: usual, password: "wrong"},
		{kind: "inactive, right password", hash: usual, password: password, inactive: true},
		{kind: "wrong password, hash of old", hash: old, password: "wrong"},
		{kind: "newcomer without a password", hash: "!", password: password},
		{kind: "right password, hash of old", hash: old, password: password},
	}
	for i, g := range guests {
		if g.hash == "" {
			continue
		}
		err := s.add(ctx, accounts{kind: fmt.Sprintf("guest%d", i), hash: g.hash, role: "employee", first: 1, last: s.tries, inactive: g.inactive})
		if err != nil {
			return nil, err
		}
	}
	return guests, nil
}

// atTheDoor lets everybody of every kind try once, all kinds mixed, one after the other
// and each from an address of their own: what else goes on meets all kinds alike.
func (s *site) atTheDoor(ctx context.Context, guests []guest, try func(context.Context, *visitor, guest, string) (time.Duration, error)) (map[string][]time.Duration, error) {
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(guests) * s.tries)
	took := map[string][]time.Duration{}
	for n, who := range order {
		kind, number := who%len(guests), 1+who/len(guests)
		one, err := try(ctx, s.visitor(1<<20+n), guests[kind], fmt.Sprintf("guest%d-%d@load.example", kind, number))
		if err != nil {
			return nil, err
		}
		took[guests[kind].kind] = append(took[guests[kind].kind], one)
	}
	return took, nil
}

func (s *site) signInOf(ctx context.Context, v *visitor, g guest, email string) (time.Duration, error) {
	status := http.StatusUnprocessableEntity
	if g.password == password && g.hash != "" && g.hash != "!" && !g.inactive {
		status = http.StatusSeeOther
	}
	began := time.Now()
	_, err := v.want(ctx, status, "/sign-in", url.Values{"email": {email}, "password": {g.password}})
	return time.Since(began), err
}

// atTheDesk asks for links, and right after each for a page: what is done beside the
// request must not show either.
func (s *site) atTheDesk(ctx context.Context, guests []guest) (took, after map[string][]time.Duration, err error) {
	after = map[string][]time.Duration{}
	took, err = s.atTheDoor(ctx, guests, func(ctx context.Context, v *visitor, g guest, email string) (time.Duration, error) {
		began := time.Now()
		if _, err := v.want(ctx, http.StatusOK, "/recover", url.Values{"email": {email}}); err != nil {
			return 0, err
		}
		asked := time.Since(began)
		began = time.Now()
		if _, err := v.want(ctx, http.StatusOK, "/sign-in", nil); err != nil {
			return 0, err
		}
		after[g.kind] = append(after[g.kind], time.Since(began))
		return asked, s.mailed(ctx)
	})
	return took, after, err
}

// mailed waits until nothing is to be sent any more: the next one finds the host at rest.
func (s *site) mailed(ctx context.Context) error {
	return s.serving.until(ctx, "the mail is gone", func() (bool, error) {
		var waiting int
		err := s.db.NewRaw("SELECT COUNT(*) FROM booking_mail_queue WHERE status = 'waiting'").Scan(ctx, &waiting)
		return waiting == 0, err
	})
}

// compare adds how well a kind can be told from the first one.
func (s *site) compare(r *benchreport.Report, what string, a, b []time.Duration) {
	delta := effect(a, b)
	r.Add("door", what+": told from unknown (Cliff's delta)", max(delta, -delta), "", benchreport.AtMost, unlike,
		fmt.Sprintf("%s; chance alone: %.2f; a delay of %s would be seen", medians(a, b), noise(s.tries), fine(detectable(a, b, unlike))))
}

func medians(a, b []time.Duration) string {
	one, other := benchreport.Median(a), benchreport.Median(b)
	return fmt.Sprintf("medians %s / %s = %.3f", fine(one), fine(other), float64(one)/float64(other))
}

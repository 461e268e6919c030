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
	unlike, seen = 0.25, 0.5
	// moreWork is by how much the processor's time for a refusal may differ.
	moreWork = 1.05
	// usualCost is bcrypt's cost of the passwords of today, oldCost of those of old, and
	// leastCost the lowest there is.
	usualCost, oldCost, leastCost = 12, 10, 4
)

// guest is a kind of people at the door.
type guest struct {
	kind string
	// hash is the password's; "": there is no such person. password is what is tried.
	hash, password  string
	inactive, letIn bool
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
	took, work, err := s.atTheDoor(ctx, guests, s.signInOf)
	if err != nil {
		return err
	}
	refused, known, unknown := guests[1:len(guests)-1], guests[len(guests)-1].kind, guests[0].kind
	for _, g := range refused {
		s.compare(r, "sign-in refused, "+g.kind, took[g.kind], took[unknown])
	}
	r.Add("door", "the same test of a known difference: "+known, -effect(took[known], took[unknown]), "", benchreport.AtLeast, seen, medians(took[known], took[unknown]))
	compareWork(r, refused, work, work[unknown])
	forgetful := []guest{{kind: "unknown"}, {kind: "somebody here"}, {kind: "somebody inactive"}} // the first three guests
	l.say("%d wishes for a link of each of %d kinds", l.tries, len(forgetful))
	took, after, err := s.atTheDoor(ctx, forgetful, s.askForLink)
	if err != nil {
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
	hashes := map[int]string{}
	for _, cost := range []int{usualCost, oldCost, leastCost} {
		var err error
		if hashes[cost], err = hash(cost); err != nil {
			return nil, fmt.Errorf("hash a password: %w", err)
		}
	}
	guests := []guest{
		{kind: "unknown", password: password},
		{kind: "wrong password", hash: hashes[usualCost], password: "wrong"},
		{kind: "inactive, right password", hash: hashes[usualCost], password: password, inactive: true},
		{kind: "wrong password, hash of old", hash: hashes[oldCost], password: "wrong"},
		{kind: "newcomer without a password", hash: "!", password: password},
		{kind: "right password, cheap hash", hash: hashes[leastCost], password: password, letIn: true},
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

// try is one try of somebody of a kind: how long the answer took, and a second figure.
type try func(ctx context.Context, v *visitor, g guest, email string) (took, second time.Duration, err error)

// atTheDoor lets everybody of every kind try once, all kinds mixed, one after the other
// and each from an address of their own: what else goes on meets all kinds alike.
func (s *site) atTheDoor(ctx context.Context, guests []guest, try try) (took, second map[string][]time.Duration, err error) {
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(guests) * s.tries)
	took, second = map[string][]time.Duration{}, map[string][]time.Duration{}
	for n, who := range order {
		kind, number := who%len(guests), 1+who/len(guests)
		one, other, err := try(ctx, s.visitor(1<<20+n), guests[kind], fmt.Sprintf("guest%d-%d@load.example", kind, number))
		if err != nil {
			return nil, nil, err
		}
		took[guests[kind].kind] = append(took[guests[kind].kind], one)
		second[guests[kind].kind] = append(second[guests[kind].kind], other)
	}
	return took, second, nil
}

// signInOf is a try to sign in; the second figure is the processor's time of the host.
func (s *site) signInOf(ctx context.Context, v *visitor, g guest, email string) (took, work time.Duration, err error) {
	status := http.StatusUnprocessableEntity
	if g.letIn {
		status = http.StatusSeeOther
	}
	before, err := s.serving.worked()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if _, err = v.want(ctx, status, "/sign-in", url.Values{"email": {email}, "password": {g.password}}); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	after, err := s.serving.worked()
	return took, after - before, err
}

// askForLink is a wish for a link; the second figure is how long a page takes that is
// asked for right after it: what is done beside the request must not show either.
func (s *site) askForLink(ctx context.Context, v *visitor, _ guest, email string) (took, after time.Duration, err error) {
	began := time.Now()
	if _, err := v.want(ctx, http.StatusOK, "/recover", url.Values{"email": {email}}); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	began = time.Now()
	if _, err := v.want(ctx, http.StatusOK, "/sign-in", nil); err != nil {
		return 0, 0, err
	}
	return took, time.Since(began), s.mailed(ctx)
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

// compareWork adds by how much the host works more, or less, for one kind than for the
// unknown: that tells what the time of the answers would without all else on the machine.
func compareWork(r *benchreport.Report, guests []guest, work map[string][]time.Duration, unknown []time.Duration) {
	worst, detail := 1.0, ""
	for _, g := range guests {
		ratio := float64(benchreport.Median(work[g.kind])) / float64(benchreport.Median(unknown))
		if ratio = max(ratio, 1/ratio); ratio > worst {
			worst, detail = ratio, g.kind+": "+medians(work[g.kind], unknown)
		}
	}
	r.Add("door", "the host's processor time for a refusal: largest ratio of two kinds", worst, "x", benchreport.AtMost, moreWork, detail)
}

func medians(a, b []time.Duration) string {
	one, other := benchreport.Median(a), benchreport.Median(b)
	return fmt.Sprintf("medians %s / %s = %.3f", fine(one), fine(other), float64(one)/float64(other))
}

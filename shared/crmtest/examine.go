package crmtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"booking/shared/crm"
)

// ManyPeople is how many people [Subject.Many] should lead to.
const ManyPeople = 100_000

// Subject is a plugin to be examined, in whatever language it is written.
type Subject struct {
	// Executable is the plugin's program.
	Executable string
	// File, when set, is the open file to execute in place of what Executable leads to
	// (Linux): the one that somebody has verified.
	File *os.File
	// Manifest is its plugin.json, when there is one.
	Manifest *crm.Manifest
	// Settings are by field key; with them the plugin must be able to read people.
	Settings map[string]string
	// Many are Settings with at least ManyPeople people behind them.
	Many map[string]string
	// Broken are Settings whose portal cannot be read. Nil: Settings with nonsense
	// for every required value.
	Broken map[string]string
	// Event is a message as the portal of Settings sends one about a person; tenant and
	// settings are filled in.
	Event *crm.EventMessage
	// HTTPPortals are told to the plugin in Configure, loopback always is.
	HTTPPortals []string
	// DSN names an empty database, and an account that may do anything on its server.
	// Empty: a private MariaDB is started.
	DSN string
	// Patience multiplies every deadline; 0 means 1.
	Patience int
	// Only restricts the examination to checks of these names.
	Only []string
}

// Status is what came of a check.
type Status string

// The ends of a check.
const (
	StatusOK     Status = "ok"
	StatusFailed Status = "failed"
	// StatusNotApplicable: it is about a capability that the plugin does not list.
	StatusNotApplicable Status = "not_applicable"
	// StatusNotTried: it needs something that the caller did not give.
	StatusNotTried Status = "not_tried"
)

// Result is one check of a report.
type Result struct {
	Name   string
	Status Status
	// Title is what a plugin has to do, Mend what its author should look at when it
	// does not.
	Title, Mend crm.Text
	// Reason says what was seen, in English: it quotes the plugin and the wire; or why
	// nothing was asked.
	Reason crm.Text
	Took   time.Duration
}

// Report is an examination.
type Report struct {
	Plugin, Version string
	Results         []Result
}

// Count returns how many checks came to this end.
func (r Report) Count(s Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == s {
			n++
		}
	}
	return n
}

// check is one question to a plugin.
type check struct {
	name        string
	title, mend crm.Text
	needs       need
	run         func(ctx context.Context, x *exam) error
}

// need is what a check needs beside the executable.
type need int

const (
	needSettings need = 1 << iota // settings that work
	needMany                      // a portal with many people
	needSync                      // capability sync_users
	needPeople                    // capability people
	needEither                    // either of the two
	needChoices                   // capability choices
	needImport                    // capability import_settings
	needEvents                    // capability events
	needEvent                     // a message of the portal
)

// needed are the capabilities that a check can be about.
var needed = map[need]crm.Capability{
	needSync: crm.CapabilitySyncUsers, needChoices: crm.CapabilityChoices, needImport: crm.CapabilityImportSettings, needEvents: crm.CapabilityEvents,
}

// limit of one check, before Patience.
const checkLimit = 2 * time.Minute

// outcome errors end a check without judging the plugin.
type outcome struct {
	status Status
	reason crm.Text
}

func (o outcome) Error() string { return o.reason.EN }

func notApplicable(ru, en string) error { return outcome{StatusNotApplicable, both(ru, en)} }

func notTried(ru, en string) error { return outcome{StatusNotTried, both(ru, en)} }

// Names are those of all checks, in their order.
func Names() []string {
	var names []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// Examine runs every check against the plugin and tells what came of each; seen, when
// given, hears of it at once. The error is about this machine (no database server), not about the plugin.
func Examine(ctx context.Context, s Subject, seen func(Result)) (Report, error) {
	x, err := newExam(s)
	if err != nil {
		return Report{}, err
	}
	defer x.close()
	var report Report
	for _, c := range checks() {
		if len(s.Only) > 0 && !slices.Contains(s.Only, c.name) {
			continue
		}
		result := x.ask(ctx, c)
		report.Plugin, report.Version = x.description.Name, x.description.Version
		if x.broken != nil {
			return report, x.broken
		}
		if ctx.Err() != nil {
			return report, context.Cause(ctx)
		}
		report.Results = append(report.Results, result)
		if seen != nil {
			seen(result)
		}
	}
	return report, nil
}

// exam is the state of one examination.
type exam struct {
	Subject
	dir string
	// description is what the plugin said first; zero while it has not.
	description crm.Description
	shared      *session // configured, for checks that leave the process alone
	all         []*session
	house       *house
	canaries    canaries
	// broken is a failure of this machine.
	broken error
}

func newExam(s Subject) (*exam, error) {
	dir, err := os.MkdirTemp("", "crmcheck-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the examination: %w", err)
	}
	if s.Patience <= 0 {
		s.Patience = 1
	}
	x := &exam{Subject: s, dir: dir, canaries: newCanaries()}
	for _, settings := range []map[string]string{s.Settings, s.Many} {
		for key, value := range settings {
			x.canaries.candidate(key, value)
		}
	}
	return x, nil
}

func (x *exam) close() {
	for _, s := range x.all {
		s.kill()
	}
	if x.house != nil {
		x.house.close()
	}
	_ = os.RemoveAll(x.dir)
}

// ask carries out one check.
func (x *exam) ask(ctx context.Context, c check) Result {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, checkLimit*time.Duration(x.Patience))
	defer cancel()
	err := x.lacks(ctx, c.needs)
	if err == nil {
		err = c.run(ctx, x)
	}
	if x.shared != nil && x.shared.hasExited() {
		err = errors.Join(err, fmt.Errorf("the plugin's process ended during this check: %s", x.shared.lastWords()))
		x.shared = nil
	}
	result := Result{Name: c.name, Status: StatusOK, Title: c.title, Mend: c.mend, Took: time.Since(began)}
	var other outcome
	switch {
	case err == nil:
	case errors.As(err, &other):
		result.Status, result.Reason = other.status, other.reason
	default:
		result.Status, result.Reason = StatusFailed, crm.Text{EN: x.canaries.mask(printable(err.Error()))}
	}
	return result
}

// lacks says why a check with these needs has nothing to ask.
func (x *exam) lacks(ctx context.Context, needs need) error {
	if needs == 0 {
		return nil
	}
	if _, err := x.session(ctx); err != nil {
		return err
	}
	d := x.description
	for need, capability := range needed {
		if needs&need != 0 && !d.Has(capability) {
			return notApplicable("у плагина нет возможности "+string(capability), "the plugin does not list the capability "+string(capability))
		}
	}
	switch {
	case needs&needEvent != 0 && x.Event == nil:
		return notTried("нет сообщения, какое прислал бы портал", "no message was given as the portal would send it")
	case needs&needPeople != 0 && !d.HostSyncs():
		return notApplicable("людей этого плагина записывает он сам, а не хост", "the plugin writes its people itself, not the host")
	case needs&needEither != 0 && !d.Has(crm.CapabilitySyncUsers) && !d.HostSyncs():
		return notApplicable("у плагина нет ни sync_users, ни people", "the plugin lists neither sync_users nor people")
	case needs&needMany != 0 && x.Many == nil:
		return notTried(
			fmt.Sprintf("нет настроек, с которыми плагин прочтёт %d человек", ManyPeople), fmt.Sprintf("no settings were given that lead to %d people", ManyPeople))
	}
	if needs&(needSettings|needMany) != 0 {
		for _, f := range d.Fields {
			if f.Required && x.Settings[f.Key] == "" {
				return notTried("не задана обязательная настройка "+f.Key, "no value was given for the required setting "+f.Key)
			}
		}
	}
	return nil
}

// within is a deadline of the contract, on a machine that has other things to do.
func (x *exam) within(d time.Duration) time.Duration { return d * time.Duration(x.Patience) }

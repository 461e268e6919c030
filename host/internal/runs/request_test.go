package runs

import (
	"context"
	"errors"
	"strings"
	"testing"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// streams makes the fixture's plugin one that only streams people: the engine of this
// process does the run.
type streams struct{ people []crm.Person }

func (s *streams) ReadPeople(_ context.Context, _ crm.PeopleRequest, out crm.PeopleEvents) error {
	for _, p := range s.people {
		if err := out.Person(p); err != nil {
			return err
		}
	}
	return nil
}

func (s *streams) Plugin(context.Context, string) (crm.Plugin, crm.Description, func(), error) {
	d := crm.Description{Name: "scripted", ExternalIDColumn: "bitrix24_user_id", Capabilities: []crm.Capability{crm.CapabilityPeople}}
	return crm.NewPeoplePlugin(d, s), d, func() {}, nil
}

func (f *fixture) asks(request Request) store.Run {
	f.t.Helper()
	request.Trigger = "button"
	outcome, err := f.Queue(f.t.Context(), request)
	if err != nil {
		f.t.Fatal(err)
	}
	return outcome.Run
}

func TestOnePersonIsSyncedThroughTheQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Plugins = &streams{people: []crm.Person{
		{ExternalID: "7", Name: "Anna", Email: "anna@example.com"}, {ExternalID: "8", Name: "Ivan", Email: "ivan@example.com"},
	}}
	run := f.asks(Request{TenantID: f.tenant("x"), Mode: crm.ModePerson, PersonID: "8"})
	f.work(1)
	if end := f.until(run.ID, store.StatusSucceeded); end.Created != 1 || end.PersonID != "8" {
		t.Errorf("%+v", end)
	}
	if n := f.number("SELECT COUNT(*) FROM users WHERE email = 'ivan@example.com'"); n != 1 || f.number("SELECT COUNT(*) FROM users") != 1 {
		t.Errorf("%d rows of the person", n)
	}
}

func TestAPreviewIsAppliedExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	portal := &streams{people: []crm.Person{{ExternalID: "7", Name: "Anna", Email: "anna@example.com"}}}
	f.Plugins = portal
	tenant := f.tenant("x")
	f.work(1)
	preview := f.until(f.asks(Request{TenantID: tenant, Mode: crm.ModePreview}).ID, store.StatusSucceeded)
	exact := f.until(f.asks(Request{TenantID: tenant, Mode: crm.ModeApply, PlanID: preview.ID}).ID, store.StatusSucceeded)
	if exact.Created != 1 || exact.PlanHash != preview.PlanHash || exact.PlanID != preview.ID {
		t.Errorf("preview %+v, run %+v", preview, exact)
	}

	portal.people = append(portal.people, crm.Person{ExternalID: "8", Name: "Ivan", Email: "ivan@example.com"})
	stale := f.until(f.asks(Request{TenantID: tenant, Mode: crm.ModeApply, PlanID: preview.ID}).ID, store.StatusFailed)
	if stale.ErrorCode != crm.CodeInternal || !strings.HasPrefix(stale.ErrorEN, "The preview is out of date") || !strings.HasPrefix(stale.ErrorRU, "Предварительный просмотр устарел") {
		t.Errorf("the stale one: %+v", stale)
	}
	if n := f.number("SELECT COUNT(*) FROM users"); n != 1 {
		t.Errorf("%d people: a stale preview wrote", n)
	}
	if n := f.number("SELECT COUNT(*) FROM crm_runs WHERE retry > 0"); n != 0 {
		t.Error("a stale preview is tried again")
	}
	// In the foreground it is the same.
	outcome, err := f.Sync(t.Context(), Request{TenantID: tenant, Mode: crm.ModeApply, PlanID: preview.ID, Trigger: "cli"}, nobody{})
	if err != nil || outcome.Run.Status != store.StatusFailed || outcome.Run.ErrorEN != stale.ErrorEN {
		t.Errorf("%+v, error %v", outcome, err)
	}
}

func TestARequestThatNobodyCanCarryOutIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{PlanHash: "abc"}, nil
	}
	tenant, other := f.tenant("x"), f.tenant("y")
	f.work(1)
	applied := f.until(f.asks(Request{TenantID: tenant, Mode: crm.ModeApply}).ID, store.StatusSucceeded)
	foreign := f.until(f.asks(Request{TenantID: other, Mode: crm.ModePreview}).ID, store.StatusSucceeded)
	for name, request := range map[string]Request{
		"no person":                 {Mode: crm.ModePerson},
		"a person in another mode":  {Mode: crm.ModeApply, PersonID: "7"},
		"a person by name":          {Mode: crm.ModePerson, PersonID: "Anna"},
		"a person with zeros":       {Mode: crm.ModePerson, PersonID: "007"},
		"a preview of a preview":    {Mode: crm.ModePreview, PlanID: foreign.ID},
		"no preview":                {Mode: crm.ModeApply, PlanID: applied.ID},
		"another tenant's preview":  {Mode: crm.ModeApply, PlanID: foreign.ID},
		"a person out of a preview": {Mode: crm.ModePerson, PersonID: "7", PlanID: foreign.ID},
	} {
		request.TenantID, request.Trigger = tenant, "button"
		if _, err := f.Queue(t.Context(), request); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: queued, error %v", name, err)
		}
		if _, err := f.Sync(t.Context(), request, nobody{}); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: carried out, error %v", name, err)
		}
	}
	if _, err := f.Queue(t.Context(), Request{TenantID: tenant, Mode: crm.ModeApply, PlanID: 9999, Trigger: "button"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a preview that is not there: %v", err)
	}
	if n := f.number("SELECT COUNT(*) FROM crm_runs"); n != 2 {
		t.Errorf("%d runs", n)
	}
}

package web

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"booking/host/internal/auth"
	"booking/shared/crm"
)

var eventAddress = regexp.MustCompile(`http://calendar\.example/hooks/crm/([A-Z2-7]{26})`)

func TestAnAddressForEventsIsMadeSeenOnceRenewedAndTakenAway(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "События выключены", `href="/settings/events"`)
	v.get("/settings/events").contains(t, "Включить: создать адрес", "Портал → Исходящие вебхуки", "!/hooks/crm/")
	made := v.post("/settings/events", "events", "new")
	first := eventAddress.FindStringSubmatch(made.body)
	if made.status != http.StatusCreated || first == nil || made.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d\n%s", made.status, made.body)
	}
	made.contains(t, "больше он не покажется", "События включены", "ещё ничего не присылал")
	for _, page := range []string{"/settings/events", "/settings/crm", "/audit"} {
		v.get(page).contains(t, "!"+first[1])
	}
	renewed := eventAddress.FindStringSubmatch(v.post("/settings/events", "events", "new").body)
	if _, _, err := auth.EventAddress(t.Context(), s.Store, first[1]); err == nil {
		t.Error("the first address still opens something")
	}
	if known, tenant, err := auth.EventAddress(t.Context(), s.Store, renewed[1]); err != nil || known.TenantID != s.ours || tenant.Name != "Ромашка" {
		t.Errorf("%+v %+v %v", known, tenant, err)
	}
	if a := v.post("/settings/events", "events", "off"); a.to != "/settings/events" {
		t.Errorf("%d %s", a.status, a.to)
	}
	if _, _, err := auth.EventAddress(t.Context(), s.Store, renewed[1]); err == nil {
		t.Error("switched off, it still opens something")
	}
	v.post("/settings/events", "events", "off") // nothing to switch off: nothing to note
	audit := v.get("/audit")
	audit.contains(t, "События включены: создан адрес", "Новый адрес для событий", "События выключены", "Анна")
	if n := strings.Count(audit.body, "События выключены"); n != 1 {
		t.Errorf("switched off %d times", n)
	}
	for _, secret := range []string{first[1], renewed[1]} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("an address is in the log")
		}
	}
	v.post("/language", "language", "en")
	v.get("/settings/events").contains(t, "Switch on: make an address", "Portal → Outbound webhooks", "Example CRM")
}

func TestThePageSaysWhatHasComeAndWhyNothingHappens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	v.post("/settings/events", "events", "new")
	known, err := s.EventAddress(t.Context(), s.ours, "scripted")
	if err != nil {
		t.Fatal(err)
	}
	note := func(reason crm.EventReason) {
		t.Helper()
		if noted, err := s.NoteEvent(t.Context(), known, reason); err != nil || !noted {
			t.Fatalf("%v %v", noted, err)
		}
	}
	note(crm.EventNotConfigured)
	v.get("/settings/events").contains(t, "отклонено", "заполните это в настройках подключения", "ещё ничего не присылал")
	s.exec("UPDATE crm_event_addresses SET refused_at = refused_at - INTERVAL 1 MINUTE")
	note("")
	v.get("/settings/crm").contains(t, "Последнее событие:", "!отклонено", "!события ничего не запускают")
	s.exec("UPDATE crm_connections SET enabled = 0")
	v.get("/settings/crm").contains(t, "события ничего не запускают")
}

func TestEventsAreNotOfferedWhereThePluginReadsNone(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Plugins = deaf{o.Plugins} })
	s.connect()
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "Подключение", "!События", "!/settings/events")
	for _, a := range []answer{v.get("/settings/events"), v.post("/settings/events", "events", "new")} {
		if a.to != "/settings/crm" {
			t.Errorf("%d %s", a.status, a.to)
		}
	}
	if known, err := s.EventAddress(t.Context(), s.ours, "scripted"); err != nil || known.On() {
		t.Errorf("%+v %v", known, err)
	}
}

// deaf are plugins that read no events.
type deaf struct{ Plugins }

func (d deaf) Describe(ctx context.Context, name string) (crm.Plugin, crm.Description, func(), error) {
	plugin, description, release, err := d.Plugins.Describe(ctx, name)
	description.Capabilities = []crm.Capability{crm.CapabilitySyncUsers}
	description.Fields = description.Fields[:1]
	return plugin, description, release, err
}

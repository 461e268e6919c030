package web

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Times are those of the company: whoever looks, and in what is sent live, too.
func TestTimesAreInTheTenantsZone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	at := time.Date(2026, time.November, 23, 22, 30, 0, 0, time.UTC)
	s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, requested_at, started_at, finished_at) VALUES (?, 'scripted', 'portal.example', 'apply', 'cli', 'succeeded', ?, ?, ?)`, s.ours, at, at, at)
	admin := s.signedIn("admin@ours.example")
	root := s.signedIn("super@host.example")
	root.post("/tenants", "tenant", fmt.Sprint(s.ours))
	shown := func(want ...string) {
		t.Helper()
		for _, v := range []*visitor{admin, root} {
			v.get("/runs").contains(t, want...)
		}
	}
	shown(">23.11.2026, 22:30</time>", `title="UTC"`, "Время на страницах: UTC")
	zone := func(name string) {
		s.exec("INSERT INTO crm_schedules (tenant_id, zone, updated_at) VALUES (?, ?, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE zone = VALUES(zone)", s.ours, name)
	}
	zone("Asia/Yekaterinburg")
	shown(">24.11.2026, 03:30</time>", `title="Asia/Yekaterinburg"`, `datetime="2026-11-23T22:30:00Z"`, "Время на страницах: Asia/Yekaterinburg")
	zone("America/St_Johns")
	admin.post("/language", "language", "en")
	admin.get("/runs").contains(t, ">23 Nov 2026, 19:00</time>", "Times on these pages: America/St_Johns")
	zone("Not/A_Zone") // the host's own, then
	admin.get("/runs").contains(t, ">23 Nov 2026, 22:30</time>")
	// Another company's zone is its own.
	s.signedIn("admin@theirs.example").get("/audit").contains(t, "Время на страницах: UTC")
}

// However many zones there are, what is remembered is bounded, and the host's own stays
// once somebody has asked for it.
func TestTonguesAreRememberedWithinBounds(t *testing.T) {
	t.Parallel()
	all := newTongues(time.UTC)
	own, err := all.in("ru", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * tonguesKept {
		if _, err := all.in("ru", time.FixedZone(fmt.Sprint("zone ", i), i*60)); err != nil {
			t.Fatal(err)
		}
		if len(all.known) > tonguesKept {
			t.Fatalf("%d tongues are remembered", len(all.known))
		}
	}
	if again, err := all.in("ru", time.UTC); err != nil || fmt.Sprintf("%p", again) != fmt.Sprintf("%p", own) {
		t.Errorf("the host's own was made anew (%v)", err)
	}
}

// 1 человек, 2 человека, 5 человек; 11 to 14 and what ends in them like 5.
func TestPluralForms(t *testing.T) {
	t.Parallel()
	for count := range 1200 {
		want := "человек-many"
		switch tens := count % 100; {
		case tens >= 11 && tens <= 14:
		case count%10 == 1:
			want = "человек-one"
		case count%10 >= 2 && count%10 <= 4:
			want = "человека-few"
		}
		if got := plural("ru", count, "человек-one", "человека-few", "человек-many", "person", "people"); got != want {
			t.Errorf("%d %s, want %s", count, got, want)
		}
		english := "people"
		if count == 1 {
			english = "person"
		}
		if got := plural("en", count, "", "", "", "person", "people"); got != english {
			t.Errorf("%d %s", count, got)
		}
	}
	if got := counted("ru", 1_234_567, "", "", "человек", "", ""); got != "1\u202f234\u202f567\u00a0человек" {
		t.Errorf("%q", got)
	}
	// A number and its word stay together on a line.
	if got := counted("en", 12, "", "", "", "", "people"); strings.Contains(got, " ") {
		t.Errorf("%q", got)
	}
}

// A template speaks one language before it is parsed, and what it says is text.
func TestTemplatesSpeakOneLanguage(t *testing.T) {
	t.Parallel()
	source := `<p title="{{t "Ё & <б>" "a \"b\" & <c>"}}">{{.D}} {{t "два" "two"}}{{t .D "three"}}</p>`
	for locale, want := range map[string]string{
		"ru": `<p title="Ё &amp; &lt;б&gt;">{{.D}} два{{t .D "three"}}</p>`,
		"en": `<p title="a &#34;b&#34; &amp; &lt;c&gt;">{{.D}} two{{t .D "three"}}</p>`,
	} {
		if got := speak(locale, source); got != want {
			t.Errorf("%s: %s, want %s", locale, got, want)
		}
	}
}

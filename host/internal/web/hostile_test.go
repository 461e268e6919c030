package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
)

// hostile is a company in which everything that anybody can name bears one name.
type hostile struct {
	*site
	text           string
	v              *visitor
	run, live      int64
	person, nobody int64
	token          int64
}

// fit cuts a text to what a column takes.
func fit(text string, most int) string {
	letters := []rune(text)
	return string(letters[:min(len(letters), most)])
}

// hostile fills our company: people, runs with every kind of change, the log, tokens,
// sessions, mails, and a plugin whose words are that name, too.
func (s *site) hostile(text string) *hostile {
	s.t.Helper()
	h := &hostile{site: s, text: text}
	s.exec("UPDATE tenants SET name = ? WHERE id = ?", fit(text, 255), s.ours)
	s.exec("UPDATE users SET name = ?, phone = ?, position = ?, bitrix24_user_id = '1' WHERE tenant_id = ?", fit(text, 255), fit(text, 32), fit(text, 255), s.ours)
	h.person = s.personID("employee@ours.example")
	for i := range peopleOnPage + 1 {
		h.nobody = s.person(s.ours, fit(text, 255), fit(text, 200)+number(i)+"@ours.example", store.RoleEmployee)
	}
	h.fillRuns()
	h.fillLog()
	s.plugin.describe = func() crm.Description { return hostileDescription(text) }
	s.plugin.list = func(crm.ChoicesRequest) (crm.Choices, error) {
		return crm.Choices{Counted: true, People: 3, Nodes: []crm.ChoiceNode{{Value: "1", Label: text, People: 2}, {Value: "2", Label: text, Parent: "1", People: 1}}}, nil
	}
	s.plugin.check = func(crm.Settings) []crm.Finding {
		return []crm.Finding{{Message: crm.Text{RU: text, EN: text}}, {OK: true, Message: crm.Text{RU: text, EN: text}}}
	}
	h.v = s.visitor()
	h.v.header.Set("User-Agent", strings.Map(printable, fit(text, 250)))
	if a := h.v.post("/sign-in", "email", "admin@ours.example", "password", password); a.status != http.StatusSeeOther {
		s.t.Fatalf("sign in: %d", a.status)
	}
	return h
}

// printable leaves out what no header can hold.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

func hostileDescription(text string) crm.Description {
	d := scriptedDescription()
	both := crm.Text{RU: text, EN: text}
	d.Title = both
	for i := range d.Fields {
		d.Fields[i].Label, d.Fields[i].Help = both, both
		for j := range d.Fields[i].Choices {
			d.Fields[i].Choices[j].Label = both
		}
	}
	return d
}

// fillRuns makes a run that is over, with every kind of change, one that failed, one that
// goes on, and a preview.
func (h *hostile) fillRuns() {
	s, name := h.site, fit(h.text, 255)
	values := string(must(json.Marshal(map[string]any{"name": name, "email": name, "phone": name, "position": name, "bitrix24_user_id": name})))
	insert := func(mode, status string, active, finished any) int64 {
		return s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, active_tenant, lease_until, requested_at, started_at, finished_at, fetched, created, updated, conflicts, skipped, held, error_code, error_ru, error_en, plan_hash)
			VALUES (?, 'scripted', ?, ?, 'button', ?, ?, UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), ?, 9, 1, 2, 3, 3, 1, 'internal', ?, ?, REPEAT('a', 64))`, s.ours, name, mode, status, active, finished, name, name)
	}
	now := time.Now().UTC()
	insert("apply", "failed", nil, now)
	preview := insert("preview", "succeeded", nil, now)
	h.run = insert("apply", "succeeded", nil, now)
	h.live = insert("apply", "running", s.ours, nil)
	for _, run := range []int64{preview, h.run, h.live} {
		s.exec("INSERT INTO crm_run_progress (run_id, requested_by, stage, done, total) VALUES (?, ?, 'writing', 3, 9)", run, h.person)
		for i, action := range slices.Sorted(maps.Keys(actions)) {
			for j, reason := range []crm.Reason{"", crm.ReasonInvalid, crm.ReasonEmailTaken, crm.ReasonDuplicateEmail} {
				s.exec(`INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, reason, field, other_external_id, other_user_id, name, email, before_values, after_values, created_at)
					VALUES (?, ?, ?, ?, ?, ?, 'name', ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))`, run, s.ours, []any{h.person, nil}[j%2], fit(h.text, 200)+number(i*10+j), string(action), string(reason), fit(h.text, 200),
					[]any{nil, h.person}[j/2], name, name, values, values)
			}
		}
		s.exec(`INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, name, email, before_values, after_values, created_at)
			VALUES (?, ?, ?, '1', 'updated', ?, ?, ?, ?, UTC_TIMESTAMP(6))`, run, s.ours, h.person, name, name, values, values)
	}
}

// fillLog has something of every kind in the log, a token, a mail and the connection.
func (h *hostile) fillLog() {
	s, t, name := h.site, h.t, fit(h.text, 255)
	for _, action := range slices.Sorted(maps.Keys(auditLabels)) {
		for _, subject := range []string{name, number(int(h.person))} {
			if err := s.AddAudit(t.Context(), store.AuditEntry{TenantID: s.ours, UserID: h.person, UserName: name, Action: action, Subject: subject, Old: name, New: name}); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.token = s.addToken(s.ours, "x")
	s.exec("UPDATE booking_tokens SET name = ?, created_by_name = ?", fit(h.text, 100), name)
	if err := s.AddMail(t.Context(), s.box, store.Mail{To: "a@ours.example", Subject: name, Body: h.text, ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	_, err := s.EditConnection(t.Context(), s.box, s.ours, func(e *store.ConnectionEdit) error {
		e.UsePlugin("scripted")
		e.Plain["departments"], e.Plain["plan"], e.Portal = h.text, h.text, name
		e.Secret["webhook"] = secret.New(webhook)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.exec("UPDATE crm_connections SET links_portal = CONCAT(LEFT(?, 254), '.')", name)
}

// pages are all of them, as the routes have them, and those that only a form brings.
func (h *hostile) pages() map[string]answer {
	h.t.Helper()
	all := map[string]answer{}
	link := h.ask(h.visitor(), "manager@ours.example")
	for _, route := range h.site.pages.routes() {
		path, get := strings.CutPrefix(route.pattern, "GET ")
		if !get || strings.HasPrefix(path, "/static/") || strings.HasSuffix(path, "/events") || strings.HasSuffix(path, "z") {
			continue // no page
		}
		for _, run := range []int64{h.run, h.live, h.run - 1, h.run - 2} {
			path := strings.NewReplacer("{$}", "", "{run}", fmt.Sprint(run), "{field}", "departments", "/recover/{token}", link, "{person}", fmt.Sprint(h.person), "/portal", "/portal?id="+escaped(fit(h.text, 200)+"0")).Replace(path)
			all[path] = h.v.get(path)
			if !strings.Contains(route.pattern, "{run}") {
				break
			}
		}
	}
	name := escaped(fit(h.text, 255)) // no more fits into the form, nor into the column
	for _, path := range []string{"/people?linked=conflict", "/people?q=" + name, "/people?q=" + name + "&role=admin&active=no", "/people/new?portal=" + escaped(fit(h.text, 200)),
		runPath(h.run) + "?action=conflict", runPath(h.run) + "?q=" + name, runPath(h.run) + "?action=" + escaped(h.text), personPath(h.nobody), "/no/" + escaped(h.text), "/sign-in?next=/" + escaped(h.text)} {
		all[path] = h.v.get(path)
	}
	all["first sign-in"] = h.visitor().get("/sign-in?next=/" + escaped(h.text))
	all["refused sign-in"] = h.visitor().post("/sign-in", "email", h.text, "password", h.text, "next", h.text)
	all["recovery"] = h.visitor().post("/recover", "email", h.text)
	all["checked"] = h.v.post("/settings/crm/check")
	all["refused settings"] = h.v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "setting.webhook", h.text, "setting.departments", h.text, "setting.plan", h.text)
	all["refused choices"] = h.v.post("/settings/crm/choices/departments", "value", h.text)
	all["refused schedule"] = h.v.post("/settings/crm/schedule", "when", "daily", "at", h.text)
	all["refused token"] = h.v.post("/settings/tokens", "name", h.text+strings.Repeat("x", 300), "scope", h.text)
	all["refused person"] = h.v.post("/people/new", "name", h.text, "email", h.text, "phone", h.text, "link", h.text, "role", h.text)
	all["stale person"] = h.v.post(personPath(h.person), "name", h.text+"!", "email", h.text+"!", "phone", h.text+"!", "link", h.text+"!", "role", h.text, "seen", h.text)
	all["nobody may"] = h.signedIn("manager@ours.example").get("/people")
	root := h.signedIn("super@host.example")
	all["/tenants"] = root.get("/tenants")
	return all
}

func escaped(text string) string {
	return url.QueryEscape(text)
}

// hostileNames are what people, companies and portals may be called.
var hostileNames = map[string]string{
	"markup":        `<script>alert(1)</script><b onclick="alert(2)">"'><img src=x onerror=alert(3)></title></textarea><!--`,
	"template":      `{{.V.Who.PasswordHash}} {{define "main"}}x{{end}} ${7*7} <%= 1 %>`,
	"right-to-left": "\u202eвалшоп акинзаворп \u2067שלום\u2069 مرحبا",
	"emoji":         strings.Repeat("👩‍👩‍👧‍👦🏳️‍🌈", 8),
	"255 letters":   strings.Repeat("Ы", 255),
	"255 wide":      strings.Repeat("🙂", 255),
	"combining":     "Z̸̢̛̤͎a̵̧̛l̷̨͝g̶̡̛o " + strings.Repeat("a\u0301\u0302\u0303", 60),
	"spaces":        "a\u00a0\u200b\u200d\ufeff\u2028b   c",
	"url":           "javascript:alert(1)//https://evil.example/?a=b&c=d#e",
}

// Every page, with such names everywhere, has the same elements with the same attributes
// as with an ordinary one: a name is text, whatever it holds.
func TestPagesAreTheSameWhateverPeopleAreCalled(t *testing.T) {
	t.Parallel()
	ordinary := map[string]string{}
	for path, a := range newSite(t).hostile("Обычное Имя").pages() {
		ordinary[generic(path, "Обычное Имя")] = skeleton(t, a)
	}
	for name, text := range hostileNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for path, a := range newSite(t).hostile(text).pages() {
				path = generic(path, text)
				want, there := ordinary[path]
				if got := skeleton(t, a); !there || got != want {
					t.Errorf("%s (%d): not the page that it is with an ordinary name%s", path, a.status, difference(want, got))
				}
				if a.status >= http.StatusInternalServerError {
					t.Errorf("%s: %d", path, a.status)
				}
				if !a.download() {
					isolated(t, path, a.body)
				}
			}
		})
	}
}

// generic is a page's path without the name in it, and without the token of a link.
func generic(path, text string) string {
	for _, form := range []string{escaped(text), escaped(fit(text, 255)), escaped(fit(text, 200))} {
		path = strings.ReplaceAll(path, form, "NAME")
	}
	if strings.HasPrefix(path, "/recover/") {
		return "/recover/TOKEN"
	}
	return path
}

// download reports whether the answer is a file and no page.
func (a answer) download() bool { return a.header.Get("Content-Disposition") != "" }

// skeleton is a page without its words: elements and the names of their attributes.
func skeleton(t *testing.T, a answer) string {
	t.Helper()
	if a.download() {
		return a.header.Get("Content-Type")
	}
	root, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		out.WriteString("<" + n.Data)
		for _, attribute := range n.Attr {
			out.WriteString(" " + attribute.Key)
		}
		out.WriteString(">\n")
	}
	return out.String()
}

// isolated: text that is read from the right turns nothing else round.
func isolated(t *testing.T, path, page string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.TextNode || !strings.Contains(n.Data, "\u202e") {
			continue
		}
		alone := false
		for above := n.Parent; above != nil; above = above.Parent {
			class := ""
			for _, attribute := range above.Attr {
				if attribute.Key == "class" {
					class = attribute.Val
				}
			}
			// A title and what only screen readers read have nobody beside them.
			alone = alone || slices.Contains([]string{"bdi", "title", "option", "pre", "h1", "h2", "label", "p"}, above.Data) && len(strings.TrimSpace(textBeside(n))) == 0 || above.Data == "bdi" || above.Data == "title" || class == "sr"
		}
		if !alone {
			t.Errorf("%s: text from the right is not isolated: <%s>%.80s", path, n.Parent.Data, n.Data)
		}
	}
}

// textBeside is what stands beside a text in the same element.
func textBeside(n *html.Node) string {
	var out strings.Builder
	for one := n.Parent.FirstChild; one != nil; one = one.NextSibling {
		if one != n && one.Type == html.TextNode {
			out.WriteString(one.Data)
		}
	}
	return out.String()
}

// difference shows the first lines that two pages do not share.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf(": element %d is %s, not %s (after %s)", i, b[i], a[i], strings.Join(a[max(0, i-3):i], " "))
		}
	}
	return fmt.Sprintf(": %d elements, not %d", len(b), len(a))
}

// A page with nothing on it is a page, too: a company with nobody but its administrator,
// no connection, no run.
func TestPagesWithNothingOnThem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec("DELETE FROM users WHERE tenant_id = ? AND role <> 'admin'", s.ours)
	v := s.signedIn("admin@ours.example")
	for _, locale := range []string{"ru", "en"} {
		v.post("/language", "language", locale)
		for path, status := range map[string]int{
			"/settings/crm": 200, "/settings/tokens": 200, "/settings/crm/choices/departments": 303, "/runs": 200, "/runs?before=1": 200, "/people": 200, "/people?linked=conflict": 200, "/people?linked=yes": 200,
			"/people?before=1": 200, "/people/new": 200, "/audit": 200, "/audit?before=1": 200, "/account": 200, "/mail": 200, personPath(s.personID("admin@ours.example")): 200,
		} {
			a := v.get(path)
			if a.status != status {
				t.Errorf("%s: %d", path, a.status)
			}
			if status == http.StatusOK {
				a.contains(t, `<html lang="`+locale+`">`, "</html>", "!0001", "!&lt;nil", "!%!")
			}
		}
	}
}

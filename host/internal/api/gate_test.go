package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"booking/host/internal/auth"
	"booking/host/internal/store"
)

// addresses are all routes as they can be called, but the description itself.
func (s *site) addresses(run int64) []route {
	var all []route
	for _, route := range new(Server).routes() {
		if route.scope != "" {
			route.path = strings.ReplaceAll(route.path, "{run}", fmt.Sprint(run))
			all = append(all, route)
		}
	}
	return all
}

// Every address, held against everybody who has no business there.
func TestATokenOpensItsOwnTenantAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	run := s.finishedRun(s.ours, "Вера")
	over := store.Token{TenantID: s.ours, Name: "over", Scope: store.ScopeRun, ExpiresAt: time.Now().Add(time.Hour)}
	expired, err := auth.AddToken(t.Context(), s.Store, store.Actor{}, &over)
	if err != nil {
		t.Fatal(err)
	}
	s.later(2 * time.Hour)
	revoked := s.token(s.ours, store.ScopeRun)
	s.exec("UPDATE booking_tokens SET revoked_at = UTC_TIMESTAMP(6) ORDER BY id DESC LIMIT 1")
	blocked, erased := s.company("Blocked"), s.company("Erased")
	ofBlocked, ofErased := s.token(blocked, store.ScopeRun), s.token(erased, store.ScopeRun)
	s.exec("UPDATE tenants SET subscription_status = 'blocked' WHERE id = ?", blocked)
	s.exec("UPDATE tenants SET deleted_at = NOW() WHERE id = ?", erased)
	body := map[string]string{http.MethodPost: `{"mode":"preview"}`}
	for _, route := range s.addresses(run) {
		call := func(token string, headers ...string) reply {
			t.Helper()
			return s.call(token, route.method, route.path, body[route.method], headers...)
		}
		name := route.method + " " + route.path
		call("").refused(t, name+" without a token", 401, "token_missing")
		call("", "Cookie", "booking_session="+s.run+"; token="+s.run).refused(t, name+" with a cookie", 401, "token_missing")
		call("", "Authorization", "Basic "+s.run).refused(t, name+" with another scheme", 401, "token_missing")
		call("booking_"+strings.Repeat("A", 52)).refused(t, name+" unknown", 401, "token_unknown")
		call(strings.ToLower(s.run)).refused(t, name+" in other letters", 401, "token_unknown")
		call(s.run+" "+s.run).refused(t, name+" twice", 401, "token_unknown")
		call(expired.Reveal()).refused(t, name+" expired", 401, "token_expired")
		call(revoked).refused(t, name+" revoked", 401, "token_revoked")
		call(ofBlocked).refused(t, name+" of a blocked tenant", 403, "tenant_blocked")
		call(ofErased).refused(t, name+" of a deleted tenant", 403, "tenant_blocked")
		if route.scope == store.ScopeRun {
			refused := call(s.read)
			refused.refused(t, name+" with a token that reads", 403, "token_scope")
			if got := refused.header.Get("WWW-Authenticate"); !strings.Contains(got, `error="insufficient_scope"`) {
				t.Errorf("%s: %q", name, got)
			}
		}
		if strings.Contains(route.path, fmt.Sprint(run)) {
			call(s.foreign).refused(t, name+" of another tenant", 404, "not_found")
			absent := strings.Replace(route.path, fmt.Sprint(run), "999", 1)
			if foreign, none := call(s.foreign), s.call(s.foreign, route.method, absent, body[route.method]); foreign.body != none.body {
				t.Errorf("%s: another tenant's run is told from none: %s, %s", name, foreign.body, none.body)
			}
		}
	}
	// A token in the address is none: it would stand in every log on the way.
	s.get("", "/runs?access_token="+s.run).refused(t, "in the address", 401, "token_missing")
}

// A page's cookie is worth nothing here, and a request without one has nothing to do
// with the browser it may come from: there is nothing to forge.
func TestEveryLookUpOfATokenIsTheSameWork(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	revoked := s.token(s.ours, store.ScopeRun)
	s.exec("UPDATE booking_tokens SET revoked_at = UTC_TIMESTAMP(6) ORDER BY id DESC LIMIT 1")
	for name, token := range map[string]string{"unknown": "booking_" + strings.Repeat("B", 52), "short": "x", "revoked": revoked} {
		s.asked.Take()
		s.get(token, "/status").refused(t, name, 401, map[bool]string{true: "token_revoked", false: "token_unknown"}[name == "revoked"])
		if asked := s.asked.Take(); len(asked) != 1 || !strings.Contains(asked[0], "booking_tokens") {
			t.Errorf("%s: %d statements: %q", name, len(asked), asked)
		}
	}
}

func TestATokenIsSlowedDownAndComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range auth.CallsAtOnce {
		if r := s.get(s.read, "/status"); r.status != http.StatusOK {
			t.Fatalf("call %d: %d", i+1, r.status)
		}
	}
	for _, route := range s.addresses(1) {
		refused := s.call(s.read, route.method, route.path, "")
		refused.refused(t, route.path, 429, "too_many_requests")
		if got := refused.header.Get("Retry-After"); got != "1" {
			t.Errorf("%s: Retry-After %q", route.path, got)
		}
	}
	// Others are not held up, and neither is the description.
	s.get(s.run, "/status").ok(t, 200)
	s.get("", "/openapi.json").ok(t, 200)
	s.later(auth.CallEvery)
	s.get(s.read, "/status").ok(t, 200)
	s.get(s.read, "/status").refused(t, "one too many", 429, "too_many_requests")
}

func TestMessagesAreInTheCallersLanguage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for header, c := range map[string]struct{ language, text string }{
		"": {"ru", "Нужен токен"}, "en": {"en", "A token is needed"}, "ru-RU,ru;q=0.9,en;q=0.8": {"ru", "Нужен токен"}, "en-GB;q=0.7, ru;q=0.3": {"en", "A token is needed"},
		"de, en;q=0.5": {"en", "A token is needed"}, "ja": {"ru", "Нужен токен"}, "*": {"ru", "Нужен токен"}, ";;;": {"ru", "Нужен токен"},
	} {
		r := s.call("", http.MethodGet, "/status", "", "Accept-Language", header)
		if got := r.refused(t, header, 401, "token_missing"); !strings.HasPrefix(got.Error.Message, c.text) || r.header.Get("Content-Language") != c.language {
			t.Errorf("%q: %q in %q", header, got.Error.Message, r.header.Get("Content-Language"))
		}
	}
	// The sentence of a run that failed, too.
	run := s.exec(`INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, requested_at, finished_at, error_code, error_ru, error_en)
		VALUES (?, 'scripted', 'apply', 'schedule', 'failed', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), 'unauthorized', 'Вебхук отозван.', 'The webhook was revoked.')`, s.ours)
	for header, text := range map[string]string{"ru": "Вебхук отозван.", "en": "The webhook was revoked."} {
		r := s.call(s.read, http.MethodGet, fmt.Sprintf("/runs/%d", run), "", "Accept-Language", header)
		if !strings.Contains(r.ok(t, 200).body, text) {
			t.Errorf("%s: %s", header, r.body)
		}
	}
}

func TestAnswersAreKeptNowhereAndSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, r := range []reply{s.get(s.read, "/status"), s.get("", "/status"), s.get(s.read, "/nowhere"), s.get("", "/openapi.json")} {
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Link": `</api/v1/openapi.json>; rel="service-desc"`,
			"Set-Cookie": "", "Access-Control-Allow-Origin": "",
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if r.header.Get("X-Request-Id") == "" {
			t.Error("an answer without a number")
		}
	}
}

func TestAddressesAndMethodsThatDoNotExist(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get(s.read, "/nowhere").refused(t, "no such address", 404, "not_found")
	s.get(s.read, "/runs/1/2/3").refused(t, "no such address", 404, "not_found")
	for method, path := range map[string]string{http.MethodDelete: "/runs", http.MethodPut: "/runs/1", http.MethodPatch: "/connection", http.MethodPost: "/status"} {
		r := s.call(s.run, method, path, "")
		r.refused(t, method+" "+path, 405, "method_not_allowed")
		if r.header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", method, path)
		}
	}
	if got := s.call(s.run, http.MethodDelete, "/runs", "").header.Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow: %q", got)
	}
	for _, run := range []string{"0", "-1", "x", "1e3", "99999999999999999999"} {
		s.get(s.read, "/runs/"+run).refused(t, run, 404, "not_found")
	}
}

// Parameters that are misspelt would be passed over in silence.
func TestParametersThatAreWrongAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	run := fmt.Sprintf("/runs/%d", s.finishedRun(s.ours, "Вера"))
	for _, path := range []string{
		"/status?x=1", "/connection?x=1", "/runs?limit=0", "/runs?limit=201", "/runs?limit=x", "/runs?before=0", "/runs?before=-5", "/runs?status=done", "/runs?mode=all",
		"/runs?Limit=1", "/runs?limit=1&limit=2", "/runs?limit=%zz", run + "?wait=31", run + "?wait=soon", run + "?action=created",
		run + "/changes?action=moved", run + "/changes?limit=1001", run + "/changes?after=x", run + "/changes?q=" + strings.Repeat("a", 256),
	} {
		if refused := s.get(s.read, path).refused(t, path, 400, "invalid_request"); len(refused.Error.Message) < 10 {
			t.Errorf("%s: %q", path, refused.Error.Message)
		}
	}
}

func TestTheLogHasTheTokensNumberAndNothingThatIsSecretOrPersonal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	run := s.finishedRun(s.ours, "Вера")
	s.get(s.read, fmt.Sprintf("/runs/%d/changes?q=verysecret%%40ours.example", run)).ok(t, 200)
	s.get("", "/runs?token="+s.run)
	s.get("booking_WRONG", "/status")
	s.get(s.read, "/connection").ok(t, 200)
	for _, leak := range []string{s.read, s.run, "booking_WRONG", "verysecret", "ours.example", "very-secret-hook", "Вера"} {
		if strings.Contains(s.log.String(), leak) {
			t.Errorf("the log has %q:\n%s", leak, s.log.String())
		}
	}
	var id int64
	if err := s.DB().NewRaw("SELECT MIN(id) FROM booking_tokens").Scan(t.Context(), &id); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("token=%d", id); !strings.Contains(s.log.String(), want) || !strings.Contains(s.log.String(), `route="GET /api/v1/runs/{run}/changes"`) {
		t.Errorf("the log lacks %q or the route:\n%s", want, s.log.String())
	}
}

func TestADatabaseThatIsAwayIsSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.get(s.read, "/status").refused(t, "closed", 503, "database")
}

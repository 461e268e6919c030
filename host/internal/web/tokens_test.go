package web

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"booking/host/internal/auth"
	"booking/host/internal/store"
)

// addToken makes a token of a company and returns its number.
func (s *site) addToken(tenant int64, name string) int64 {
	s.t.Helper()
	token := store.Token{TenantID: tenant, Name: name, Scope: store.ScopeRead}
	if _, err := auth.AddToken(s.t.Context(), s.Store, store.Actor{}, &token); err != nil {
		s.t.Fatal(err)
	}
	return token.ID
}

var freshToken = regexp.MustCompile(`booking_[A-Z2-7]{52}`)

func TestATokenIsMadeSeenOnceAndRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, `href="/settings/tokens"`)
	v.get("/settings/tokens").contains(t, "Новый токен", `href="/api/v1/openapi.json"`, `<option value="90" selected>`, "!booking_")
	made := v.post("/settings/tokens", "name", "ночной отчёт <b>", "scope", "run", "days", "30")
	token := freshToken.FindString(made.body)
	if made.status != http.StatusCreated || token == "" {
		t.Fatalf("%d\n%s", made.status, made.body)
	}
	made.contains(t, "больше он не покажется", "ночной отчёт &lt;b&gt;", "смотреть, запускать и останавливать", "Анна", "http://calendar.example/api/v1/status")
	if got := made.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the page with the token may be kept: %q", got)
	}
	// It works, and no page ever has it again.
	machines := auth.NewMachines(s.Store, s.pages.Log, time.Now)
	who, tenant, err := machines.Who(t.Context(), http.Header{"Authorization": {"Bearer " + token}})
	if err != nil || tenant.ID != s.ours || who.Scope != store.ScopeRun || who.ExpiresAt.Sub(who.CreatedAt).Round(time.Hour) != 30*24*time.Hour {
		t.Errorf("%v %+v", err, who)
	}
	for _, path := range []string{"/settings/tokens", "/settings/crm", "/account"} {
		v.get(path).contains(t, "!"+token)
	}
	v.get("/settings/tokens").contains(t, "действует", "Отозвать")
	if strings.Contains(s.log.String(), token) {
		t.Error("the log has the token")
	}
	var kept int
	if err := s.DB().NewRaw("SELECT COUNT(*) FROM booking_tokens WHERE LOCATE(?, CONCAT(token_hash, name)) > 0", token[len(auth.TokenPrefix):]).Scan(t.Context(), &kept); err != nil || kept != 0 {
		t.Errorf("the token is in the database (%v)", err)
	}

	// Another company's administrator has no say in it.
	revoke := fmt.Sprintf("/settings/tokens/%d/revoke", who.ID)
	other := s.signedIn("admin@theirs.example")
	other.get("/settings/tokens").contains(t, "!ночной отчёт")
	if a := other.post(revoke); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
	if a := v.post(revoke); a.to != "/settings/tokens" {
		t.Fatalf("%d", a.status)
	}
	v.get("/settings/tokens").contains(t, "отозван", "!Отозвать")
	if _, _, err := machines.Who(t.Context(), http.Header{"Authorization": {"Bearer " + token}}); err == nil {
		t.Error("it opens something still")
	}
	// Who did what is told on the settings page.
	s.connect()
	v.get("/settings/crm").contains(t, "Токен выпущен: ночной отчёт &lt;b&gt;", "Токен отозван: ночной отчёт", "Анна")
}

func TestATokenThatBreaksARuleIsSaidNextToItsName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	for name, form := range map[string][]string{"no name": {"name", " ", "scope", "read"}, "no scope": {"name", "x", "scope", "all"}} {
		a := v.post("/settings/tokens", form...)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, a.status)
		}
		a.contains(t, `id="error-name"`, `aria-invalid="true"`, "!booking_")
	}
	if n := s.count("SELECT COUNT(*) FROM booking_tokens"); n != 0 {
		t.Errorf("%d tokens", n)
	}
	v.post("/language", "language", "en")
	v.post("/settings/tokens", "name", "", "scope", "read").contains(t, "Name the token", "A new token", "for ever", "!Назовите", "!Выпустить")
}

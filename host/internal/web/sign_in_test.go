package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func TestSignInTellsNobodyWhoThereIs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec("UPDATE users SET is_active = 0 WHERE email = 'employee@ours.example'")
	s.exec("UPDATE tenants SET deleted_at = NOW() WHERE id = ?", s.theirs)
	var first string
	for _, c := range []struct{ name, email, password string }{
		{"unknown", "nobody@ours.example", password},
		{"wrong password", "admin@ours.example", "wrong"},
		{"inactive with the right password", "employee@ours.example", password},
		{"deleted company with the right password", "admin@theirs.example", password},
		{"accent that the collation calls equal", "ädmin@ours.example", password},
		{"password longer than bcrypt reads", "admin@ours.example", password + strings.Repeat("x", 2000)},
		{"password with a NUL", "admin@ours.example", password + "\x00"},
		{"nothing at all", "", ""},
	} {
		v := s.visitor()
		a := v.post("/sign-in", "email", c.email, "password", c.password)
		same := strings.ReplaceAll(a.body, c.email, "")
		if c.email == "" {
			same = a.body
		}
		if first == "" {
			first = same
		}
		if a.status != http.StatusUnprocessableEntity || same != first {
			t.Errorf("%s: %d, another answer than for the unknown one", c.name, a.status)
		}
		if len(a.header.Values("Set-Cookie")) != 0 || v.get("/account").status == http.StatusOK {
			t.Errorf("%s: got a session", c.name)
		}
		a.contains(t, "!wrong\"", "!"+password)
	}
}

// The password's form does not matter: the server beside us writes $2y$, Go $2a$.
func TestSignInAcceptsBothFormsOfBcrypt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for email, hash := range map[string]string{"a@ours.example": "$2a$", "y@ours.example": "$2y$"} {
		raw, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		s.exec("INSERT INTO users (tenant_id, name, email, password, role) VALUES (?, 'X', ?, ?, 'admin')", s.ours, email, hash+string(raw[4:]))
		s.signedIn(email)
	}
	// Letter case and spaces around are how people type addresses.
	s.signedIn(" ADMIN@ours.Example ")
}

func TestSignInMakesANewSessionWithACookieThatScriptsCannotRead(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.PublicURL = "https://calendar.example" })
	v := s.visitor()
	v.header.Set("Cookie", "__Host-booking_session=chosen-by-somebody-else")
	a := v.post("/sign-in", "email", "admin@ours.example", "password", password)
	cookie := a.header.Get("Set-Cookie")
	for _, flag := range []string{"__Host-booking_session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, flag) {
			t.Errorf("the cookie lacks %q: %s", flag, cookie)
		}
	}
	if strings.Contains(cookie, "chosen-by-somebody-else") || a.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("cookie %q, HSTS %q", cookie, a.header.Get("Strict-Transport-Security"))
	}
	token, _, _ := strings.Cut(strings.TrimPrefix(cookie, "__Host-booking_session="), ";")
	var kept int
	if err := s.DB().NewRaw("SELECT COUNT(*) FROM booking_sessions WHERE token_hash = ? OR LOCATE(?, data) > 0", token, token).Scan(t.Context(), &kept); err != nil || kept != 0 {
		t.Errorf("the token itself is in the database (%d rows, %v)", kept, err)
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, end := range map[string]func(){
		"when the person is deactivated": func() { s.exec("UPDATE users SET is_active = 0 WHERE email = 'admin@ours.example'") },
		"when the password changes": func() {
			s.exec("UPDATE users SET password = CONCAT(password, '.') WHERE email = 'admin@ours.example'")
		},
		"when the company is deleted": func() { s.exec("UPDATE tenants SET deleted_at = NOW() WHERE id = ?", s.ours) },
		"when the person is deleted":  func() { s.exec("DELETE FROM users WHERE email = 'admin@ours.example'") },
	} {
		s.exec("DELETE FROM users WHERE email = 'admin@ours.example'")
		s.exec("UPDATE tenants SET deleted_at = NULL")
		s.person(s.ours, "Анна", "admin@ours.example", "admin")
		v := s.signedIn("admin@ours.example")
		if a := v.get("/people"); a.status != http.StatusOK {
			t.Fatalf("%s: before: %d", name, a.status)
		}
		end()
		if a := v.get("/people"); a.status != http.StatusSeeOther {
			t.Errorf("%s: %d", name, a.status)
		}
		s.exec("UPDATE tenants SET deleted_at = NULL")
		s.exec("UPDATE users SET is_active = 1")
		if a := v.get("/account"); a.status == http.StatusOK {
			t.Errorf("%s: it lives again", name)
		}
	}
}

func TestSessionSeesARoleThatChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	s.exec("UPDATE users SET role = 'employee' WHERE email = 'admin@ours.example'")
	a := v.get("/settings/crm")
	if a.status != http.StatusForbidden {
		t.Errorf("%d", a.status)
	}
}

func TestSessionsAreListedAndTheOthersEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one, two := s.signedIn("admin@ours.example"), s.signedIn("admin@ours.example")
	if got := strings.Count(one.get("/account").body, "127.0.0.1"); got != 2 {
		t.Errorf("%d sessions are listed", got)
	}
	one.post("/account/sessions")
	if one.get("/account").status != http.StatusOK || two.get("/account").status == http.StatusOK {
		t.Error("not exactly the other session was ended")
	}
	one.post("/sign-out")
	if one.get("/account").status == http.StatusOK {
		t.Error("signed out and still in")
	}
}

func TestForbiddenPageSaysWhomToAsk(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.signedIn("employee@ours.example").get("/people")
	if a.status != http.StatusForbidden {
		t.Fatalf("%d", a.status)
	}
	a.contains(t, "Анна", "admin@ours.example", "!theirs.example", "!super@host.example")
}

func TestSignInLeadsToNoOtherSite(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/runs/7?action=conflict": "/runs/7?action=conflict", "": "/", "/": "/",
		"https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "evil": "/",
		"/\t/evil.example": "/", "/%0d%0aSet-Cookie:x=1": "/%0d%0aSet-Cookie:x=1", "http:evil.example": "/", "/a//b": "/a//b",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestSignInSlowsDownWhoeverTriesAgainAndAgain(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newSite(t, func(o *Options) { o.Clock = func() time.Time { return now } })
	var last answer
	tries := 0
	for last.status != http.StatusTooManyRequests && tries < 40 {
		last = s.visitor().post("/sign-in", "email", "nobody@ours.example", "password", "wrong")
		tries++
	}
	if tries < 5 || tries > 20 || last.header.Get("Retry-After") == "" {
		t.Errorf("slowed down after %d tries, Retry-After %q", tries, last.header.Get("Retry-After"))
	}
	// Somebody else is not meant, and after a while nobody is.
	s.signedIn("admin@ours.example")
	now = now.Add(5 * time.Minute)
	if a := s.visitor().post("/sign-in", "email", "nobody@ours.example", "password", "wrong"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("after five minutes: %d", a.status)
	}
}

func TestSignInCountsByTheAddressThatATrustedProxyTells(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		varied  bool // each try may claim another address and gets through
	}{
		"named proxy":   {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, true},
		"unknown proxy": {nil, false},
	} {
		now := time.Now()
		s := newSite(t, func(o *Options) { o.Proxies, o.Clock = c.trusted, func() time.Time { return now } })
		refused := false
		for i := range 40 {
			v := s.visitor()
			v.header.Set("X-Forwarded-For", netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String())
			a := v.post("/recover", "email", strings.Repeat("x", i+1)+"@ours.example")
			refused = refused || a.status == http.StatusTooManyRequests
		}
		if refused == c.varied {
			t.Errorf("%s: refused: %v", name, refused)
		}
	}
}

func TestHeadersLetNothingIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.visitor().get("/sign-in")
	csp := a.header.Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("policy: %s", csp)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Strict-Transport-Security": ""} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLogHasNoPersonalDataAndNoToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	v.get("/people?q=verysecretname")
	v.get("/recover/VERYSECRETTOKEN")
	v.post("/recover", "email", "asks@ours.example")
	for _, leak := range []string{"verysecretname", "VERYSECRETTOKEN", "asks@ours.example", "admin@ours.example", password} {
		if strings.Contains(s.log.String(), leak) {
			t.Errorf("the log has %q", leak)
		}
	}
	if !strings.Contains(s.log.String(), "/recover/{token}") {
		t.Error("the log does not have the route either")
	}
}

func TestFormThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	a := s.signedIn("admin@ours.example").post("/settings/crm", "plugin", "scripted", "setting.departments", strings.Repeat("1,", maxForm))
	if a.status < 400 || a.status >= 500 {
		t.Errorf("%d", a.status)
	}
}

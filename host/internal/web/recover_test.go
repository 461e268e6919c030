package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"booking/host/internal/store"
)

// ask asks for a link and waits for the mail; it returns the link's path.
func (s *site) ask(v *visitor, email string) string {
	s.t.Helper()
	before := len(s.mails(email))
	v.post("/recover", "email", email)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if all := s.mails(email); len(all) > before {
			link := linkInMail.FindString(all[0].Body)
			path, found := strings.CutPrefix(link, "http://calendar.example")
			if !found {
				s.t.Fatalf("the link %q does not begin with the public address", link)
			}
			return path
		}
	}
	s.t.Fatalf("no mail came\n%s", s.log)
	return ""
}

func (s *site) mails(to string) []store.Mail {
	s.t.Helper()
	all, err := s.Mails(context.Background(), s.box)
	if err != nil {
		s.t.Fatal(err)
	}
	var found []store.Mail
	for _, m := range all {
		if m.To == to {
			found = append(found, m)
		}
	}
	return found
}

func TestRecoverANewcomerOfASyncGetsIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec("INSERT INTO users (tenant_id, name, email, password, role, bitrix24_user_id) VALUES (?, 'Новичок', 'new@ours.example', ?, 'employee', '7')",
		s.ours, "$2y$12$"+strings.Repeat("x", 53))
	v := s.visitor()
	v.header.Set("X-Forwarded-Host", "evil.example")
	link := s.ask(v, "new@ours.example")
	// Opening does not use it up: mail servers do.
	for range 3 {
		if a := v.get(link); a.status != http.StatusOK {
			t.Fatalf("opening: %d", a.status)
		}
	}
	for name, pair := range map[string][2]string{"too short": {"short", "short"}, "two different": {password, password + "!"}, "the address": {"new@ours.example", "new@ours.example"}, "too long": {strings.Repeat("я", 40), strings.Repeat("я", 40)}} {
		if a := v.post(link, "password", pair[0], "again", pair[1]); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := v.post(link, "password", "ten letters or more", "again", "ten letters or more"); a.to != "/" {
		t.Fatalf("using it: %d\n%s", a.status, a.body)
	}
	if a := v.get("/account"); a.status != http.StatusOK {
		t.Errorf("not signed in after it: %d", a.status)
	}
	fresh := s.visitor()
	if a := fresh.post("/sign-in", "email", "new@ours.example", "password", "ten letters or more"); a.to != "/" {
		t.Errorf("the new password does not work: %d", a.status)
	}
	var hash string
	if err := s.DB().NewRaw("SELECT password FROM users WHERE email = 'new@ours.example'").Scan(t.Context(), &hash); err != nil || !strings.HasPrefix(hash, "$2y$12$") {
		t.Errorf("the hash is %.7s (%v)", hash, err)
	}
	if a := fresh.post(link, "password", "another password", "again", "another password"); a.status != http.StatusGone {
		t.Errorf("used twice: %d", a.status)
	}
}

func TestRecoverLinkEnds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newSite(t, func(o *Options) { o.Clock = func() time.Time { return now } })
	const who = "employee@ours.example"
	for name, end := range map[string]func(v *visitor){
		"after an hour":               func(*visitor) { s.exec("UPDATE booking_recoveries SET expires_at = UTC_TIMESTAMP(6)") },
		"when a newer one is sent":    func(v *visitor) { s.ask(v, who) },
		"when the address changes":    func(*visitor) { s.exec("UPDATE users SET email = 'thief@ours.example' WHERE email = ?", who) },
		"when the person is inactive": func(*visitor) { s.exec("UPDATE users SET is_active = 0 WHERE email = ?", who) },
	} {
		now = now.Add(time.Hour) // so that nobody is slowed down
		v := s.visitor()
		link := s.ask(v, who)
		end(v)
		if a := v.get(link); a.status != http.StatusGone {
			t.Errorf("%s: opening: %d", name, a.status)
		}
		if a := v.post(link, "password", password, "again", password); a.status != http.StatusGone {
			t.Errorf("%s: using: %d", name, a.status)
		}
		s.exec("UPDATE users SET is_active = 1, email = IF(email = 'thief@ours.example', ?, email)", who)
	}
}

func TestRecoverEndsEverySession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	thief, owner := s.signedIn("admin@ours.example"), s.visitor()
	link := s.ask(owner, "admin@ours.example")
	owner.post(link, "password", "an entirely new one", "again", "an entirely new one")
	if thief.get("/account").status == http.StatusOK {
		t.Error("the old session goes on")
	}
	if owner.get("/account").status != http.StatusOK {
		t.Error("whoever used the link is not signed in")
	}
}

func TestRecoverAnswersEverybodyAlike(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec("UPDATE users SET is_active = 0 WHERE email = 'employee@ours.example'")
	v := s.visitor()
	var first string
	for _, email := range []string{"admin@ours.example", "nobody@ours.example", "employee@ours.example"} {
		a := v.post("/recover", "email", email)
		same := strings.ReplaceAll(a.body, email, "")
		if first == "" {
			first = same
		}
		if a.status != http.StatusOK || same != first {
			t.Errorf("%s: %d, another answer", email, a.status)
		}
	}
	s.ask(v, "manager@ours.example")
	s.eventually(func() bool { return s.count("SELECT COUNT(*) FROM booking_mail_queue WHERE status = 'waiting'") == 0 })
	if n := len(s.mails("nobody@ours.example")) + len(s.mails("employee@ours.example")); n != 0 {
		t.Errorf("%d mails went to people who cannot sign in", n)
	}
}

func TestRecoverKeepsNoTokenInTheDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.ask(s.visitor(), "admin@ours.example")
	token := strings.TrimPrefix(link, "/recover/")
	var found int
	err := s.DB().NewRaw(`SELECT (SELECT COUNT(*) FROM booking_recoveries WHERE LOCATE(?, token_hash) > 0) + (SELECT COUNT(*) FROM booking_mails WHERE LOCATE(?, sealed) > 0)`,
		token, token).Scan(t.Context(), &found)
	if err != nil || found != 0 {
		t.Errorf("the token is in %d rows (%v)", found, err)
	}
}

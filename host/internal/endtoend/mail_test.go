package endtoend

import (
	"crypto/rand"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"booking/host/internal/mail/smtptest"
)

// mailServer gives a world a mail server that wants a password and speaks TLS. The
// password is a secret that must stand nowhere; the tokens of links are, too (linkToken).
func (w *world) mailServer() *smtptest.Server {
	w.t.Helper()
	certificate := httptest.NewTLSServer(nil) // for its certificate
	w.t.Cleanup(certificate.Close)
	s := smtptest.Start(w.t, func(s *smtptest.Server) { s.TLS, s.Extensions = certificate.TLS, []string{"AUTH PLAIN"} })
	password := collected.secret("the mail server's password", "mail/"+rand.Text())
	w.env["BOOKING_SMTP_URL_FILE"] = w.file("secret/smtp", s.URL("calendar:"+url.QueryEscape(password)))
	w.env["SSL_CERT_FILE"] = w.file("authority.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate().Raw})))
	return s
}

// askForLink asks for a one-time link as the page's form does.
func askForLink(t testing.TB, site, email string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, site+"/recover", strings.NewReader(url.Values{"email": {email}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", site)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("asking for a link: %s", answer.Status)
	}
}

// linkToken is the last part of a mail's link.
func linkToken(t testing.TB, m smtptest.Mail) string {
	t.Helper()
	link := regexp.MustCompile(`/recover/([A-Z2-7]{52})\n`).FindStringSubmatch(m.Body)
	if link == nil {
		t.Fatalf("no link in\n%s", m.Body)
	}
	return collected.secret("a one-time link's token", link[1])
}

func opens(t testing.TB, site, token string) bool {
	t.Helper()
	return strings.HasPrefix(ask(t, site+"/recover/"+token, ""), "200 ")
}

// A link that somebody has asked for arrives though the host is killed at any point of
// the conversation with the mail server, and arrives twice at most. (That no token, no
// password of the mail server stands anywhere is looked at when
// all tests are done.)
func TestMailSurvivesAKilledHost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		place smtptest.Place
		mails int
	}{{smtptest.Greeting, 1}, {smtptest.To, 1}, {smtptest.Taken, 2}} {
		w := newWorld(t)
		server := w.mailServer()
		reached, gone := make(chan struct{}), make(chan struct{})
		var once atomic.Bool
		server.Answers(func(place smtptest.Place, _ string) string {
			if place == c.place && once.CompareAndSwap(false, true) {
				close(reached)
				<-gone
			}
			return ""
		})
		w.must("", "tenants", "add", "--name", "Ромашка")
		password := collected.secret("a person's password", rand.Text())
		w.must(password, "users", "add", "--tenant", "1", "--email", "anna@example.com", "--name", "Анна", "--password-stdin")
		serving, site := w.serveOn(nil)
		askForLink(t, site, "anna@example.com")
		<-reached
		serving.signal(syscall.SIGKILL)
		serving.wait()
		close(gone)
		// The dead host's claim runs out (three minutes), and another host looks.
		exec1(t, w.db, "UPDATE booking_mail_queue SET due_at = UTC_TIMESTAMP(6) WHERE status = 'waiting'")
		serving, site = w.serveOn(nil)
		mails := server.Wait(t, c.mails)
		eventually(t, patience, "the mail to be sent", func() bool {
			return query(t, w.db, "SELECT COUNT(*) FROM booking_mail_queue WHERE status = 'sent'")[0] == "1"
		})
		if all := server.Mails(); len(all) != c.mails {
			t.Errorf("killed at %s: %d mails, want %d", c.place, len(all), c.mails)
		}
		if last := linkToken(t, mails[c.mails-1]); !opens(t, site, last) {
			t.Errorf("killed at %s: the link does not open", c.place)
		}
		if c.mails == 2 && opens(t, site, linkToken(t, mails[0])) {
			t.Errorf("killed at %s: two links open", c.place)
		}
		serving.signal(syscall.SIGTERM)
		if r := serving.wait(); r.code != 0 {
			t.Fatal(r)
		}
	}
}

// Nights by the old cron line: each administrator gets one mail about a portal that
// refuses us, one when it works again, and an old address is told of the new one. The
// mail server wants a password; mail test says so when it is wrong.
func TestMailAboutRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.mailServer()
	w.env["BOOKING_PUBLIC_URL"] = "https://calendar.example"
	p := startPortal(t, "--people", "0")
	p.ask("POST", "/people", `[{"id":7,"name":"Вера","email":"vera@example.com"}]`)
	tenant := w.connected(p)
	password := collected.secret("a person's password", rand.Text())
	w.must(password, "users", "add", "--tenant", tenant, "--email", "anna@example.com", "--name", "Анна", "--role", "admin", "--password-stdin")
	if out := w.must("", "mail", "test", "--to", "anna@example.com"); !strings.Contains(out, "принял письмо для anna@example.com") {
		t.Fatal(out)
	}
	night := func(code int) {
		t.Helper()
		w.must("", "sync-users", "--tenant", tenant, "--queue")
		w.exits(code, "", "schedule:run")
	}
	night(0) // Vera arrives
	p.ask("POST", "/faults", "no_auth,times=always")
	night(1)
	night(1)
	w.exits(1, "", "sync-users", "--tenant", tenant) // on the screen: no mail
	p.ask("DELETE", "/faults", "")
	p.ask("PATCH", "/people/7", `{"email":"vera.new@example.com"}`)
	night(0)
	night(0)
	var got []string
	for _, m := range server.Mails() {
		got = append(got, m.To+": "+m.Subject)
	}
	slices.Sort(got)
	want := []string{
		"anna@example.com: Проверка почты календаря бронирования",
		"anna@example.com: Синхронизация не удалась: Ромашка",
		"anna@example.com: Синхронизация снова работает: Ромашка",
		"vera@example.com: Ваш адрес в календаре бронирования изменён",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	server.Answers(func(place smtptest.Place, said string) string {
		if place == smtptest.Auth {
			return "535 wrong: " + said
		}
		return ""
	})
	refused := w.exits(1, "", "mail", "test", "--to", "anna@example.com")
	if strings.Count(refused.stderr, "\n") != 1 || !strings.Contains(refused.stderr, "535 wrong") || !strings.Contains(refused.stderr, "***") {
		t.Error(refused)
	}
	if logs, err := filepath.Glob(filepath.Join(w.dir, "*.log")); err != nil || len(logs) == 0 {
		t.Errorf("no log is searched for secrets: %v, %v", logs, err)
	}
}

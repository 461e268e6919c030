package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"strings"
	"testing"

	gomail "github.com/wneessen/go-mail"

	"booking/host/internal/mail/smtptest"
	"booking/shared/secret"
)

// sender sends to a server.
func sender(t *testing.T, s *smtptest.Server, user string) *SMTP {
	t.Helper()
	out, err := NewSMTP(secret.New(s.URL(user)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSMTPCarriesTheLinkWhole(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	link := "https://calendar.example/recover/" + strings.Repeat("A", 52)
	err := sender(t, s, "").Send(t.Context(), Message{To: "anna@example.com", Subject: "Вход\r\nBcc: thief@example.com", Body: "Здравствуйте!\n\n" + link + "\n.\nQUIT\n", ID: "abc.1"})
	if err != nil {
		t.Fatal(err)
	}
	m := s.Wait(t, 1)[0]
	head, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	if strings.Contains(head, "\r\nBcc:") || m.To != "anna@example.com" || m.From != "calendar@example.com" || m.Header.Get("To") != "<anna@example.com>" {
		t.Errorf("from %s to %s, head:\n%s", m.From, m.To, head)
	}
	if !strings.Contains(m.Body, link) || !strings.Contains(m.Body, "Здравствуйте!") || !strings.HasSuffix(m.Body, "\n.\nQUIT\n") {
		t.Errorf("body:\n%s", m.Body)
	}
}

// Date, Message-ID (of the sender's domain, and not of this machine) and the word that
// no human wrote it, so that no human's holiday answers.
func TestSMTPHeadersSayWhatTheMailIs(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	for _, id := range []string{"abc.1", ""} {
		if err := sender(t, s, "").Send(t.Context(), Message{To: "anna@example.com", Subject: "x", Body: "x", ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	mails := s.Wait(t, 2)
	for _, m := range mails {
		if _, err := mail.ParseDate(m.Header.Get("Date")); err != nil {
			t.Errorf("Date: %v", err)
		}
		if auto := m.Header.Get("Auto-Submitted"); auto != "auto-generated" {
			t.Errorf("Auto-Submitted: %q", auto)
		}
		if id := m.Header.Get("Message-Id"); !strings.HasSuffix(id, "@example.com>") {
			t.Errorf("Message-ID: %q", id)
		}
	}
	if first, second := mails[0].Header.Get("Message-Id"), mails[1].Header.Get("Message-Id"); first != "<abc.1@example.com>" || len(second) < 20 {
		t.Errorf("Message-IDs: %q, %q", first, second)
	}
}

// What is no single address goes nowhere, whatever it says.
func TestSMTPSendsToOneAddressOnly(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	for _, to := range []string{"", "anna", "anna@example.com, thief@example.com", "anna@example.com\r\nBcc: thief@example.com", "Anna <anna@example.com>", "<anna@example.com>", "anna@example.com> SIZE=1\r\nRCPT TO:<thief@example.com"} {
		var failure *Failure
		err := sender(t, s, "").Send(t.Context(), Message{To: to, Subject: "x", Body: "x"})
		if !errors.As(err, &failure) || !failure.Final || failure.Away {
			t.Errorf("%q: %v", to, err)
		}
	}
	if n := s.Met(); n != 0 {
		t.Errorf("%d conversations were begun", n)
	}
}

// A mail that was taken is sent, though the server hangs up instead of saying good-bye:
// otherwise it would be sent again.
func TestSMTPTakenIsSent(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	s.Answers(func(_ smtptest.Place, said string) string {
		if said == "RSET" || said == "QUIT" {
			return smtptest.HangUp
		}
		return ""
	})
	if err := sender(t, s, "").Send(t.Context(), Message{To: "anna@example.com", Subject: "x", Body: "x"}); err != nil {
		t.Error(err)
	}
	s.Wait(t, 1)
}

func TestSMTPFailuresAreToldApart(t *testing.T) {
	t.Parallel()
	type kind struct{ final, away bool }
	for _, c := range []struct {
		place  smtptest.Place
		answer string
		want   kind
	}{
		{smtptest.Greeting, "421 too busy", kind{away: true}},
		{smtptest.Greeting, "554 go away", kind{away: true}},
		{smtptest.Greeting, smtptest.HangUp, kind{away: true}},
		{smtptest.From, "550 sender unknown", kind{away: true}}, // ours to mend, and no other mail would fare better
		{smtptest.From, "452 no room", kind{away: true}},
		{smtptest.To, "550 5.1.1 no such person", kind{final: true}},
		{smtptest.To, "553 mailbox name not allowed", kind{final: true}},
		{smtptest.To, "450 4.2.0 greylisted", kind{}},
		{smtptest.To, "421 4.7.0 closing", kind{away: true}},
		{smtptest.To, "530 5.7.0 authentication required", kind{}},
		{smtptest.To, "550 5.7.1 relaying denied", kind{}}, // rights: most often ours
		{smtptest.Data, "451 later", kind{}},
		{smtptest.Taken, "554 5.6.0 it looks like spam", kind{final: true}},
		{smtptest.Taken, "452 mailbox full for now", kind{}},
		{smtptest.Taken, smtptest.HangUp, kind{away: true}},
	} {
		s := smtptest.Start(t, func(s *smtptest.Server) { s.Extensions = []string{"ENHANCEDSTATUSCODES"} })
		s.Answers(func(place smtptest.Place, _ string) string {
			if place == c.place {
				return c.answer
			}
			return ""
		})
		var failure *Failure
		err := sender(t, s, "").Send(t.Context(), Message{To: "anna@example.com", Subject: "x", Body: "x"})
		if !errors.As(err, &failure) || (kind{failure.Final, failure.Away} != c.want) {
			t.Errorf("%s %q: %+v, want %+v", c.place, c.answer, err, c.want)
		}
		if c.answer != smtptest.HangUp && !strings.Contains(err.Error(), strings.SplitN(c.answer, " ", 2)[1]) {
			t.Errorf("%s %q: the reason is %q", c.place, c.answer, err)
		}
	}
	s := smtptest.Start(t)
	s.Down()
	var failure *Failure
	err := sender(t, s, "").Send(t.Context(), Message{To: "anna@example.com", Subject: "x", Body: "x"})
	s.Up(t)
	if !errors.As(err, &failure) || !failure.Away || failure.Final {
		t.Errorf("nobody listens: %v", err)
	}
}

// A server may repeat what it was told, and more than a line of it.
func TestSMTPReasonHoldsNoPasswordAndIsOneLine(t *testing.T) {
	t.Parallel()
	const password = `p4ss"w0rd\canary`
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(web.Certificate())
	for name, answer := range map[string]func(string) string{
		"what was said": func(said string) string { return "535 you said " + said },
		"decoded": func(said string) string {
			words := strings.Fields(said)
			plain, _ := base64.StdEncoding.DecodeString(words[len(words)-1])
			return "535 you said " + strings.ReplaceAll(string(plain), "\x00", " ")
		},
		"the password alone":      func(string) string { return "535 not " + base64.StdEncoding.EncodeToString([]byte(password)) },
		"long, and with controls": func(string) string { return "535-\x1b[31m\u202e" + strings.Repeat("x", 400) + "\r\n535 end" },
	} {
		s := smtptest.Start(t, func(s *smtptest.Server) { s.TLS, s.Extensions = web.TLS, []string{"AUTH PLAIN"} })
		s.Answers(func(place smtptest.Place, said string) string {
			if place == smtptest.Auth {
				return answer(said)
			}
			return ""
		})
		out := sender(t, s, "user:"+url.QueryEscape(password))
		out.options = append(out.options, gomail.WithTLSConfig(&tls.Config{RootCAs: trusted, ServerName: "example.com", MinVersion: tls.VersionTLS12}))
		err := out.Send(t.Context(), Message{To: "anna@example.com", Subject: "x", Body: "x"})
		var failure *Failure
		if !errors.As(err, &failure) || !failure.Away || !strings.Contains(failure.Reason, "535") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, secret := range []string{password, `p4ss\"w0rd`, "w0rd", base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte("\x00user\x00" + password))} {
			if strings.Contains(failure.Reason, secret) {
				t.Errorf("%s: the reason is %q", name, failure.Reason)
			}
		}
		if len([]rune(failure.Reason)) > longestReason || strings.ContainsAny(failure.Reason, "\r\n\x1b\u202e") {
			t.Errorf("%s: the reason is %q", name, failure.Reason)
		}
	}
}

// A host that is told to stop while it dials does not wait for a server that says nothing.
func TestSMTPStopsWhenToldTo(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sender(t, s, "").Send(ctx, Message{To: "anna@example.com", Subject: "x", Body: "x"}); err == nil || len(s.Mails()) != 0 {
		t.Errorf("%v, %d mails", err, len(s.Mails()))
	}
}

func TestSMTPNeedsTLSOutsideThisMachine(t *testing.T) {
	t.Parallel()
	if isLocal("mail.example.com") || isLocal("10.0.0.1") || !isLocal("127.0.0.1") || !isLocal("localhost") || !isLocal("::1") {
		t.Error("what is this machine and what is not")
	}
}

func TestSMTPAddressIsNeverQuoted(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://u:hidden@host", "smtp://u:hidden@", "smtp://u:hidden@host", "smtp://u:hidden@host?from=nobody", "smtp://u:hid den@host:x"} {
		if _, err := NewSMTP(secret.New(address)); !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "hid") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

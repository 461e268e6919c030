package notice

import (
	"strings"
	"testing"

	"booking/host/internal/store"
)

// unset is a password of those that a sync gives to newcomers.
var unset = "$2y$12$" + strings.Repeat("x", 53)

func (o *office) newcomer(name, email string) store.Account {
	o.t.Helper()
	id := o.person(name, email, store.RoleEmployee)
	o.exec("UPDATE users SET password = ? WHERE id = ?", unset, id)
	who, err := o.Account(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return who
}

func (o *office) invite(who store.Account, before int64) {
	o.t.Helper()
	if err := o.Invite(o.t.Context(), who, before, "Анна"); err != nil {
		o.t.Fatal(err)
	}
}

func TestAnInvitationSaysWhoWhatForAndHow(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string][]string{
		"ru": {"Приглашение в календарь бронирования: Ромашка <b>", "Компания «Ромашка <b>»", "вы — видеть своё расписание", "https://calendar.example/recover/", "с адресом new@example.com", "кнопка, которая пришлёт новую"},
		"en": {"Your invitation to the booking calendar: Ромашка <b>", "Ромашка <b> has made an account", "see your own schedule", "https://calendar.example/recover/", "sign in as new@example.com", "a button there sends a new one"},
	} {
		o := newOffice(t)
		o.writer.Locale = locale
		o.invite(o.newcomer("דנה\r\nBcc: thief@example.com {link}", "new@example.com"), 0)
		o.send()
		m := o.server.Wait(t, 1)[0]
		text := m.Subject + "\n" + m.Body
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is not in\n%s", locale, w, text)
			}
		}
		// The name is a name: one line, set apart, and no place to be filled in.
		if !strings.Contains(m.Body, "\u2068דנה Bcc: thief@example.com {link}\u2069") || strings.Count(m.Body, "/recover/") != 1 || m.Header.Get("Bcc") != "" || m.To != "new@example.com" {
			t.Errorf("%s: %s", locale, m.Raw)
		}
	}
}

// Whoever has got in, or was deactivated, between the button and the sending gets none;
// whose address was changed meanwhile gets it at the new one.
func TestAnInvitationFollowsThePerson(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	inside, inactive, moved := o.newcomer("a", "a@example.com"), o.newcomer("b", "b@example.com"), o.newcomer("c", "c@example.com")
	for _, who := range []store.Account{inside, inactive, moved} {
		o.invite(who, 0)
	}
	o.exec("UPDATE users SET password = ? WHERE id = ?", "$2y$12$"+strings.Repeat("x", 52)+"y", inside.ID)
	o.exec("UPDATE users SET is_active = 0 WHERE id = ?", inactive.ID)
	o.exec("UPDATE users SET email = 'c2@example.com' WHERE id = ?", moved.ID)
	if got := o.sent(); len(got) != 1 || len(got["c2@example.com"]) != 1 {
		t.Errorf("sent %v", got)
	}
	for user, reason := range map[int64]string{inside.ID: ReasonInside, inactive.ID: ReasonInactive} {
		if n := o.number("SELECT COUNT(*) FROM booking_mail_queue WHERE user_id = ? AND status = 'dropped' AND reason = ?", user, reason); n != 1 {
			t.Errorf("user %d was not left out as %s", user, reason)
		}
	}
}

// Each try of a mail has a link of its own and ends the one before: nothing is kept
// that could be used twice.
func TestEveryTryHasALinkOfItsOwn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if err := o.AskForLink(t.Context(), "egor@example.com", "en"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		o.send()
		o.exec("UPDATE booking_mail_queue SET status = 'waiting', due_at = UTC_TIMESTAMP(6)") // as after a host that died before it could say so
	}
	mails := o.server.Wait(t, 2)
	if mails[0].Body == mails[1].Body || mails[0].Header.Get("Message-Id") == mails[1].Header.Get("Message-Id") || !strings.Contains(mails[0].Body, "Hello Егор,") {
		t.Errorf("%s\n%s", mails[0].Raw, mails[1].Raw)
	}
	if n := o.number("SELECT COUNT(*) FROM booking_recoveries"); n != 1 {
		t.Errorf("%d links open", n)
	}
	// Other mails are the same mail: many mailboxes show it once.
	o.run(func(r *store.Run) {
		r.Updated = 1
		o.moves(r.ID, 3, "egor@example.com", "new@example.com")
	})
	o.exec("DELETE FROM booking_mail_queue WHERE kind = 'link'")
	for range 2 {
		o.send()
		o.exec("UPDATE booking_mail_queue SET status = 'waiting', due_at = UTC_TIMESTAMP(6)")
	}
	if all := o.server.Wait(t, 4); all[2].Header.Get("Message-Id") != all[3].Header.Get("Message-Id") {
		t.Errorf("%s\n%s", all[2].Raw, all[3].Raw)
	}
}

package mail_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"booking/host/internal/auth"
	"booking/host/internal/hosttest"
	"booking/host/internal/mail"
	"booking/host/internal/mail/smtptest"
	"booking/host/internal/notice"
	"booking/host/internal/store"
	"booking/shared/secret"
	"booking/shared/testdb"
)

// post is a company on a database of its own, with a mail server.
type post struct {
	*store.Store
	t      *testing.T
	server *smtptest.Server
	tenant int64
}

func newPost(t *testing.T) *post {
	t.Helper()
	db := hosttest.Database(t, testdb.New(t))
	p := &post{Store: store.New(db), t: t, server: smtptest.Start(t)}
	tenant, err := p.AddTenant(t.Context(), "Ромашка")
	if err != nil {
		t.Fatal(err)
	}
	p.tenant = tenant.ID
	return p
}

// room is one host's; rate 0 is none.
func (p *post) room(rate int) *mail.Room {
	p.t.Helper()
	sender, err := mail.NewSMTP(secret.New(p.server.URL("")))
	if err != nil {
		p.t.Fatal(err)
	}
	return mail.NewRoom(mail.Options{Store: p.Store, Sender: sender, Log: slog.New(slog.DiscardHandler), Rate: rate,
		Writer: notice.Writer{Store: p.Store, PublicURL: "https://calendar.example", Locale: "ru", Zone: time.UTC}})
}

// work lets a room work until the test, or stop, ends it.
func (p *post) work(room *mail.Room) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		room.Work(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	p.t.Cleanup(stop)
	return stop
}

func (p *post) exec(query string, args ...any) {
	p.t.Helper()
	if _, err := p.DB().ExecContext(p.t.Context(), query, args...); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

// person adds somebody.
func (p *post) person(email string) {
	p.t.Helper()
	p.exec("INSERT INTO users (tenant_id, name, email, password, role, is_active) VALUES (?, 'Анна', ?, '$2y$12$x', 'employee', 1)", p.tenant, email)
}

// notices queues plain mails to so many addresses.
func (p *post) notices(n int) {
	p.t.Helper()
	for i := range n {
		p.queue(store.QueuedMail{Cause: fmt.Sprint("test:", i), Kind: store.MailAddress, Lane: store.LanePlain, TenantID: p.tenant,
			Recipient: fmt.Sprintf("old%d@example.com", i), Data: store.MailData{NewAddress: "n***@example.com", Portal: "portal.example"}})
	}
}

func (p *post) queue(m store.QueuedMail) {
	p.t.Helper()
	if err := p.QueueMail(p.t.Context(), m); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) ask(email string) {
	p.t.Helper()
	if err := p.AskForLink(p.t.Context(), email, "ru"); err != nil {
		p.t.Fatal(err)
	}
}

// row is what the queue says of a mail.
type row struct {
	Recipient, Status, Reason string
	Attempt                   int
}

func (p *post) rows(where string) []row {
	p.t.Helper()
	var rows []row
	err := p.DB().NewRaw("SELECT recipient, status, reason, attempt FROM booking_mail_queue WHERE "+where+" ORDER BY id").Scan(context.Background(), &rows)
	if err != nil {
		p.t.Fatal(err)
	}
	return rows
}

// until waits until the queue has so many rows of a kind.
func (p *post) until(where string, n int) []row {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		rows := p.rows(where)
		if len(rows) == n {
			return rows
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%d rows are %s, not %d: %+v", len(rows), where, n, p.rows("1 = 1"))
		}
	}
}

func TestRoomSendsALinkThatOpensAndKeepsNoToken(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.person("anna@example.com")
	room := p.room(0)
	p.work(room)
	p.ask(" Anna@example.com")
	room.Wake()
	m := p.server.Wait(t, 1)[0]
	_, rest, found := strings.Cut(m.Body, "https://calendar.example/recover/")
	token, _, _ := strings.Cut(rest, "\n")
	if !found || m.To != "anna@example.com" || !strings.Contains(m.Body, "Здравствуйте, Анна!") {
		t.Fatalf("to %s:\n%s", m.To, m.Body)
	}
	gate := auth.New(auth.Options{Store: p.Store, Log: slog.New(slog.DiscardHandler), Clock: time.Now})
	for range 2 {
		if account, err := gate.OpenLink(t.Context(), token); err != nil || account.Email != "anna@example.com" {
			t.Errorf("the link opens %+v (%v)", account, err)
		}
	}
	p.until("status = 'sent' AND attempt = 1", 1)
	var dump []string
	if err := p.DB().NewRaw("SELECT CONCAT_WS(' ', cause, recipient, data, HEX(token_hash), token_hash, reason) FROM booking_mail_queue").Scan(t.Context(), &dump); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.Join(dump, "\n"), token) {
		t.Errorf("the token is in the queue: %s", dump)
	}
}

// Nobody's address leaves no trace, and neither does one who may not sign in.
func TestRoomForgetsWhomNobodyKnows(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.person("gone@example.com")
	p.exec("UPDATE users SET is_active = 0")
	p.person("jose@example.com") // equal to josé for the collation
	for _, address := range []string{"nobody@example.com", "gone@example.com", "josé@example.com"} {
		p.ask(address)
	}
	for _, none := range []string{"", "no address", strings.Repeat("x", 300) + "@example.com", "a\x00b@example.com"} {
		p.ask(none)
	}
	if n := len(p.rows("1 = 1")); n != 3 {
		t.Fatalf("%d rows were queued", n)
	}
	p.room(0).Drain(t.Context())
	if rows, sent := p.rows("1 = 1"), len(p.server.Mails()); len(rows) != 0 || sent != 0 {
		t.Errorf("%d rows, %d mails", len(rows), sent)
	}
}

// However many hosts there are, each mail is sent once.
func TestRoomsShareTheWork(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	const mails = 60
	p.notices(mails)
	for range 3 {
		p.work(p.room(0))
	}
	p.until("status = 'sent'", mails)
	seen := map[string]int{}
	for _, m := range p.server.Mails() {
		seen[m.To]++
	}
	for i := range mails {
		if to := fmt.Sprintf("old%d@example.com", i); seen[to] != 1 {
			t.Errorf("%s got %d mails", to, seen[to])
		}
	}
}

// What a host had claimed when it died is sent by another one, when the claim is over.
func TestRoomTakesOverFromTheDead(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.notices(1)
	due, err := p.DueMails(t.Context(), [3]int{0, 1, 0})
	if err != nil || len(due) != 1 {
		t.Fatalf("%+v, %v", due, err)
	}
	if mine, err := p.ClaimMail(t.Context(), &due[0], time.Hour); err != nil || !mine {
		t.Fatalf("%v, %v", mine, err)
	}
	p.room(0).Drain(t.Context())
	if n := len(p.server.Mails()); n != 0 {
		t.Fatalf("a mail that another host is at was sent")
	}
	p.exec("UPDATE booking_mail_queue SET due_at = UTC_TIMESTAMP(6)") // the claim runs out
	p.room(0).Drain(t.Context())
	if rows := p.rows("status = 'sent'"); len(p.server.Mails()) != 1 || len(rows) != 1 || rows[0].Attempt != 2 {
		t.Errorf("%d mails, rows %+v", len(p.server.Mails()), rows)
	}
	// The dead was only asleep: what it says now does not count.
	if err := p.EndMail(t.Context(), due[0], store.MailFailed, "too late"); err != nil {
		t.Fatal(err)
	}
	p.until("status = 'sent' AND reason = ''", 1)
}

// A mail server that is away for hours: one knock at a time, links are over, and the
// rest is sent when it is back.
func TestRoomOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.person("anna@example.com")
	p.server.Answers(func(place smtptest.Place, _ string) string {
		if place == smtptest.Greeting {
			return "421 not now"
		}
		return ""
	})
	p.notices(40)
	p.ask("anna@example.com")
	room := p.room(0)
	stop := p.work(room)
	p.until("reason LIKE '%421 not now%'", 4) // as many as there are places knew no better
	room.Wake()
	p.until("reason LIKE '%421 not now%'", 5)
	room.Wake()
	p.until("reason LIKE '%421 not now%'", 6)
	if n := p.server.Met(); n != 6 {
		t.Errorf("the server was called %d times for 41 mails", n)
	}
	stop()
	if link := p.rows("kind = 'link'"); link[0].Status != "waiting" || link[0].Attempt < 1 {
		t.Errorf("the link: %+v", link)
	}
	// Hours go by.
	p.exec("UPDATE booking_mail_queue SET due_at = UTC_TIMESTAMP(6), expires_at = expires_at - INTERVAL 5 HOUR")
	p.server.Down()
	p.server.Answers(nil)
	p.server.Up(t)
	p.work(p.room(0))
	p.until("status = 'sent'", 40)
	if link := p.until("kind = 'link' AND status = 'dropped'", 1); link[0].Reason != mail.ReasonExpired {
		t.Errorf("the link: %+v", link)
	}
	for _, m := range p.server.Mails() {
		if m.To == "anna@example.com" {
			t.Error("a link was sent though it was asked for hours ago")
		}
	}
}

// An idle host asks one question a look, and looks again only when it is woken or
// after a while.
func TestRoomIdleAsksOneQuestionALook(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	asked := make(questions, 100)
	p.Store = store.New(p.DB().WithQueryHook(asked))
	room := p.room(0)
	p.work(room)
	<-asked
	for range 3 {
		room.Wake()
		<-asked
	}
	select {
	case question := <-asked:
		t.Errorf("asked for nothing: %s", question)
	default:
	}
}

// questions are what the database is asked.
type questions chan string

// BeforeQuery implements bun.QueryHook.
func (q questions) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	q <- e.Query
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (questions) AfterQuery(context.Context, *bun.QueryEvent) {}

// A mail that will never arrive is given up with what the server said; one that may is
// tried again; both hold up nobody.
func TestRoomGivesUpOneMailAndNotTheOthers(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	var greylisted atomic.Bool
	greylisted.Store(true)
	p.server.Answers(func(place smtptest.Place, said string) string {
		switch {
		case place == smtptest.To && strings.Contains(said, "old0@"):
			return "550 5.1.1 no such person"
		case place == smtptest.To && strings.Contains(said, "old1@") && greylisted.Load():
			return "450 4.2.0 try again"
		}
		return ""
	})
	p.notices(5)
	p.room(0).Drain(t.Context())
	if rows := p.rows("status = 'failed'"); len(rows) != 1 || rows[0].Recipient != "old0@example.com" || !strings.Contains(rows[0].Reason, "550 5.1.1 no such person") {
		t.Errorf("failed: %+v", rows)
	}
	if rows := p.rows("status = 'waiting'"); len(rows) != 1 || rows[0].Recipient != "old1@example.com" || !strings.Contains(rows[0].Reason, "450") {
		t.Errorf("waiting: %+v", rows)
	}
	greylisted.Store(false)
	p.exec("UPDATE booking_mail_queue SET due_at = UTC_TIMESTAMP(6) WHERE status = 'waiting'")
	p.room(0).Drain(t.Context())
	if n := len(p.rows("status = 'sent'")); n != 4 || len(p.server.Mails()) != 4 {
		t.Errorf("%d are sent, %d arrived", n, len(p.server.Mails()))
	}
}

// Ten thousand notices leave at their rate, and a link passes them all.
func TestRoomRateHoldsTheManyAndNotTheOne(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.person("anna@example.com")
	p.notices(100)
	room := p.room(1) // a minute, after the first few
	p.work(room)
	p.server.Wait(t, 4)
	p.ask("anna@example.com")
	room.Wake()
	mails := p.server.Wait(t, 5)
	if mails[4].To != "anna@example.com" {
		t.Errorf("the fifth mail went to %s", mails[4].To)
	}
	if n := len(p.rows("status = 'waiting' AND attempt = 0")); n != 96 {
		t.Errorf("%d wait", n)
	}
}

// Conversations that hang take every place but the one for what somebody waits for.
func TestRoomLinkPassesConversationsThatHang(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.person("anna@example.com")
	entered, open := make(chan struct{}, 100), make(chan struct{})
	p.server.Answers(func(place smtptest.Place, said string) string {
		if place == smtptest.Taken && strings.Contains(said, "To: <old") {
			entered <- struct{}{}
			<-open
		}
		return ""
	})
	t.Cleanup(sync.OnceFunc(func() { close(open) }))
	p.notices(10)
	room := p.room(0)
	p.work(room)
	for range 3 {
		<-entered
	}
	p.ask("anna@example.com")
	room.Wake()
	if mails := p.server.Wait(t, 1); mails[0].To != "anna@example.com" {
		t.Errorf("to %s", mails[0].To)
	}
}

// A host that is told to stop finishes the sentence it has begun, so that nobody says
// it again.
func TestRoomFinishesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	entered, open := make(chan struct{}, 1), make(chan struct{})
	p.server.Answers(func(place smtptest.Place, _ string) string {
		if place == smtptest.Taken {
			entered <- struct{}{}
			<-open
		}
		return ""
	})
	p.notices(1)
	stop := p.work(p.room(0))
	<-entered
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	close(open)
	<-stopped
	if rows := p.rows("status = 'sent'"); len(rows) != 1 {
		t.Errorf("%+v", p.rows("1 = 1"))
	}
}

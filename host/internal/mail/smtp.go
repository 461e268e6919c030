package mail

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"booking/shared/secret"
)

// sendPatience bounds each half of a conversation with the mail server: to be let in,
// and to hand a mail over.
const sendPatience = 20 * time.Second

// ErrAddress says that the address of a mail server is none.
var ErrAddress = errors.New("not the address of a mail server")

// SMTP sends by a mail server.
type SMTP struct {
	host, from, user string
	password         secret.Text
	options          []gomail.Option
}

var _ Sender = (*SMTP)(nil)

// NewSMTP takes smtp://user:password@host:587?from=calendar@example.com (TLS by
// STARTTLS, which the server must offer unless it is on this machine) or smtps://
// (TLS from the first byte). The error never quotes the address: it has a password.
func NewSMTP(address secret.Text) (*SMTP, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, ErrAddress
	}
	s := &SMTP{host: u.Hostname(), from: u.Query().Get("from")}
	if err := gomail.NewMsg().From(s.from); err != nil {
		return nil, fmt.Errorf("%w: from= must be the sender's address", ErrAddress)
	}
	port := 587
	if u.Scheme == "smtps" {
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	}
	if text := u.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return nil, ErrAddress
		}
	}
	policy := gomail.TLSMandatory
	if isLocal(s.host) {
		policy = gomail.TLSOpportunistic
	}
	s.options = append(s.options, gomail.WithPort(port), gomail.WithTLSPolicy(policy), gomail.WithTimeout(sendPatience))
	if password, given := u.User.Password(); given {
		s.user, s.password = u.User.Username(), secret.New(password)
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.user), gomail.WithPassword(password))
	}
	return s, nil
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("prepare the mail client: %w", err)
	}
	message, err := s.message(m)
	if err != nil {
		return err
	}
	// A mail that was taken is sent, whatever the server says to the good-bye.
	if err := client.DialAndSendWithContext(ctx, message); err != nil && !message.IsDelivered() {
		return s.failure(err)
	}
	return nil
}

// message is the mail as it goes out. Its headers say that no human wrote it, so that
// no human's holiday answers it (RFC 3834).
func (s *SMTP) message(m Message) (*gomail.Msg, error) {
	to, err := mail.ParseAddress(m.To)
	if err != nil || to.Name != "" || to.Address != m.To {
		return nil, &Failure{Final: true, Reason: "not an address"}
	}
	message := gomail.NewMsg()
	if err := message.From(s.from); err != nil {
		return nil, fmt.Errorf("name the sender of a mail: %w", err)
	}
	message.SetAddrHeaderFromMailAddress(gomail.HeaderTo, to)
	message.Subject(m.Subject)
	message.SetDate()
	// The sender's domain and not this machine's name, which is nobody's business.
	_, domain, _ := strings.Cut(message.GetFrom()[0].Address, "@")
	message.SetMessageIDWithValue(cmp.Or(m.ID, rand.Text()) + "@" + domain)
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetBodyString(gomail.TypeTextPlain, m.Body)
	return message, nil
}

// isLocal: what never leaves this machine needs no TLS.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

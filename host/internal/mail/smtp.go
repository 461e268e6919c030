package mail

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"booking/shared/secret"
)

// sendPatience bounds one conversation with the mail server.
const sendPatience = 20 * time.Second

// ErrAddress says that the address of a mail server is none.
var ErrAddress = errors.New("not the address of a mail server")

// SMTP sends by a mail server.
type SMTP struct {
	host, from string
	options    []gomail.Option
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
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, 2*sendPatience)
	defer cancel()
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("prepare the mail client: %w", err)
	}
	message := gomail.NewMsg()
	if err := errors.Join(message.From(s.from), message.To(m.To)); err != nil {
		return fmt.Errorf("address a mail: %w", err)
	}
	message.Subject(m.Subject)
	message.SetDate()
	message.SetMessageID()
	message.SetBodyString(gomail.TypeTextPlain, m.Body)
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return fmt.Errorf("send a mail: %w", err)
	}
	return nil
}

// isLocal: what never leaves this machine needs no TLS.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Kept sends by First; what it does not take goes to Then, so that no link is lost
// while a mail server is away.
type Kept struct{ First, Then Sender }

var _ Sender = Kept{}

// Send implements Sender.
func (k Kept) Send(ctx context.Context, m Message) error {
	err := k.First.Send(ctx, m)
	if err == nil {
		return nil
	}
	return errors.Join(err, k.Then.Send(context.WithoutCancel(ctx), m))
}

package cli

import (
	"context"
	"time"

	"booking/host/internal/mail"
	"booking/host/internal/notice"
)

// cronMail is how long `schedule:run` sends mail at most: cron calls again.
const cronMail = time.Minute

// mailRoom sends by the mail server; where there is none, everything goes to the
// outbox, as fast as it comes.
func (a *app) mailRoom() (*mail.Room, error) {
	zone, err := a.zone()
	if err != nil {
		return nil, err
	}
	options := mail.Options{
		Store: a.store, Log: a.log, Sender: mail.Outbox{Store: a.store, Box: a.box},
		Writer: notice.Writer{Store: a.store, PublicURL: a.config.PublicURL, Locale: a.locale, Zone: zone},
	}
	if !a.config.SMTPURL.Empty() {
		server, err := mail.NewSMTP(a.config.SMTPURL)
		if err != nil {
			return nil, err
		}
		options.Sender, options.Rate = server, int(a.config.MailRate)
	}
	return mail.NewRoom(options), nil
}

// sendDueMail sends what is due, for those whom no serving host does it for.
func (a *app) sendDueMail(ctx context.Context) error {
	room, err := a.mailRoom()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cronMail)
	defer cancel()
	room.Drain(ctx)
	return nil
}

package cli

import (
	"fmt"
	"time"

	"booking/host/internal/health"
	"booking/host/internal/mail"
	"booking/host/internal/runs"
	"booking/host/internal/web"
)

// pages are the host on the web.
func (a *app) pages(service *runs.Service) (*web.Server, error) {
	sender, err := a.mailer()
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(a.config.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("look up BOOKING_TIME_ZONE: %w", err)
	}
	a.health = health.New(a.store, a.box, ownSets(), time.Now)
	return web.New(web.Options{
		Store: a.store, Box: a.box, Log: a.log, Plugins: a.keeper, Runs: service, Schedules: a.scheduler(service), Health: a.health, Mail: sender,
		PublicURL: a.config.PublicURL, Proxies: a.config.Proxies(), Locale: a.locale, Zone: zone, Demo: a.demonstrates, Clock: time.Now,
	})
}

// mailer sends by the mail server, if there is one; the outbox keeps the rest.
func (a *app) mailer() (mail.Sender, error) {
	outbox := mail.Outbox{Store: a.store, Box: a.box}
	if a.config.SMTPURL.Empty() {
		return outbox, nil
	}
	server, err := mail.NewSMTP(a.config.SMTPURL)
	if err != nil {
		return nil, err
	}
	return mail.Kept{First: server, Then: outbox}, nil
}

package cli

import (
	"time"

	"booking/host/internal/mail"
	"booking/host/internal/runs"
	"booking/host/internal/web"
)

// pages are the host on the web.
func (a *app) pages(service *runs.Service) (*web.Server, error) {
	return web.New(web.Options{
		Store: a.store, Box: a.box, Log: a.log, Plugins: a.keeper, Runs: service, Mail: mail.Outbox{Store: a.store, Box: a.box},
		PublicURL: a.config.PublicURL, Proxies: a.config.Proxies(), Locale: a.locale, Demo: a.demonstrates, Clock: time.Now,
	})
}

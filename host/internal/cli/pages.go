package cli

import (
	"fmt"
	"time"

	"booking/host/internal/mail"
	"booking/host/internal/runs"
	"booking/host/internal/web"
)

// pages are the host on the web.
func (a *app) pages(service *runs.Service, room *mail.Room) (*web.Server, error) {
	zone, err := a.zone()
	if err != nil {
		return nil, err
	}
	return web.New(web.Options{
		Store: a.store, Box: a.box, Log: a.log, Plugins: a.keeper, Runs: service, Limits: service.Limits, Schedules: a.scheduler(service), Health: a.health, Mail: room,
		PublicURL: a.config.PublicURL, Proxies: a.config.Proxies(), Locale: a.locale, Zone: zone, Demo: a.demonstrates, Opened: a.opened, Clock: time.Now,
	})
}

// zone is where people are who have not said so.
func (a *app) zone() (*time.Location, error) {
	zone, err := time.LoadLocation(a.config.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("look up BOOKING_TIME_ZONE: %w", err)
	}
	return zone, nil
}

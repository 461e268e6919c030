package crmhost

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// Between the tries of one question about health; the last chance is for a host
// that was itself stopped while it waited for the answer.
const (
	healthRetry      = 200 * time.Millisecond
	healthLastChance = time.Second
)

// watchHealth kills a plugin that is silent: frozen, or deaf on its connection.
// What it does at the same time does not count.
func (p *Process) watchHealth() {
	health := grpc_health_v1.NewHealthClient(p.conns.first())
	timer := time.NewTimer(p.options.HealthInterval)
	defer timer.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-timer.C:
		}
		if !p.answers(health) {
			p.killFor(lost(nil, "плагин «%s» не отвечал на проверки %s и остановлен: повторите запуск, причина — в журнале",
				"plugin %q did not answer health checks for %s and was killed: try again, the log says why", p.options.Found.Name, p.options.Silence))
			return
		}
		timer.Reset(p.options.HealthInterval)
	}
}

// answers asks until there is an answer, whatever it is, or the silence is over.
func (p *Process) answers(health grpc_health_v1.HealthClient) bool {
	end := time.Now().Add(p.options.Silence)
	for last := false; ; {
		wait := time.Until(end)
		if last = wait <= 0; last {
			wait = healthLastChance
		}
		switch code := p.askWithin(wait, health); {
		case p.hasEnded():
			return true
		case code != codes.DeadlineExceeded && code != codes.Unavailable && code != codes.Canceled:
			return true
		case last:
			return false
		case code != codes.DeadlineExceeded && p.endsWithin(healthRetry):
			return true
		}
	}
}

func (p *Process) askWithin(wait time.Duration, health grpc_health_v1.HealthClient) codes.Code {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return p.ask(ctx, health)
}

func (p *Process) ask(ctx context.Context, health grpc_health_v1.HealthClient) codes.Code {
	// go-plugin registers this service for every Go plugin.
	_, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	return status.Code(err)
}

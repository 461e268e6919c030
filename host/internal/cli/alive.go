package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"booking/host/internal/health"
	"booking/host/internal/systemd"
)

// alive looks whether the loops of this host go round and its door answers: the way from
// the address to the handler and back, as anybody outside goes it.
func (a *app) alive(loops *health.Liveness, address net.Addr) systemd.Alive {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	url := "http://" + reachable(address) + "/healthz"
	return func(ctx context.Context, within time.Duration) error {
		if stalled := loops.Stalled(within); len(stalled) > 0 {
			return fmt.Errorf(a.say("не движется: %s", "does not move: %s"), strings.Join(stalled, ", "))
		}
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		if err := probe(ctx, client, url); err != nil {
			return fmt.Errorf(a.say("не отвечает по своему адресу: %w", "does not answer at its own address: %w"), err)
		}
		return nil
	}
}

var errNotWell = errors.New("the answer is not 200")

func probe(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errNotWell
	}
	return nil
}

// reachable is where a listener can be reached from this machine: one on every address
// is reached on the loopback one.
func reachable(address net.Addr) string {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
	}
	return address.String()
}

// doing is the host's state in a line.
func (a *app) doing(does duties) string {
	switch {
	case !does.pages:
		return a.say("работает: очередь и расписание", "at work: queue and schedule")
	case !does.work:
		return fmt.Sprintf(a.say("работает: страницы и API на %s", "at work: pages and API at %s"), a.config.PublicURL)
	default:
		return fmt.Sprintf(a.say("работает: страницы и API на %s, очередь и расписание", "at work: pages and API at %s, queue and schedule"), a.config.PublicURL)
	}
}

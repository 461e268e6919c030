package portalsim

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Command is `bitrix24 simulate`: it serves a portal until SIGINT or SIGTERM and
// prints its webhook address and its event token, secrets of the simulator's own making.
func Command(args []string, stdout io.Writer) error {
	s, err := parseFlags(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return s.serve(ctx, stop, stdout)
}

func (s *settings) serve(ctx context.Context, stop context.CancelFunc, stdout io.Writer) error {
	options, err := s.options()
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil || host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return fmt.Errorf("--addr %q: a simulator listens on a loopback address such as 127.0.0.1:0 only", s.addr)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen for the simulated portal: %w", err)
	}
	portal := New(options)
	for _, f := range s.faults {
		portal.Inject(f)
	}
	mux := http.NewServeMux()
	mux.Handle("/", portal)
	mux.Handle("/control/", portal.Control())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	if err := s.announce(stdout, portal, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	if s.untilStdinCloses {
		go portal.obey(os.Stdin, stdout, stop)
	}
	select {
	case err := <-done:
		return fmt.Errorf("serve the simulated portal: %w", err)
	case <-ctx.Done():
	}
	portal.Close()
	return server.Close()
}

func (s *settings) announce(stdout io.Writer, portal *Portal, base string) error {
	var err error
	if s.printJSON {
		err = json.NewEncoder(stdout).Encode(map[string]any{"webhook_url": portal.WebhookURL(base), "event_token": portal.options.ApplicationToken, "control_url": base + "/control", "people": s.people})
	} else {
		_, err = fmt.Fprintf(stdout, "A simulated portal with %d people. Ctrl-C ends it.\nWebhook: %s\nEvent token: %s\nControl: %s/control\n",
			s.people, portal.WebhookURL(base), portal.options.ApplicationToken, base)
	}
	if err != nil {
		return fmt.Errorf("print the portal's address: %w", err)
	}
	return nil
}

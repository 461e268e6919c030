package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/mysqld"
	"booking/host/internal/problem"
	"booking/host/internal/runs"
	"booking/host/internal/web"
	"booking/shared/crm"
)

// drain is how long requests that go on may take after Ctrl-C.
const drain = 5 * time.Second

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: a.say("страницы, API, очередь и собственная база, до Ctrl-C", "the pages, the API, the queue and the private database, until Ctrl-C"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.role = mysqld.Owner
			doors, err := a.openDoors(cmd.Context())
			if err != nil {
				return err
			}
			service, err := a.runService(cmd.Context())
			if err != nil {
				doors.close()
				return err
			}
			a.measure(service)
			stop := a.startWorker(cmd.Context(), service)
			defer stop()
			fmt.Fprintf(a.stdout, a.say("Страница: %s (остановить: Ctrl-C)\n", "Page: %s (stop: Ctrl-C)\n"), a.config.PublicURL)
			return a.serve(cmd.Context(), doors, service)
		},
	}
}

// doors are the addresses that the host listens on; metrics is nil where they are off.
type doors struct{ pages, metrics net.Listener }

// openDoors takes both addresses before anything else is begun: one that is taken is
// told at once.
func (a *app) openDoors(ctx context.Context) (doors, error) {
	var d doors
	var err error
	if d.pages, err = a.listen(ctx, "BOOKING_ADDR", a.config.Addr); err != nil {
		return doors{}, err
	}
	if a.config.MetricsAddr == "" {
		return d, nil
	}
	if d.metrics, err = a.listen(ctx, "BOOKING_METRICS_ADDR", a.config.MetricsAddr); err != nil {
		d.close()
		return doors{}, err
	}
	return d, nil
}

func (d doors) close() {
	for _, listener := range []net.Listener{d.pages, d.metrics} {
		if listener != nil {
			_ = listener.Close()
		}
	}
}

// startWorker queues what is due and carries out queued runs in the background; stop
// waits until they have been handed back.
func (a *app) startWorker(ctx context.Context, service *runs.Service) (stop func()) {
	work, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { a.scheduler(service).Run(work) })
	done.Go(func() { service.Work(work) })
	return func() {
		cancel()
		done.Wait()
	}
}

// listen takes an address; variable is what sets it.
func (a *app) listen(ctx context.Context, variable, address string) (net.Listener, error) {
	var settings net.ListenConfig
	listener, err := settings.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, problem.New(nil, crm.Text{
			RU: fmt.Sprintf("Адрес %s уже занят другой программой: остановите её или задайте другой в %s", address, variable),
			EN: fmt.Sprintf("Another program is using %s: stop it or set another address in %s", address, variable),
		}, err)
	}
	if err != nil {
		return nil, problem.New(nil, crm.Text{
			RU: fmt.Sprintf("На адресе %s нельзя принимать соединения: исправьте %s", address, variable),
			EN: fmt.Sprintf("The address %s cannot be listened on: mend %s", address, variable),
		}, err)
	}
	return listener, nil
}

// serve answers requests until ctx ends, then lets those that go on finish.
func (a *app) serve(ctx context.Context, doors doors, service *runs.Service) error {
	defer doors.close()
	room, err := a.mailRoom()
	if err != nil {
		return err
	}
	pages, err := a.pages(service, room)
	if err != nil {
		return err
	}
	handler, err := a.handler(ctx, pages, service)
	if err != nil {
		return err
	}
	if err := a.tellFirstRun(ctx, pages); err != nil {
		return err
	}
	defer a.serveMetrics(ctx, doors.metrics)()
	var beside sync.WaitGroup
	beside.Go(func() { pages.Work(ctx) })
	beside.Go(func() { room.Work(ctx) })
	defer beside.Wait()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	defer a.startControl()()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(doors.pages) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", a.config.Addr, err)
	case <-ctx.Done():
	}
	a.health.Drain()
	time.Sleep(a.config.Drain)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := server.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// tellFirstRun prints the code of the first run while nobody can administer: here, on the
// console, and in no log.
func (a *app) tellFirstRun(ctx context.Context, pages *web.Server) error {
	code, err := pages.FirstRunCode(ctx)
	if err != nil || code.Empty() {
		return err
	}
	fmt.Fprintf(a.stdout, a.say(
		"\nАдминистратора ещё нет. Откройте %s/first-run и введите код: %s\nКод действует сутки, только для первого администратора. То же командой: booking-host users add --role admin\n\n",
		"\nThere is no administrator yet. Open %s/first-run and enter the code: %s\nThe code is good for a day and for the first administrator only. By command: booking-host users add --role admin\n\n"),
		a.config.PublicURL, code.Reveal())
	return nil
}

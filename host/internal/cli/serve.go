package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/health"
	"booking/host/internal/mail"
	"booking/host/internal/mysqld"
	"booking/host/internal/runs"
	"booking/host/internal/web"
)

// drain is how long requests that go on may take after Ctrl-C.
const drain = 5 * time.Second

// duties are what a host does beside what every one does: mail, metrics, and telling how
// it is.
type duties struct{ pages, work bool }

func (a *app) serveCommand() *cobra.Command {
	var only struct{ web, worker bool }
	cmd := &cobra.Command{
		Use: "serve", Short: a.say("страницы, API, очередь и собственная база, до Ctrl-C", "the pages, the API, the queue and the private database, until Ctrl-C"), Args: words(cobra.NoArgs),
		Long: a.say(
			"Показывает страницы, отвечает на запросы к API, ставит в очередь запуски по расписанию и выполняет очередь, до Ctrl-C или SIGTERM.\n"+
				"Тогда хост больше ничего не берёт; синхронизация, которая идёт, дописывает начатую порцию и возвращается в очередь, её сразу\n"+
				"продолжит другой хост или следующий запуск. Второй Ctrl-C завершает немедленно.\n\n"+
				"С --web-only хост не берёт ничего из очереди и не смотрит в расписание: кнопка ставит в очередь, выполняет другой хост. Плагины\n"+
				"здесь только отвечают страницам (настройки, проверка, отделы).\n"+
				"С --worker-only нет ни страниц, ни API: по BOOKING_ADDR отвечают только /healthz и /readyz.\n"+
				"Почту отправляют все. Врозь — только на общей базе: нужен BOOKING_DSN.",
			"Shows the pages, answers the API, queues what the schedule asks for and carries out the queue, until Ctrl-C or SIGTERM.\n"+
				"Then it takes nothing more; a sync that goes on finishes its chunk and goes back into the queue, where another host or the next\n"+
				"start continues it at once. A second Ctrl-C ends everything immediately.\n\n"+
				"With --web-only it takes nothing from the queue and does not look at the schedule: a button queues, another host carries out.\n"+
				"Plugins only answer the pages here (settings, check, departments).\n"+
				"With --worker-only there are neither pages nor API: BOOKING_ADDR answers /healthz and /readyz only.\n"+
				"All of them send mail. Apart they need one database: BOOKING_DSN."),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.host(cmd.Context(), duties{pages: !only.worker, work: !only.web})
		},
	}
	cmd.Flags().BoolVar(&only.web, "web-only", false, a.say("только страницы и API: ни очереди, ни расписания", "pages and API only: neither queue nor schedule"))
	cmd.Flags().BoolVar(&only.worker, "worker-only", false, a.say("только очередь и расписание: ни страниц, ни API", "queue and schedule only: neither pages nor API"))
	cmd.MarkFlagsMutuallyExclusive("web-only", "worker-only")
	return cmd
}

// collectLess lets the heap grow to five times of what is in use, where the operator has
// not said otherwise (GOGC). In use are some 20 MB; to mark them four times as often took a
// third of the host's processor just when a sync makes all wait.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// host is a host from its start to its end.
func (a *app) host(ctx context.Context, does duties) error {
	collectLess()
	a.role, a.manager.Log = mysqld.Owner, a.log
	a.manager.Status(a.say("открывает базу данных", "is opening the database"))
	doors, err := a.openDoors(ctx)
	if err != nil {
		return err
	}
	service, err := a.runService(ctx)
	if err != nil {
		doors.close()
		return err
	}
	a.measure(service)
	address := a.config.PublicURL
	if !does.pages {
		address = "http://" + doors.pages.Addr().String()
		fmt.Fprintf(a.stdout, a.say("Очередь и расписание; %s/readyz (остановить: Ctrl-C)\n", "Queue and schedule; %s/readyz (stop: Ctrl-C)\n"), address)
	} else {
		fmt.Fprintf(a.stdout, a.say("Страница: %s (остановить: Ctrl-C)\n", "Page: %s (stop: Ctrl-C)\n"), address)
	}
	return a.serve(ctx, doors, service, does)
}

// serve answers requests and carries out the queue until ctx ends, then lets what goes on
// come to its end.
func (a *app) serve(ctx context.Context, doors doors, service *runs.Service, does duties) error {
	defer doors.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	room, err := a.mailRoom()
	if err != nil {
		return err
	}
	a.health = health.New(a.store, a.box, ownSets(), time.Now)
	handler, pages, err := a.answers(ctx, service, room, does)
	if err != nil {
		return err
	}
	defer a.serveMetrics(ctx, doors.metrics)()
	loops := health.NewLiveness(time.Now)
	if does.work {
		defer a.startWorker(ctx, service, loops)()
	}
	var beside sync.WaitGroup
	if pages != nil {
		beside.Go(func() { pages.Work(ctx) })
	}
	beside.Go(func() { room.Work(ctx) })
	defer beside.Wait()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	defer a.startControl()()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(doors.pages) }()
	a.manager.Ready(a.doing(does))
	beside.Go(func() { a.manager.Watch(ctx, a.alive(loops, doors.pages.Addr())) })
	select {
	case err := <-failed:
		stop()
		return fmt.Errorf("serve %s: %w", a.config.Addr, err)
	case <-ctx.Done():
	}
	return a.stopServing(context.WithoutCancel(ctx), server)
}

// stopServing answers for BOOKING_DRAIN that this host is about to stop, then takes no
// request any more and waits for those that go on.
func (a *app) stopServing(ctx context.Context, server *http.Server) error {
	a.health.Drain()
	a.manager.Stopping(a.say("останавливается, запуски возвращаются в очередь", "is stopping, runs go back into the queue"))
	time.Sleep(a.config.Drain)
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// answers is what this host answers to requests, and its pages, if it has any.
func (a *app) answers(ctx context.Context, service *runs.Service, room *mail.Room, does duties) (http.Handler, *web.Server, error) {
	if !does.pages {
		return a.accessLog(a.health.Handler(a.locale)), nil, nil
	}
	pages, err := a.pages(service, room)
	if err != nil {
		return nil, nil, err
	}
	handler, err := a.handler(ctx, pages, service)
	if err != nil {
		return nil, nil, err
	}
	return handler, pages, a.tellFirstRun(ctx, pages)
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

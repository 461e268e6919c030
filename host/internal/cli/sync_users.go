package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/problem"
	"booking/host/internal/runjson"
	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

func (a *app) syncUsersCommand() *cobra.Command {
	var options struct {
		tenant               int64
		person               string
		preview, json, queue bool
	}
	cmd := &cobra.Command{
		Use:   "sync-users",
		Short: a.say("синхронизировать сотрудников с CRM сейчас", "sync people with the CRM now"),
		Long: a.say(
			"Читает действующих сотрудников из CRM и приводит к ним пользователей календаря.\n"+
				"Без --tenant — все компании с включённым подключением. С --preview ничего не меняет, только показывает.\n"+
				"Код выхода: 0 — никто не упал, 1 — кто-то упал или остановлен, 2 — ошибка в команде, 3 — синхронизация уже идёт.",
			"Reads the CRM's active employees and brings the calendar's users in line with them.\n"+
				"Without --tenant: all tenants whose connection is enabled. --preview changes nothing, it only shows.\n"+
				"Exit status: 0 nobody failed, 1 somebody failed or was stopped, 2 wrong usage, 3 a sync is already going on."),
		Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			request := runs.Request{TenantID: options.tenant, Mode: crm.ModeApply, PersonID: options.person, Trigger: "cli"}
			if options.preview {
				request.Mode = crm.ModePreview
			}
			if cmd.Flags().Changed("tenant") && options.tenant <= 0 {
				return usageError{errors.New(a.say("--tenant: нужен номер компании", "--tenant must be a tenant's number"))}
			}
			if cmd.Flags().Changed("person") {
				if options.tenant == 0 || options.preview {
					return usageError{errors.New(a.say("--person: вместе с --tenant и без --preview", "--person goes with --tenant and without --preview"))}
				}
				request.Mode = crm.ModePerson
			}
			start := runNow
			if options.queue {
				start = runQueued
			}
			return a.syncUsers(cmd, request, options.json, start)
		},
	}
	cmd.Flags().Int64Var(&options.tenant, "tenant", 0, a.say("только эта компания", "this tenant only"))
	cmd.Flags().StringVar(&options.person, "person", "", a.say("только этот сотрудник, по номеру в CRM", "this person only, by the number in the CRM"))
	cmd.Flags().BoolVar(&options.preview, "preview", false, a.say("показать, что изменилось бы, и ничего не менять", "show what would change and change nothing"))
	cmd.Flags().BoolVar(&options.queue, "queue", false, a.say("только поставить в очередь: выполнит booking-host serve", "only queue it: booking-host serve carries it out"))
	cmd.Flags().BoolVar(&options.json, "json", false, a.say("по объекту JSON на компанию", "one JSON object per tenant"))
	return cmd
}

// starter starts a tenant's run, here or in the queue.
type starter func(context.Context, *runs.Service, runs.Request, *progress) (runs.Outcome, error)

func runNow(ctx context.Context, service *runs.Service, request runs.Request, watch *progress) (runs.Outcome, error) {
	return service.Sync(ctx, request, watch)
}

func runQueued(ctx context.Context, service *runs.Service, request runs.Request, _ *progress) (runs.Outcome, error) {
	return service.Queue(ctx, request)
}

// syncUsers starts the request for its tenant, or for every connected one when it names none.
func (a *app) syncUsers(cmd *cobra.Command, request runs.Request, asJSON bool, start starter) error {
	ctx := cmd.Context()
	service, err := a.runService(ctx)
	if err != nil {
		return err
	}
	tenants := []int64{request.TenantID}
	if request.TenantID == 0 {
		enabled, err := a.store.EnabledTenants(ctx)
		if err != nil {
			return err
		}
		tenants = tenants[:0]
		for _, t := range enabled {
			tenants = append(tenants, t.ID)
		}
		if len(tenants) == 0 {
			fmt.Fprintln(a.stderr, a.say("⚠️ Нет компаний с включённым подключением к CRM. Подключить: booking-host crm connect --help",
				"⚠️ No tenant has an enabled CRM connection. To connect one: booking-host crm connect --help"))
			return nil
		}
	}
	worst := exitDone
	for _, id := range tenants {
		if ctx.Err() != nil {
			return silent(exitFailed)
		}
		watch := a.newProgress(asJSON)
		request.TenantID = id
		outcome, err := start(ctx, service, request, watch)
		watch.done()
		if errors.Is(err, runs.ErrRequest) {
			return usageError{err}
		}
		if err != nil {
			outcome = unfinished(outcome.Run, id, request.Mode, err)
		}
		a.tellOutcome(outcome, asJSON, watch)
		worst = worse(worst, outcomeStatus(outcome))
	}
	if worst != exitDone {
		return silent(worst)
	}
	return nil
}

// unfinished is the outcome of a run whose end could not be written down, or that did
// not even get a row: the database failed, or nobody knows the tenant.
func unfinished(run store.Run, tenant int64, mode crm.Mode, err error) runs.Outcome {
	code := crm.CodeOf(err)
	if errors.Is(err, store.ErrNotFound) {
		code = crm.CodeTenantBlocked
	}
	run.TenantID, run.Mode, run.Status = tenant, mode, store.StatusFailed
	run.SetError(code, problem.TextOf(err))
	return runs.Outcome{Run: run, Message: problem.TextOf(err)}
}

// outcomeStatus is the exit status one tenant's run stands for.
func outcomeStatus(outcome runs.Outcome) int {
	switch outcome.Run.Status {
	case store.StatusSucceeded, store.StatusPartial, store.StatusNotConfigured, store.StatusQueued:
		return exitDone
	}
	if outcome.Run.ErrorCode == crm.CodeBusy {
		return exitBusy
	}
	return exitFailed
}

// worse: a failure outweighs a run that is going on, which outweighs success.
func worse(a, b int) int {
	if a == exitFailed || b == exitFailed {
		return exitFailed
	}
	return max(a, b)
}

func (a *app) tellOutcome(outcome runs.Outcome, asJSON bool, watch *progress) {
	if asJSON {
		_ = json.NewEncoder(a.stdout).Encode(runjson.NewOutcome(outcome, a.locale, time.Now()))
		if outcome.Message != (crm.Text{}) {
			fmt.Fprintln(a.stderr, "⚠️ "+oneLine(outcome.Message.In(a.locale)))
		}
		return
	}
	a.tellSummary(outcome, watch)
}

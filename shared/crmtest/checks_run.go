package crmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"booking/shared/crm"
)

const needRun = needEither | needSettings

var runChecks = []check{
	{"run", both("синхронизация удаётся, и её итог сходится с событиями и с базой", "a sync succeeds, and its result agrees with the events and with the database"),
		both("created + updated + unchanged + skipped + conflicts = fetched; на каждого изменённого — одно событие", "created + updated + unchanged + skipped + conflicts = fetched; one change for everybody who changed"), needRun, checkRun},
	{"run_others", both("чужие строки не тронуты: другая компания, администраторы, местные люди", "rows of others are untouched: another tenant, administrators, local people"),
		both("читайте и пишите только строки компании из запроса (в Go всё это делает usersync.Engine)", "read and write rows of the request's tenant only (in Go usersync.Engine does all this)"), needRun, checkRunOthers},
	{"run_again", both("вторая синхронизация ничего не меняет", "a second sync changes nothing"),
		both("сравнивайте с тем, что в базе, прежде чем писать", "compare with what the database holds before writing"), needRun, checkRunAgain},
	{"run_preview", both("пробный запуск никого не записывает", "a preview writes nobody"),
		both("при mode=preview план не применяется", "with mode preview the plan is not applied"), needRun, checkRunPreview},
	{"run_person", both("запуск об одном человеке касается его одного", "a run about one person concerns that one only"),
		both("при mode=person применяйте решение только о person_id", "with mode person apply the decision about person_id only"), needRun, checkRunPerson},
	{"run_fence", both("без права на запись (чужой fence) ничего не пишет и сообщает об ошибке", "without the right to write (another fence) it writes nothing and says so"),
		both("первый оператор каждой транзакции: UPDATE crm_runs … WHERE id = ? AND fence = ? AND status = 'running'", "the first statement of each transaction: UPDATE crm_runs … WHERE id = ? AND fence = ? AND status = 'running'"), needRun, checkRunFence},
	{"run_no_tenant", both("запуск без компании — отказ", "a run without a tenant is refused"),
		both("tenant.id должен быть больше нуля", "tenant.id has to be above zero"), needRun, checkRunNoTenant},
	{"run_mode", both("неизвестный режим — отказ, а не запись", "an unknown mode is refused, and nothing written"),
		both("список режимов закрыт: apply, preview, person", "the list of modes is closed: apply, preview, person"), needSync | needSettings, checkRunMode},
	{"run_tenants", both("две компании сразу: у каждой свои события и свои строки", "two tenants at once: each has its own events and its own rows"),
		both("компания — в каждом запросе и в каждом событии; ничего общего между вызовами", "the tenant is in every request and every event; calls share nothing"), needRun, checkRunTenants},
	{"run_broken", both("портал не читается — отказ с кодом, ничего не записано", "a portal that cannot be read is a failure with a code, and nothing is written"),
		both("неполное чтение — это failure (portal_unreachable, unauthorized, portal_answer…), а не короткий список", "an incomplete reading is a failure (portal_unreachable, unauthorized, portal_answer…), not a short list"), needRun, checkRunBroken},
	{"run_parallel", both("во время запуска отвечает на другие вызовы", "answers other calls while a run goes on"),
		both("не держите общий замок во время запуска", "hold no common lock during a run"), needRun | needMany, checkRunParallel},
	{"run_cancel", both("отменённый запуск прекращается за 5 секунд", "a cancelled run stops within 5 seconds"),
		both("проверяйте отмену вызова между страницами и между порциями записи", "look at the call's cancellation between pages and between chunks"), needRun | needMany, checkRunCancel},
	{"run_many", both("сто тысяч человек проходят целиком, и памяти хватает", "a hundred thousand people get through, within 1 GiB of memory"),
		both("шлите людей порциями по мере чтения", "send people in batches while reading"), needRun | needMany, checkRunMany},
}

func checkRun(ctx context.Context, x *exam) error {
	h, s, err := x.prepared(ctx)
	if err != nil {
		return err
	}
	result, events, err := x.sync(ctx, s, run{tenant: tenantA})
	if err != nil {
		return err
	}
	if result.Fetched == 0 {
		return errors.New("nobody was read: these settings prove nothing")
	}
	return h.agrees(ctx, x, result, events, tenantA)
}

// prepared is a house without people and a process that works in it.
func (x *exam) prepared(ctx context.Context) (*house, *session, error) {
	h, err := x.ready(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := x.session(ctx)
	return h, s, err
}

// agrees holds a result against the events and the rows, in a tenant that had nobody
// linked.
func (h *house) agrees(ctx context.Context, x *exam, r crm.SyncResult, events *told, tenant int64) error {
	linked, err := h.number(ctx, "SELECT COUNT(DISTINCT `"+x.description.ExternalIDColumn+"`) FROM users WHERE tenant_id = ? AND `"+x.description.ExternalIDColumn+"` <> ''", tenant)
	if err != nil {
		return err
	}
	switch {
	case r.Fetched != r.Synced()+r.Skipped+r.Conflicts:
		return fmt.Errorf("the result does not add up: %+v", r.Counts)
	case events.count(crm.ActionCreated) < r.Created, events.count(crm.ActionUpdated)+events.count(crm.ActionReactivated) < r.Updated,
		events.count(crm.ActionSkipped) < r.Skipped, events.count(crm.ActionConflict) < r.Conflicts:
		return fmt.Errorf("the result %+v counts people whom no change told of (%d created, %d updated, %d skipped, %d conflicts)", r.Counts,
			events.count(crm.ActionCreated), events.count(crm.ActionUpdated)+events.count(crm.ActionReactivated), events.count(crm.ActionSkipped), events.count(crm.ActionConflict))
	// A linked person in conflict keeps the link.
	case linked < r.Synced() || linked > r.Synced()+r.Conflicts:
		return fmt.Errorf("the result counts %d synced people, the database holds %d linked ones", r.Synced(), linked)
	}
	return nil
}

func checkRunOthers(ctx context.Context, x *exam) error {
	h, s, err := x.prepared(ctx)
	if err != nil {
		return err
	}
	const others = "email LIKE '%@crmcheck.invalid'"
	before, err := h.users(ctx, others)
	if err != nil {
		return err
	}
	if _, _, err := x.sync(ctx, s, run{tenant: tenantA}); err != nil {
		return err
	}
	after, err := h.users(ctx, others)
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) {
		return errors.New("rows of people who are not in the portal have changed")
	}
	foreign, err := h.number(ctx, "SELECT COUNT(*) FROM users WHERE (tenant_id IS NULL OR tenant_id <> ?) AND NOT "+others, tenantA)
	if err == nil && foreign > 0 {
		err = fmt.Errorf("%d people were written into other tenants", foreign)
	}
	return err
}

func checkRunAgain(ctx context.Context, x *exam) error {
	h, s, err := x.prepared(ctx)
	if err != nil {
		return err
	}
	first, _, err := x.sync(ctx, s, run{tenant: tenantA})
	if err != nil {
		return err
	}
	before, err := h.users(ctx, "1 = 1")
	if err != nil {
		return err
	}
	second, _, err := x.sync(ctx, s, run{tenant: tenantA})
	if err != nil {
		return err
	}
	after, err := h.users(ctx, "1 = 1")
	switch {
	case err != nil:
		return err
	case second.Created+second.Updated+second.Deactivated > 0 || second.Unchanged != first.Synced():
		return fmt.Errorf("the first came to %+v, the second to %+v", first.Counts, second.Counts)
	case !slices.Equal(before, after):
		return errors.New("rows were written again")
	}
	return nil
}

func checkRunPreview(ctx context.Context, x *exam) error {
	h, s, err := x.prepared(ctx)
	if err != nil {
		return err
	}
	before, err := h.users(ctx, "1 = 1")
	if err != nil {
		return err
	}
	preview, _, err := x.sync(ctx, s, run{tenant: tenantA, mode: crm.ModePreview})
	if err != nil {
		return err
	}
	after, err := h.users(ctx, "1 = 1")
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) {
		return errors.New("users were written")
	}
	result, _, err := x.sync(ctx, s, run{tenant: tenantA})
	if err == nil && preview.Counts != result.Counts {
		err = fmt.Errorf("it foresaw %+v, the run came to %+v", preview.Counts, result.Counts)
	}
	return err
}

func checkRunPerson(ctx context.Context, x *exam) error {
	h, s, err := x.prepared(ctx)
	if err != nil {
		return err
	}
	_, events, err := x.sync(ctx, s, run{tenant: tenantA, mode: crm.ModePreview})
	if err != nil {
		return err
	}
	created := slices.IndexFunc(events.changes, func(c crm.Change) bool { return c.Action == crm.ActionCreated })
	if created < 0 {
		return notTried("на портале нет никого, кого запуск создал бы", "the portal has nobody whom a run would create")
	}
	id := events.changes[created].ExternalID
	if _, _, err := x.sync(ctx, s, run{tenant: tenantA, mode: crm.ModePerson, person: id}); err != nil {
		return err
	}
	column := "`" + x.description.ExternalIDColumn + "`"
	linked, err := h.lines(ctx, "SELECT "+column+" FROM users WHERE "+column+" <> ''")
	if err == nil && !slices.Equal(linked, []string{fmt.Sprintf("true %q ", id)}) {
		err = fmt.Errorf("the run about person %s wrote %d people", id, len(linked))
	}
	return err
}

// refused makes a run that must fail and write nothing.
func (x *exam) refused(ctx context.Context, r run) error {
	h, s, err := x.prepared(ctx)
	if err != nil {
		return err
	}
	before, err := h.users(ctx, "1 = 1")
	if err != nil {
		return err
	}
	result, _, failure := x.sync(ctx, s, r)
	after, err := h.users(ctx, "1 = 1")
	switch {
	case err != nil:
		return err
	case !slices.Equal(before, after):
		return errors.New("users were written")
	case failure == nil:
		return fmt.Errorf("it succeeds: %+v", result.Counts)
	case crm.CodeOf(failure) == crm.CodePluginAnswer, crm.CodeOf(failure) == crm.CodePluginLost:
		return failure
	}
	return nil
}

func checkRunFence(ctx context.Context, x *exam) error {
	return x.refused(ctx, run{tenant: tenantA, fence: fence + 1})
}

func checkRunNoTenant(ctx context.Context, x *exam) error {
	if x.description.HostSyncs() { // the engine would refuse by itself: ask the plugin
		s, err := x.session(ctx)
		if err != nil {
			return err
		}
		if _, err = x.read(ctx, s, 0, x.Settings, nil); err == nil {
			return errors.New("it reads people for nobody")
		}
		return nil
	}
	return x.refused(ctx, run{tenant: 0})
}

func checkRunMode(ctx context.Context, x *exam) error {
	return x.refused(ctx, run{tenant: tenantA, mode: "rehearsal"})
}

func checkRunTenants(ctx context.Context, x *exam) error {
	h, s, err := x.prepared(ctx)
	if err != nil {
		return err
	}
	tenants := []int64{tenantA, tenantB}
	results, events, errs := make([]crm.SyncResult, 2), make([]*told, 2), make([]error, 2)
	var runs sync.WaitGroup
	for i, tenant := range tenants {
		runs.Go(func() { results[i], events[i], errs[i] = x.sync(ctx, s, run{tenant: tenant}) })
	}
	runs.Wait()
	for i, tenant := range tenants {
		if errs[i] != nil {
			return fmt.Errorf("tenant %d: %w", tenant, errs[i])
		}
		if err := h.agrees(ctx, x, results[i], events[i], tenant); err != nil {
			return fmt.Errorf("tenant %d: %w", tenant, err)
		}
	}
	if results[0].Fetched != results[1].Fetched {
		return fmt.Errorf("two readings of one portal at once: %d and %d people", results[0].Fetched, results[1].Fetched)
	}
	return nil
}

func checkRunBroken(ctx context.Context, x *exam) error {
	broken, err := x.brokenSettings()
	if err != nil {
		return err
	}
	return x.refused(ctx, run{tenant: tenantA, settings: broken})
}

func checkRunParallel(ctx context.Context, x *exam) error {
	s, err := x.fresh(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended, err := x.begin(ctx, s)
	if err != nil {
		return err
	}
	limit := x.within(time.Second)
	for range 20 {
		if err := ask(ctx, s.conn, methodDescribe, limit); err != nil {
			return fmt.Errorf("Describe, within %s: %w", limit, err)
		}
		limited, done := context.WithTimeout(ctx, limit)
		_, err := s.client.CheckSettings(limited, settings(x.Settings))
		done()
		if err != nil {
			return fmt.Errorf("CheckSettings, within %s: %w", limit, err)
		}
	}
	cancel()
	if err := <-ended; crm.CodeOf(err) == crm.CodePluginAnswer {
		return fmt.Errorf("the run ends with nonsense: %w", err)
	}
	return nil
}

func checkRunCancel(ctx context.Context, x *exam) error {
	s, err := x.fresh(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended, err := x.begin(running, s)
	if err != nil {
		return err
	}
	cancel()
	if err := <-ended; err == nil {
		return errors.New("the run was over before it could be cancelled: more people are needed")
	}
	deadline := time.Now().Add(x.within(5 * time.Second))
	for {
		quiet, err := x.quiet(ctx, s)
		if err != nil {
			return err
		}
		if quiet {
			return ask(ctx, s.conn, methodDescribe, x.within(5*time.Second))
		}
		if time.Now().After(deadline) {
			return errors.New("after the cancellation the plugin goes on working")
		}
	}
}

// quiet looks for a moment whether the plugin writes or computes.
func (x *exam) quiet(ctx context.Context, s *session) (bool, error) {
	work := func() (string, error) {
		var chunks []string
		if x.house != nil && x.house.column != "" {
			var err error
			if chunks, err = x.house.lines(ctx, "SELECT id, chunks FROM crm_runs ORDER BY id DESC LIMIT 3"); err != nil {
				return "", err
			}
		}
		return fmt.Sprint(chunks), nil
	}
	before, err := work()
	if err != nil {
		return false, err
	}
	busy := cpuTime(s.cmd.Process.Pid)
	select {
	case <-time.After(500 * time.Millisecond):
	case <-ctx.Done():
		return false, ctx.Err()
	}
	after, err := work()
	// A tenth of a processor is more than an idle server takes.
	return before == after && cpuTime(s.cmd.Process.Pid)-busy < 50*time.Millisecond, err
}

const memoryLimit = 1 << 30

func checkRunMany(ctx context.Context, x *exam) error {
	h, err := x.ready(ctx)
	if err != nil {
		return err
	}
	s, err := x.fresh(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	result, events, err := x.sync(ctx, s, run{tenant: tenantA, settings: x.Many})
	if err != nil {
		return err
	}
	if result.Fetched < ManyPeople {
		return fmt.Errorf("%d people were read, want at least %d", result.Fetched, ManyPeople)
	}
	if peak := peakMemory(s.cmd.Process.Pid); peak > memoryLimit {
		return fmt.Errorf("the process took %d MiB of memory, more than %d", peak>>20, memoryLimit>>20)
	}
	if err := h.agrees(ctx, x, result, events, tenantA); err != nil {
		return err
	}
	return h.clear(ctx)
}

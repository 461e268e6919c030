package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/runjson"
	"booking/host/internal/schedule"
	"booking/host/internal/store"
)

const (
	// slotsShown is how many of a tenant's last slots `schedule show --tenant` lists.
	slotsShown = 20
	// missedFor is how long a missed slot is spoken of.
	missedFor = 30 * 24 * time.Hour
)

func (a *app) scheduleShowCommand() *cobra.Command {
	var tenant int64
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show", Short: a.say("расписание, следующий запуск и последние", "the schedule, the next run and the last ones"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			if cmd.Flags().Changed("tenant") {
				return a.showSchedule(cmd.Context(), tenant, asJSON)
			}
			return a.showSchedules(cmd.Context(), asJSON)
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("только эта компания, с её последними слотами", "this tenant only, with its last slots"))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("в JSON: массив, с --tenant объект", "as JSON: an array, with --tenant an object"))
	return cmd
}

// scheduleJSON is a tenant's schedule as scripts see it. Spec, zone and quiet are
// what holds, the host's defaults included.
type scheduleJSON struct {
	Tenant    int64  `json:"tenant"`
	Enabled   bool   `json:"enabled"`
	Connected bool   `json:"connected"`
	Spec      string `json:"spec"`
	Zone      string `json:"zone"`
	Quiet     string `json:"quiet"`
	Words     string `json:"words"`
	// Next is when the next run starts, the spread included; Slot is what the schedule says.
	Next      *string    `json:"next"`
	NextLocal string     `json:"next_local"`
	Slot      *string    `json:"next_slot"`
	Last      *slotJSON  `json:"last"`
	Slots     []slotJSON `json:"slots,omitempty"`
	// Missed are the slots of the last 30 days at which every host was away.
	Missed *missedJSON `json:"missed,omitempty"`
}

type missedJSON struct {
	Count      int     `json:"count"`
	First      *string `json:"first"`
	Last       *string `json:"last"`
	FirstLocal string  `json:"first_local"`
	LastLocal  string  `json:"last_local"`
}

type slotJSON struct {
	Slot      *string `json:"slot"`
	Local     string  `json:"local"`
	Status    string  `json:"status"`
	Run       int64   `json:"run,omitempty"`
	RunStatus string  `json:"run_status,omitempty"`
}

func newSlotJSON(slot store.Slot, zone *time.Location) slotJSON {
	return slotJSON{Slot: runjson.Time(slot.At), Local: inZone(slot.At, zone), Status: slot.Status, Run: slot.RunID, RunStatus: string(slot.RunStatus)}
}

func inZone(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02 15:04 MST")
}

// describeSchedule puts a tenant's schedule into words and plans what nobody has
// planned yet, for showing only.
func (a *app) describeSchedule(ctx context.Context, scheduler *schedule.Scheduler, tenant store.ScheduledTenant, slots []store.Slot, missed map[int64]store.Missed) (scheduleJSON, error) {
	row := tenant.Schedule
	spec, err := scheduler.Spec(row)
	if err != nil {
		return scheduleJSON{}, err
	}
	if row.Enabled && row.NextAt.IsZero() {
		if err := scheduler.Plan(ctx, &row); err != nil {
			return scheduleJSON{}, err
		}
	}
	text := spec.Text()
	out := scheduleJSON{
		Tenant: row.TenantID, Enabled: row.Enabled, Connected: tenant.Connected,
		Spec: text.Rule, Zone: text.Zone, Quiet: text.Quiet, Words: spec.Words().In(a.locale),
	}
	if row.Enabled && tenant.Connected {
		out.Next, out.NextLocal, out.Slot = runjson.Time(row.NextAt), inZone(row.NextAt, spec.Zone()), runjson.Time(row.SlotAt)
	}
	if m, some := missed[row.TenantID]; some {
		out.Missed = &missedJSON{Count: m.Count, First: runjson.Time(m.First), Last: runjson.Time(m.Last),
			FirstLocal: inZone(m.First, spec.Zone()), LastLocal: inZone(m.Last, spec.Zone())}
	}
	for _, slot := range slots {
		out.Slots = append(out.Slots, newSlotJSON(slot, spec.Zone()))
	}
	if len(out.Slots) > 0 {
		out.Last = &out.Slots[0]
	}
	return out, nil
}

func (a *app) showSchedule(ctx context.Context, id int64, asJSON bool) error {
	if _, err := a.store.Tenant(ctx, id); err != nil {
		return err
	}
	tenants, err := a.store.ScheduledTenants(ctx, id)
	if err != nil {
		return err
	}
	slots, err := a.store.Slots(ctx, id, store.TaskSyncUsers, slotsShown)
	if err != nil {
		return err
	}
	missed, err := a.store.MissedSlots(ctx, id, store.TaskSyncUsers, time.Now().Add(-missedFor))
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		out, err := a.describeSchedule(ctx, a.scheduler(nil), tenant, slots, missed)
		if err != nil {
			return err
		}
		if asJSON {
			return a.printJSON(out)
		}
		fmt.Fprintf(a.stdout, "%s%s\n%s %s\n", a.tenantLabel(id), out.Words, a.say("Следующий запуск:", "Next run:"), a.nextRun(out))
		if m := out.Missed; m != nil {
			fmt.Fprintf(a.stdout, a.say("⚠️ Пропущено за 30 дней: %d, с %s по %s. В это время не работал ни один узел.\n",
				"⚠️ Missed in 30 days: %d, from %s to %s. No host was at work then.\n"), m.Count, m.FirstLocal, m.LastLocal)
		}
		if len(out.Slots) > 0 {
			fmt.Fprintln(a.stdout)
			return a.printSlots(out.Slots)
		}
	}
	return nil
}

func (a *app) printSlots(slots []slotJSON) error {
	table := a.newTable(a.say("СЛОТ\tЧТО СТАЛО\tЗАПУСК\tСОСТОЯНИЕ ЗАПУСКА", "SLOT\tWHAT BECAME OF IT\tRUN\tRUN'S STATUS"))
	for _, slot := range slots {
		run := any("—")
		if slot.Run != 0 {
			run = slot.Run
		}
		table.row(slot.Local, a.slotStatus(slot), run, shown(slot.RunStatus))
	}
	return table.flush()
}

func (a *app) showSchedules(ctx context.Context, asJSON bool) error {
	tenants, err := a.store.ScheduledTenants(ctx, 0)
	if err != nil {
		return err
	}
	last, err := a.store.LastSlots(ctx, store.TaskSyncUsers)
	if err != nil {
		return err
	}
	missed, err := a.store.MissedSlots(ctx, 0, store.TaskSyncUsers, time.Now().Add(-missedFor))
	if err != nil {
		return err
	}
	scheduler := a.scheduler(nil)
	all := make([]scheduleJSON, 0, len(tenants))
	for _, tenant := range tenants {
		var slots []store.Slot
		if slot, found := last[tenant.TenantID]; found {
			slots = append(slots, slot)
		}
		out, err := a.describeSchedule(ctx, scheduler, tenant, slots, missed)
		if err != nil {
			return fmt.Errorf("the schedule of tenant %d: %w", tenant.TenantID, err)
		}
		out.Slots = nil
		all = append(all, out)
	}
	if asJSON {
		return a.printJSON(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(a.stdout, a.say("Компаний с расписанием нет: оно появляется вместе с подключением (booking-host crm connect).",
			"No tenant has a schedule: it comes with a connection (booking-host crm connect)."))
		return nil
	}
	table := a.newTable(a.say("КОМПАНИЯ\tРАСПИСАНИЕ\tСЛЕДУЮЩИЙ ЗАПУСК\tПОСЛЕДНИЙ СЛОТ", "TENANT\tSCHEDULE\tNEXT RUN\tLAST SLOT"))
	for _, out := range all {
		table.row(out.Tenant, out.Words, a.nextRun(out), a.lastSlot(out))
	}
	return table.flush()
}

func (a *app) nextRun(out scheduleJSON) string {
	switch {
	case !out.Enabled:
		return a.say("расписание выключено", "the schedule is off")
	case !out.Connected:
		return a.say("— (нет включённого подключения)", "— (no enabled connection)")
	}
	return out.NextLocal
}

func (a *app) lastSlot(out scheduleJSON) string {
	if out.Last == nil {
		return "—"
	}
	text := out.Last.Local + ": " + a.slotStatus(*out.Last)
	if out.Last.Run != 0 {
		text += fmt.Sprintf(" %d (%s)", out.Last.Run, out.Last.RunStatus)
	}
	if out.Missed != nil {
		text += fmt.Sprintf(a.say("; ⚠️ пропущено за 30 дней: %d", "; ⚠️ missed in 30 days: %d"), out.Missed.Count)
	}
	return text
}

func (a *app) slotStatus(slot slotJSON) string {
	if slot.Status == store.SlotMissed {
		return a.say("пропущен", "missed")
	}
	return a.say("запуск", "run")
}

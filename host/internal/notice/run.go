package notice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"booking/host/internal/mail"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// run is the mail to an administrator about a run, unless something newer is true by
// now: in an outage of the mail server only the last news is worth reading.
func (w Writer) run(ctx context.Context, m store.QueuedMail) (mail.Message, error) {
	reader, err := w.reader(ctx, m.UserID)
	if err != nil {
		return mail.Message{}, err
	}
	if reader.Role != store.RoleAdmin || reader.TenantID != m.TenantID {
		return mail.Message{}, dropped(ReasonInactive)
	}
	told, err := w.Store.Notices(ctx, m.TenantID)
	switch {
	case err != nil:
		return mail.Message{}, err
	case !told.Enabled:
		return mail.Message{}, dropped(ReasonSwitchedOff)
	case told.Told != m.Data.Trouble || told.ToldRun != m.RunID:
		return mail.Message{}, dropped(ReasonOutdated)
	}
	run, err := w.Store.Run(ctx, m.RunID)
	if errors.Is(err, store.ErrNotFound) {
		return mail.Message{}, dropped(ReasonOutdated)
	}
	if err != nil {
		return mail.Message{}, err
	}
	zone, err := w.zoneOf(ctx, m.TenantID)
	if err != nil {
		return mail.Message{}, err
	}
	locale := w.localeOf(m)
	subject, body := runWords(m.Data)
	places := []string{
		"{company}", inline(reader.Tenant.Name), "{portal}", inline(run.Portal), "{run}", fmt.Sprint(run.ID), "{tenant}", fmt.Sprint(run.TenantID),
		"{when}", run.FinishedAt.In(zone).Format("02.01.2006 15:04 MST"), "{before}", headline(m.Data.Before).In(locale),
		"{link}", fmt.Sprintf("%s/runs/%d", w.PublicURL, run.ID), "{settings}", w.PublicURL + "/settings/crm",
	}
	todo := strings.NewReplacer(places...).Replace(whatToDo(m.Data.Trouble).In(locale))
	fill := strings.NewReplacer(append(places, "{what}", whatHappened(m.Data.Trouble, run).In(locale), "{todo}", todo)...)
	return mail.Message{
		To: reader.Email, Subject: fill.Replace(subject.In(locale)), Body: fill.Replace(body.In(locale) + farewell.In(locale)), ID: messageID(m),
	}, nil
}

// zoneOf is where the tenant's clocks are.
func (w Writer) zoneOf(ctx context.Context, tenant int64) (*time.Location, error) {
	schedule, err := w.Store.Schedule(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if zone, err := time.LoadLocation(schedule.Zone); err == nil && schedule.Zone != "" {
		return zone, nil
	}
	return w.Zone, nil
}

// farewell ends each of these mails.
var farewell = crm.Text{
	RU: "\nВы получили это письмо как администратор компании «{company}». Об одной и той же причине мы пишем один раз; когда снова заработает, сообщим.\n" +
		"Отключить такие письма для всей компании: {settings} (раздел «Письма о синхронизации»)\nили booking-host notices off --tenant {tenant}.\n",
	EN: "\nYou get this mail as an administrator of {company}. We write once about the same reason, and once more when it works again.\n" +
		"To switch such mails off for the whole company: {settings} (section \"Mails about syncs\")\nor booking-host notices off --tenant {tenant}.\n",
}

func runWords(d store.MailData) (subject, body crm.Text) {
	switch d.Trouble {
	case "":
		return crm.Text{RU: "Синхронизация снова работает: {company}", EN: "The sync works again: {company}"}, crm.Text{
			RU: "Синхронизация сотрудников компании «{company}» с порталом {portal} снова работает: запуск {run} закончился {when}.\n\nДо этого: {before}.\nДелать ничего не нужно.\n\nПодробности: {link}\n",
			EN: "The sync of {company} with the portal {portal} works again: run {run} ended {when}.\n\nBefore that: {before}.\nThere is nothing to do.\n\nDetails: {link}\n",
		}
	case troubleHeld:
		return crm.Text{RU: "Синхронизация ждёт вашего решения: {company}", EN: "The sync waits for your decision: {company}"}, troubleBody
	}
	return crm.Text{RU: "Синхронизация не удалась: {company}", EN: "The sync failed: {company}"}, troubleBody
}

var troubleBody = crm.Text{
	RU: "Запуск {run} синхронизации сотрудников компании «{company}» закончился {when}.\n\nЧто случилось. {what}\n\nЧто сделать. {todo}\n\nПодробности: {link}\n",
	EN: "Run {run} of the sync of {company} ended {when}.\n\nWhat happened. {what}\n\nWhat to do. {todo}\n\nDetails: {link}\n",
}

package web

import (
	"cmp"
	"slices"
	"strconv"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// auditLabels say what an entry is about; of a setting it is the field's own label.
var auditLabels = map[string]crm.Text{
	auditEnabled:  {RU: "Подключение включено", EN: "Connection enabled"},
	auditSchedule: {RU: "Расписание", EN: "Schedule"},
	auditNotices:  {RU: "Письма о синхронизации", EN: "Mails about syncs"},
	auditLinks:    {RU: "Связи после смены портала", EN: "Links after the portal changed"},

	store.AuditTokenAdded:   {RU: "Токен выпущен", EN: "Token made"},
	store.AuditTokenRevoked: {RU: "Токен отозван", EN: "Token revoked"},

	store.AuditEventsOn:      {RU: "События включены: создан адрес", EN: "Events switched on: address made"},
	store.AuditEventsRenewed: {RU: "Новый адрес для событий", EN: "New address for events"},
	store.AuditEventsOff:     {RU: "События выключены", EN: "Events switched off"},

	store.AuditCreated: {RU: "Добавлен человек", EN: "Person added"},
	store.AuditName:    {RU: "Имя", EN: "Name"},
	store.AuditEmail:   {RU: "E-mail", EN: "E-mail"},
	store.AuditRole:    {RU: "Роль", EN: "Role"},
	store.AuditActive:  {RU: "Активен", EN: "Active"},
	store.AuditPhone:   {RU: "Телефон", EN: "Phone"},
	store.AuditLink:    {RU: "Связь с CRM", EN: "Link to the CRM"},
}

// newAuditView puts an entry into words; settings are the fields it can be about.
func newAuditView(e store.AuditEntry, settings []crm.Field) *auditView {
	view := &auditView{AuditEntry: e, Label: auditLabels[e.Action], Was: auditValue(e.Action, e.Old), Is: auditValue(e.Action, e.New)}
	if slices.Contains(store.PersonActions, e.Action) {
		view.Person, _ = strconv.ParseInt(e.Subject, 10, 64)
	}
	if view.Label == (crm.Text{}) {
		view.Label = crm.Text{RU: cmp.Or(e.Subject, e.Action)}
	}
	switch e.Action {
	case store.AuditTokenAdded, store.AuditTokenRevoked:
		view.Label.RU += ": " + e.Subject
		view.Label.EN += ": " + e.Subject
		return view
	case auditSetting, auditSecret:
	default:
		return view
	}
	for _, field := range settings {
		if field.Key == e.Subject {
			view.Label = field.Label
		}
	}
	return view
}

// auditValue is a value as people read it.
func auditValue(action, value string) crm.Text {
	switch {
	case action == store.AuditRole && value != "":
		if known, there := roles[value]; there {
			return known
		}
	case value == "true":
		return yesNo(true)
	case value == "false":
		return yesNo(false)
	}
	return crm.Text{RU: value}
}

func yesNo(yes bool) crm.Text {
	if yes {
		return crm.Text{RU: "да", EN: "yes"}
	}
	return crm.Text{RU: "нет", EN: "no"}
}

package web

import "booking/shared/crm"

// word is what a status is called and how it is coloured.
type word struct {
	text crm.Text
	tone string // good, bad, warn, busy or calm
}

var statuses = map[string]word{
	"queued":         {crm.Text{RU: "в очереди", EN: "queued"}, "busy"},
	"running":        {crm.Text{RU: "идёт", EN: "running"}, "busy"},
	"succeeded":      {crm.Text{RU: "готово", EN: "done"}, "good"},
	"partial":        {crm.Text{RU: "готово, но не все", EN: "done, but not everybody"}, "warn"},
	"failed":         {crm.Text{RU: "не удалось", EN: "failed"}, "bad"},
	"cancelled":      {crm.Text{RU: "остановлено", EN: "stopped"}, "calm"},
	"interrupted":    {crm.Text{RU: "прервано", EN: "interrupted"}, "bad"},
	"not_configured": {crm.Text{RU: "не настроено", EN: "not configured"}, "warn"},
}

var modes = map[crm.Mode]crm.Text{
	crm.ModeApply:   {RU: "Синхронизация", EN: "Sync"},
	crm.ModePreview: {RU: "Предпросмотр", EN: "Preview"},
	crm.ModePerson:  {RU: "Один сотрудник", EN: "One person"},
}

var actions = map[crm.Action]crm.Text{
	crm.ActionCreated:     {RU: "создан", EN: "created"},
	crm.ActionUpdated:     {RU: "обновлён", EN: "updated"},
	crm.ActionSkipped:     {RU: "пропущен", EN: "skipped"},
	crm.ActionConflict:    {RU: "конфликт", EN: "conflict"},
	crm.ActionDeactivated: {RU: "отключён", EN: "deactivated"},
	crm.ActionReactivated: {RU: "снова включён", EN: "active again"},
	crm.ActionReported:    {RU: "проверить", EN: "look at"},
}

// actionTabs are the actions as names of lists.
var actionTabs = map[crm.Action]crm.Text{
	crm.ActionCreated:     {RU: "созданы", EN: "created"},
	crm.ActionUpdated:     {RU: "обновлены", EN: "updated"},
	crm.ActionSkipped:     {RU: "пропущены", EN: "skipped"},
	crm.ActionConflict:    {RU: "конфликты", EN: "conflicts"},
	crm.ActionDeactivated: {RU: "отключены", EN: "deactivated"},
	crm.ActionReactivated: {RU: "снова включены", EN: "active again"},
	crm.ActionReported:    {RU: "проверить", EN: "look at"},
}

// planned are the actions of a preview, and plannedTabs their lists: nothing is done yet.
// What is not here is what it is.
var planned = map[crm.Action]crm.Text{
	crm.ActionCreated:     {RU: "будет создан", EN: "would be created"},
	crm.ActionUpdated:     {RU: "будет обновлён", EN: "would be updated"},
	crm.ActionDeactivated: {RU: "будет отключён", EN: "would be deactivated"},
	crm.ActionReactivated: {RU: "будет снова включён", EN: "would be active again"},
}

var plannedTabs = map[crm.Action]crm.Text{
	crm.ActionCreated:     {RU: "будут созданы", EN: "would be created"},
	crm.ActionUpdated:     {RU: "будут обновлены", EN: "would be updated"},
	crm.ActionDeactivated: {RU: "будут отключены", EN: "would be deactivated"},
	crm.ActionReactivated: {RU: "будут снова включены", EN: "would be active again"},
}

// deed is what became of somebody or, in a preview, what would.
func deed(action crm.Action, preview bool, done, planned map[crm.Action]crm.Text) crm.Text {
	if text, there := planned[action]; preview && there {
		return text
	}
	return done[action]
}

var triggers = map[string]crm.Text{
	"cli":      {RU: "команда", EN: "command"},
	"button":   {RU: "кнопка", EN: "button"},
	"schedule": {RU: "расписание", EN: "schedule"},
	"api":      {RU: "API", EN: "API"},
	"event":    {RU: "событие", EN: "event"},
}

var stages = map[crm.Stage]crm.Text{
	"":                {RU: "Читаем сотрудников из портала", EN: "Reading people from the portal"}, // the portal has not answered yet
	crm.StageReading:  {RU: "Читаем сотрудников из портала", EN: "Reading people from the portal"},
	crm.StagePlanning: {RU: "Сравниваем с календарём", EN: "Comparing with the calendar"},
	crm.StageWriting:  {RU: "Записываем изменения", EN: "Writing the changes"},
}

var roles = map[string]crm.Text{
	"super_admin": {RU: "суперадминистратор", EN: "super administrator"},
	"admin":       {RU: "администратор", EN: "administrator"},
	"manager":     {RU: "менеджер", EN: "manager"},
	"employee":    {RU: "сотрудник", EN: "employee"},
}

// fields are the columns of users that a change can name; any other is the link.
var fields = map[string]crm.Text{
	"name":      {RU: "Имя", EN: "Name"},
	"email":     {RU: "E-mail", EN: "E-mail"},
	"phone":     {RU: "Телефон", EN: "Phone"},
	"position":  {RU: "Должность", EN: "Position"},
	"is_active": {RU: "Активен", EN: "Active"},
	"role":      {RU: "Роль", EN: "Role"},
	"id":        {RU: "Номер в CRM", EN: "CRM id"},
}

func fieldName(column string) crm.Text {
	if known, there := fields[column]; there {
		return known
	}
	return crm.Text{RU: "Связь с CRM", EN: "Link to the CRM"}
}

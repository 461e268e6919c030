package web

import (
	"net/url"
	"strconv"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// What an audit entry is about.
const (
	auditSetting  = "setting"
	auditSecret   = "secret"
	auditEnabled  = "enabled"
	auditLinks    = "links"
	auditSchedule = "schedule"
	auditNotices  = "notices"
)

// compareConnections is what a save has changed, for the audit. A secret's value is
// in neither column.
func compareConnections(v *visit, d crm.Description, before, after store.Connection, form url.Values) []store.AuditEntry {
	var entries []store.AuditEntry
	note := func(action, subject, was, is string) {
		entries = append(entries, store.AuditEntry{
			TenantID: v.Tenant.ID, UserID: v.Who.ID, UserName: v.Who.Name, Action: action, Subject: subject, Old: was, New: is,
		})
	}
	for _, field := range d.Fields {
		switch was, is := before.Plain[field.Key], after.Plain[field.Key]; {
		case field.Secret && before.Secret[field.Key] != after.Secret[field.Key]:
			note(auditSecret, field.Key, "", "")
		case !field.Secret && was != is:
			note(auditSetting, field.Key, was, is)
		}
	}
	if before.Plugin != "" && before.Enabled != after.Enabled {
		note(auditEnabled, "", strconv.FormatBool(before.Enabled), strconv.FormatBool(after.Enabled))
	}
	if links := form.Get("links"); links != "" && before.LinksPortal != after.LinksPortal {
		note(auditLinks, links, before.LinksPortal, after.LinksPortal)
	}
	return entries
}

// AuditLabel says what an entry is about, by the field's label where there is one.
func (d settingsView) AuditLabel(e store.AuditEntry) crm.Text {
	switch e.Action {
	case auditEnabled:
		return crm.Text{RU: "Подключение включено", EN: "Connection enabled"}
	case auditSchedule:
		return crm.Text{RU: "Расписание", EN: "Schedule"}
	case store.AuditTokenAdded:
		return crm.Text{RU: "Токен выпущен: " + e.Subject, EN: "Token made: " + e.Subject}
	case store.AuditTokenRevoked:
		return crm.Text{RU: "Токен отозван: " + e.Subject, EN: "Token revoked: " + e.Subject}
	case auditNotices:
		return crm.Text{RU: "Письма о синхронизации", EN: "Mails about syncs"}
	case auditLinks:
		return crm.Text{RU: "Связи после смены портала", EN: "Links after the portal changed"}
	}
	for _, field := range d.Plugin.Fields {
		if field.Key == e.Subject {
			return field.Label
		}
	}
	return crm.Text{RU: e.Subject, EN: e.Subject}
}

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

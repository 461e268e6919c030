package logging

import (
	"context"
	"log/slog"
	"time"

	"booking/shared/crm"
)

// Journal speaks the lines of one run, in the operator's language, with the marks
// of contract.md, "Log lines". All of them are of level info, so that a grep for a
// mark finds every one. (🔵, a request to the portal, is the plugin's own line.)
type Journal struct {
	log    *slog.Logger
	locale string
	column string
}

// NewJournal makes the Journal of a run. Column is the name of the external-id
// column, under which the external id stands in the record.
func NewJournal(log *slog.Logger, locale, column string, tenant, run int64) *Journal {
	return &Journal{log: log.With("tenant", tenant, "run", run), locale: locale, column: column}
}

// marks are the messages of the actions.
var marks = map[crm.Action]crm.Text{
	crm.ActionCreated:     {RU: "➕ Создан сотрудник", EN: "➕ Person created"},
	crm.ActionUpdated:     {RU: "🔄 Обновлён сотрудник", EN: "🔄 Person updated"},
	crm.ActionDeactivated: {RU: "🔄 Сотрудник отключён: уволен в CRM", EN: "🔄 Person deactivated: left in the CRM"},
	crm.ActionReactivated: {RU: "🔄 Сотрудник снова включён", EN: "🔄 Person active again"},
	crm.ActionSkipped:     {RU: "⚠️ Сотрудник пропущен", EN: "⚠️ Person skipped"},
	crm.ActionConflict:    {RU: "⚠️ Конфликт", EN: "⚠️ Conflict"},
	crm.ActionReported:    {RU: "⚠️ Нужно проверить вручную", EN: "⚠️ To be looked at by hand"},
}

var (
	finished  = crm.Text{RU: "✅ Синхронизация завершена", EN: "✅ Sync finished"}
	previewed = crm.Text{RU: "✅ Предпросмотр готов, ничего не записано", EN: "✅ Preview finished, nothing was written"}
	failed    = crm.Text{RU: "❌ Синхронизация не удалась", EN: "❌ Sync failed"}
	stopped   = crm.Text{RU: "❌ Синхронизация остановлена", EN: "❌ Sync cancelled"}
)

// Change writes what became of one person.
func (j *Journal) Change(c crm.Change) {
	mark, known := marks[c.Action]
	if !known {
		mark = crm.Text{RU: string(c.Action), EN: string(c.Action)}
	}
	fields := make([]slog.Attr, 0, 8)
	if c.UserID != 0 {
		fields = append(fields, slog.Int64("user_id", c.UserID))
	}
	fields = append(fields, slog.String(j.column, c.ExternalID), slog.String("name", c.Name), slog.String("email", c.Email))
	for _, f := range []struct{ key, value string }{
		{"reason", string(c.Reason)}, {"field", c.Field}, {"other_" + j.column, c.OtherExternalID},
	} {
		if f.value != "" {
			fields = append(fields, slog.String(f.key, f.value))
		}
	}
	if c.OtherUserID != 0 {
		fields = append(fields, slog.Int64("other_user_id", c.OtherUserID))
	}
	j.write(mark, fields...)
}

// Finished writes the end of a run that did not fail.
func (j *Journal) Finished(mode crm.Mode, r crm.SyncResult, took time.Duration) {
	text := finished
	if mode == crm.ModePreview {
		text = previewed
	}
	j.write(text, slog.Int("fetched", r.Fetched), slog.Int("synced", r.Synced()), slog.Int("created", r.Created),
		slog.Int("updated", r.Updated), slog.Int("unchanged", r.Unchanged), slog.Int("skipped", r.Skipped),
		slog.Int("conflicts", r.Conflicts), slog.Int("deactivated", r.Deactivated), slog.Bool("held", r.Held),
		slog.Bool("partial", r.Partial), slog.Int("requests", r.Requests), slog.Int64("duration_ms", took.Milliseconds()))
}

// Failed writes the end of a run that failed; a cancelled one says so.
func (j *Journal) Failed(code crm.Code, message crm.Text) {
	text := failed
	if code == crm.CodeCancelled {
		text = stopped
	}
	j.write(text, slog.String("code", string(code)), slog.String("reason", message.In(j.locale)))
}

func (j *Journal) write(text crm.Text, fields ...slog.Attr) {
	j.log.LogAttrs(context.Background(), slog.LevelInfo, text.In(j.locale), fields...)
}

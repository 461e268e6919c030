package logging

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
)

const column = "acme_user_id"

// records runs write with a journal and returns what stands in the log.
func records(t *testing.T, locale string, write func(*Journal)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	write(NewJournal(newLogger(t, &out, true), locale, column, 3, 12))
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		record := map[string]any{}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record["level"] != "INFO" {
			t.Errorf("level %v: a grep at level info would miss it", record["level"])
		}
		delete(record, "time")
		delete(record, "level")
		all = append(all, record)
	}
	return all
}

func TestALineSaysWhatBecameOfWhom(t *testing.T) {
	t.Parallel()
	got := records(t, "ru", func(j *Journal) {
		j.Change(crm.Change{ExternalID: "7", UserID: 5, Name: "Анна", Email: "anna@x", Action: crm.ActionCreated})
		j.Change(crm.Change{ExternalID: "8", Name: "Пётр", Email: "petr@x", Action: crm.ActionConflict, Reason: crm.ReasonDuplicateEmail, OtherExternalID: "7", OtherUserID: 5})
		j.Change(crm.Change{ExternalID: "9", Name: "Ян", Action: crm.ActionSkipped, Reason: crm.ReasonInvalid, Field: "name"})
	})
	want := []map[string]any{
		{"msg": "➕ Создан сотрудник", "tenant": 3.0, "run": 12.0, "user_id": 5.0, column: "7", "name": "Анна", "email": "anna@x"},
		{"msg": "⚠️ Конфликт", "tenant": 3.0, "run": 12.0, column: "8", "name": "Пётр", "email": "petr@x", "reason": "duplicate_email", "other_" + column: "7", "other_user_id": 5.0},
		{"msg": "⚠️ Сотрудник пропущен", "tenant": 3.0, "run": 12.0, column: "9", "name": "Ян", "email": "", "reason": "invalid", "field": "name"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryActionHasItsMarkInBothLanguages(t *testing.T) {
	t.Parallel()
	for action, mark := range map[crm.Action]string{
		crm.ActionCreated: "➕", crm.ActionUpdated: "🔄", crm.ActionDeactivated: "🔄", crm.ActionReactivated: "🔄",
		crm.ActionSkipped: "⚠️", crm.ActionConflict: "⚠️", crm.ActionReported: "⚠️",
	} {
		said := map[string]bool{}
		for _, locale := range []string{"ru", "en"} {
			text, _ := records(t, locale, func(j *Journal) { j.Change(crm.Change{Action: action}) })[0]["msg"].(string)
			if !strings.HasPrefix(text, mark+" ") {
				t.Errorf("%s in %s: %q", action, locale, text)
			}
			said[text] = true
		}
		if len(said) != 2 {
			t.Errorf("%s: not translated", action)
		}
	}
}

func TestTheEndOfARunIsALine(t *testing.T) {
	t.Parallel()
	result := crm.SyncResult{Counts: crm.Counts{Fetched: 10, Created: 1, Updated: 2, Unchanged: 3, Skipped: 2, Conflicts: 2}, Held: true, Requests: 4}
	message := crm.Text{RU: "Портал не отвечает", EN: "The portal does not answer"}
	got := records(t, "ru", func(j *Journal) {
		j.Finished(crm.ModeApply, result, 1500*time.Millisecond)
		j.Finished(crm.ModePreview, crm.SyncResult{}, 0)
		j.Failed(crm.CodePortalUnreachable, message)
		j.Failed(crm.CodeCancelled, message)
	})
	first := map[string]any{
		"msg": "✅ Синхронизация завершена", "tenant": 3.0, "run": 12.0, "fetched": 10.0, "synced": 6.0, "created": 1.0, "updated": 2.0, "unchanged": 3.0,
		"skipped": 2.0, "conflicts": 2.0, "deactivated": 0.0, "held": true, "partial": false, "requests": 4.0, "duration_ms": 1500.0,
	}
	if diff := cmp.Diff(first, got[0]); diff != "" {
		t.Error(diff)
	}
	for i, want := range map[int]string{1: "✅ Предпросмотр", 2: "❌ Синхронизация не удалась", 3: "❌ Синхронизация остановлена"} {
		if text, _ := got[i]["msg"].(string); !strings.HasPrefix(text, want) {
			t.Errorf("%q, want %q", text, want)
		}
	}
	if got[2]["code"] != "portal_unreachable" || got[2]["reason"] != message.RU {
		t.Errorf("%v", got[2])
	}
}

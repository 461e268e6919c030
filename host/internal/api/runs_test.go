package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"booking/host/internal/runjson"
	"booking/host/internal/store"
	"booking/shared/crm"
)

func TestARunIsStartedOnceAndJoined(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	entered, open := s.gated()
	first := s.post(s.run, "/runs", `{"mode":"apply"}`).ok(t, 202)
	var run runjson.History
	first.into(t, &run)
	if run.Tenant != s.ours || run.Trigger != "api" || run.Mode != "apply" || run.Status != "queued" || first.header.Get("Location") != fmt.Sprintf("/api/v1/runs/%d", run.Run.Run) {
		t.Errorf("%s, Location %q", first.body, first.header.Get("Location"))
	}
	s.await(entered)
	// The same again joins; something else is in the way of it, and told of it.
	var joined runjson.History
	again := s.post(s.run, "/runs", `{"mode":"apply"}`).ok(t, 200)
	if again.into(t, &joined); joined.Run.Run != run.Run.Run || joined.Status != "running" || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("%s", again.body)
	}
	if refused := s.post(s.run, "/runs", `{"mode":"preview"}`).refused(t, "a preview", 409, "busy"); refused.Error.Run != run.Run.Run {
		t.Errorf("%+v", refused)
	}
	// Somebody waits for the end.
	done := make(chan reply, 1)
	go func() { done <- s.get(s.read, fmt.Sprintf("/runs/%d?wait=30", run.Run.Run)) }()
	close(open)
	if end := <-done; !strings.Contains(end.ok(t, 200).body, `"status":"succeeded"`) || !strings.Contains(end.body, `"fetched":200`) {
		t.Errorf("%s", end.body)
	}
	if n := s.count("SELECT COUNT(*) FROM crm_runs"); n != 1 {
		t.Errorf("%d runs", n)
	}
}

func (s *site) count(query string, args ...any) int {
	s.t.Helper()
	var n int
	if err := s.DB().NewRaw(query, args...).Scan(s.t.Context(), &n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestNobodyWaitsForARunWhenTheHostStops(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	var run runjson.History
	s.post(s.run, "/runs", `{"mode":"preview"}`).ok(t, 202).into(t, &run)
	close(s.closing) // nobody works here: without it the call would take its 30 s
	if r := s.get(s.read, fmt.Sprintf("/runs/%d?wait=30", run.Run.Run)); !strings.Contains(r.ok(t, 200).body, `"status":"queued"`) {
		t.Errorf("%s", r.body)
	}
}

func TestARetryIsShownAndKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	retry := s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, queue_key, retry_of, retry, not_before, requested_at)
		VALUES (?, 'scripted', 'portal.example', 'apply', 'schedule', 'waiting', CONCAT(?, '/apply//'), 7, 2, UTC_TIMESTAMP(6) + INTERVAL 15 MINUTE, UTC_TIMESTAMP(6))`, s.ours, s.ours)
	if r := s.get(s.read, fmt.Sprintf("/runs/%d", retry)); !strings.Contains(r.ok(t, 200).body, `"retry_of":7,"retry":2,"not_before":"20`) {
		t.Errorf("%s", r.body)
	}
	var run runjson.History
	s.post(s.run, "/runs", `{"mode":"apply"}`).ok(t, 202).into(t, &run)
	if run.Run.Run == retry {
		t.Error("the call joined a retry that waits for its time")
	}
	if r := s.get(s.read, fmt.Sprintf("/runs/%d", retry)); !strings.Contains(r.ok(t, 200).body, `"status":"cancelled"`) {
		t.Errorf("%s", r.body)
	}
}

func TestARunThatCannotBeStartedIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if refused := s.post(s.run, "/runs", `{"mode":"apply"}`).refused(t, "no connection", 409, "not_configured"); !strings.HasPrefix(refused.Error.Message, "Webhook not configured") {
		t.Errorf("%+v", refused)
	}
	s.connect()
	s.exec("UPDATE crm_connections SET enabled = 0")
	s.post(s.run, "/runs", `{"mode":"apply"}`).refused(t, "disabled", 409, "not_configured")
	s.exec("UPDATE crm_connections SET enabled = 1")
	for name, body := range map[string]string{
		"nothing": "{}", "no such mode": `{"mode":"all"}`, "an empty mode": `{"mode":""}`, "one person": `{"mode":"person"}`, "a field too many": `{"mode":"apply","tenant":2}`,
		"no object": `"apply"`, "no JSON": `mode=apply`, "two documents": `{"mode":"apply"}{"mode":"apply"}`, "another type": `{"mode":1}`,
	} {
		s.post(s.run, "/runs", body).refused(t, name, 400, "invalid_request")
	}
	s.post(s.run, "/runs", `{"mode":"apply","x":"`+strings.Repeat("x", maxBody)+`"}`).refused(t, "too long", 413, "too_large")
	s.call(s.run, http.MethodPost, "/runs", `{"mode":"apply"}`, "Content-Type", "application/x-www-form-urlencoded").refused(t, "a form", 415, "unsupported_media_type")
	s.post(s.run, "/runs", "").refused(t, "no body", 415, "unsupported_media_type")
	if n := s.count("SELECT COUNT(*) FROM crm_runs"); n != 0 {
		t.Errorf("%d runs were made", n)
	}
}

// One person, or exactly what a preview has shown.
func TestARunOfOnePersonAndOfAPreview(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	for name, body := range map[string]string{
		"no number": `{"mode":"person","person":"seven"}`, "a number below one": `{"mode":"person","person":"0"}`, "a person and everybody": `{"mode":"apply","person":"7"}`,
		"a preview of a preview": `{"mode":"preview","preview":1}`, "a preview that is not there": `{"mode":"apply","preview":4711}`, "below zero": `{"mode":"apply","preview":-1}`,
	} {
		s.post(s.run, "/runs", body).refused(t, name, 400, "invalid_request")
	}
	preview := func(tenant int64, hash string) int64 {
		return s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, plan_hash, requested_at, started_at, finished_at)
			VALUES (?, 'scripted', 'portal.example', 'preview', 'api', 'succeeded', ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`, tenant, hash)
	}
	ours, theirs := preview(s.ours, strings.Repeat("a", 64)), preview(s.theirs, strings.Repeat("a", 64))
	s.post(s.run, "/runs", fmt.Sprintf(`{"mode":"apply","preview":%d}`, theirs)).refused(t, "another company's preview", 400, "invalid_request")
	var exact, person runjson.History
	s.post(s.run, "/runs", fmt.Sprintf(`{"mode":"apply","preview":%d}`, ours)).ok(t, 202).into(t, &exact)
	if exact.Preview != ours || exact.Mode != "apply" {
		t.Errorf("%+v", exact)
	}
	// The same is joined; a plain sync is another one.
	s.post(s.run, "/runs", fmt.Sprintf(`{"mode":"apply","preview":%d}`, ours)).ok(t, 200)
	s.post(s.run, "/runs", `{"mode":"apply"}`).refused(t, "a plain sync", 409, "busy")
	s.post(s.run, fmt.Sprintf("/runs/%d/cancel", exact.Run.Run), "").ok(t, 202)
	s.post(s.run, "/runs", `{"mode":"person","person":"7"}`).ok(t, 202).into(t, &person)
	if person.Person != "7" || person.Mode != "person" {
		t.Errorf("%+v", person)
	}
	s.post(s.run, "/runs", `{"mode":"person","person":"8"}`).refused(t, "another person", 409, "busy")
}

func TestARunIsStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	var waiting runjson.History
	s.post(s.run, "/runs", `{"mode":"apply"}`).ok(t, 202).into(t, &waiting)
	cancel := func(run int64, status int) reply {
		t.Helper()
		return s.post(s.run, fmt.Sprintf("/runs/%d/cancel", run), "").ok(t, status)
	}
	if r := cancel(waiting.Run.Run, 202); !strings.Contains(r.body, `"status":"cancelled"`) {
		t.Errorf("one that waited: %s", r.body)
	}
	if r := cancel(waiting.Run.Run, 200); !strings.Contains(r.body, `"status":"cancelled"`) {
		t.Errorf("one that is over: %s", r.body)
	}
	s.work()
	entered, _ := s.gated()
	var going runjson.History
	s.post(s.run, "/runs", `{"mode":"apply"}`).ok(t, 202).into(t, &going)
	s.await(entered)
	if r := cancel(going.Run.Run, 202); !strings.Contains(r.body, `"status":"running"`) {
		t.Errorf("one that goes on: %s", r.body)
	}
	if r := s.get(s.read, fmt.Sprintf("/runs/%d?wait=30", going.Run.Run)); !strings.Contains(r.body, `"status":"cancelled"`) {
		t.Errorf("%s", r.body)
	}
}

func TestRunsComeInPagesOfTheTenant(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var want []int64
	for range 5 {
		want = append([]int64{s.finishedRun(s.ours)}, want...)
		s.finishedRun(s.theirs)
	}
	reserved := s.exec(`INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, requested_at) VALUES (?, 'p', 'apply', 'schedule', 'reserved', UTC_TIMESTAMP(6))`, s.ours)
	s.get(s.read, fmt.Sprintf("/runs/%d", reserved)).refused(t, "a reserved run", 404, "not_found")
	var got []int64
	pages := 0
	for path := "/runs?limit=2"; path != ""; pages++ {
		var page runsPage
		s.get(s.read, path).ok(t, 200).into(t, &page)
		for _, run := range page.Runs {
			got = append(got, run.Run.Run)
		}
		if path = ""; page.Next != nil {
			path = "/runs?limit=2&before=" + *page.Next
		}
	}
	if !slices.Equal(got, want) || pages != 3 {
		t.Errorf("%v in %d pages, want %v", got, pages, want)
	}
	var none runsPage
	if s.get(s.read, "/runs?status=failed&mode=preview").ok(t, 200).into(t, &none); len(none.Runs) != 0 || none.Next != nil {
		t.Errorf("%+v", none)
	}
}

func TestChangesAreFilteredSearchedAndPaged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var names []string
	for i := range 7 {
		names = append(names, fmt.Sprintf("Человек-%d.", i))
	}
	base := fmt.Sprintf("/runs/%d/changes", s.finishedRun(s.ours, append(names, "100% Процент")...))
	var got []string
	for path := base + "?limit=3&action=updated"; path != ""; {
		var page changesPage
		s.get(s.read, path).ok(t, 200).into(t, &page)
		for _, change := range page.Changes {
			got = append(got, change.Name)
		}
		if path = ""; page.Next != nil {
			path = base + "?limit=3&action=updated&after=" + *page.Next
		}
	}
	if !slices.Equal(got, append(names, "100% Процент")) {
		t.Errorf("%v", got)
	}
	for query, want := range map[string][]string{"q=%25": {"100% Процент"}, "q=99": {"Спорный"}, "action=conflict": {"Спорный"}, "q=taken%40": {"Спорный"}, "action=created": nil} {
		var page changesPage
		s.get(s.read, base+"?"+query).ok(t, 200).into(t, &page)
		var got []string
		for _, change := range page.Changes {
			got = append(got, change.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	var page changesPage
	s.get(s.read, base+"?action=conflict").into(t, &page)
	if c := page.Changes[0]; c.PortalID != "99" || c.UserID != nil || c.Reason != "email_taken" || c.Other.PortalID != "98" || string(c.Before) != "{}" {
		t.Errorf("%+v", c)
	}
}

func TestStatusSaysHowThingsAre(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status := func() (out statusJSON) {
		t.Helper()
		s.get(s.read, "/status").ok(t, 200).into(t, &out)
		return out
	}
	if got := status(); got.Connected || got.LastRun != nil || got.ActiveRun != nil || got.LastSuccessAt != nil || got.NextRunAt != nil {
		t.Errorf("nothing yet: %+v", got)
	}
	s.connect()
	s.exec("INSERT INTO crm_schedules (tenant_id, enabled, slot_at, next_at, updated_at) VALUES (?, 1, '2030-01-01', '2030-01-01 00:05:00', '2026-01-01')", s.ours)
	sync := func(status store.Status, change func(*store.Run)) store.Run {
		t.Helper()
		run := store.Run{TenantID: s.ours, Plugin: "scripted", Mode: crm.ModeApply, Trigger: "cli", Host: "test"}
		if err := s.StartRun(t.Context(), &run, s.runs.Lease); err != nil {
			t.Fatal(err)
		}
		if status == "" {
			return run
		}
		run.Status = status
		if change != nil {
			change(&run)
		}
		if err := s.FinishRun(t.Context(), &run); err != nil {
			t.Fatal(err)
		}
		return run
	}
	good := sync(store.StatusSucceeded, func(r *store.Run) { r.Fetched, r.Conflicts = 2, 2 })
	bad := sync(store.StatusFailed, func(r *store.Run) {
		r.SetError(crm.CodeUnauthorized, crm.Text{RU: "Вебхук отозван.", EN: "Revoked."})
	})
	going := sync("", nil)
	got := status()
	if !got.Connected || got.Failures != 1 || got.Conflicts != 2 || *got.LastSuccessAt != *runjson.Time(good.FinishedAt) || got.LastRun.Run.Run != bad.ID ||
		got.LastRun.Error.Code != "unauthorized" || got.ActiveRun.Run.Run != going.ID || *got.NextRunAt != "2030-01-01T00:05:00Z" {
		text, _ := json.Marshal(got)
		t.Errorf("%s", text)
	}
	// Its host dies.
	s.exec("UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = ?", going.ID)
	if got := status(); got.ActiveRun != nil || got.Failures != 2 || got.LastRun.Run.Run != going.ID || got.LastRun.Status != "interrupted" {
		text, _ := json.Marshal(got)
		t.Errorf("%s", text)
	}
	s.exec("UPDATE crm_connections SET enabled = 0")
	if got := status(); got.Connected || got.NextRunAt != nil {
		t.Errorf("disabled: %+v", got)
	}
}

package store

import (
	"slices"
	"testing"
	"time"

	"booking/shared/crm"
)

func TestRunsComeInPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ours, theirs := b.tenant(t, "ours").ID, b.tenant(t, "theirs").ID
	for i, c := range []struct {
		tenant int64
		mode   crm.Mode
		status Status
	}{
		{ours, crm.ModeApply, StatusSucceeded}, {theirs, crm.ModeApply, StatusSucceeded}, {ours, crm.ModePreview, StatusFailed},
		{ours, crm.ModeApply, StatusReserved}, {ours, crm.ModeApply, StatusFailed}, {ours, crm.ModeApply, StatusSucceeded},
	} {
		id := int64(i + 1)
		b.exec(t, `INSERT INTO crm_runs (id, tenant_id, plugin, mode, started_by, status, requested_at) VALUES (?, ?, 'p', ?, 'cli', ?, UTC_TIMESTAMP(6))`, id, c.tenant, string(c.mode), string(c.status))
	}
	for name, c := range map[string]struct {
		filter RunFilter
		want   []int64
	}{
		"all of the tenant":   {RunFilter{Limit: 10}, []int64{6, 5, 3, 1}},
		"the first two":       {RunFilter{Limit: 2}, []int64{6, 5}},
		"the next two":        {RunFilter{Limit: 2, Before: 5}, []int64{3, 1}},
		"what failed":         {RunFilter{Limit: 10, Status: StatusFailed}, []int64{5, 3}},
		"syncs that failed":   {RunFilter{Limit: 10, Status: StatusFailed, Mode: crm.ModeApply}, []int64{5}},
		"none before a first": {RunFilter{Limit: 10, Before: 1}, nil},
	} {
		c.filter.TenantID = ours
		runs, err := b.RunPage(b.ctx, c.filter)
		var got []int64
		for _, run := range runs {
			got = append(got, run.ID)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v (%v)", name, got, c.want, err)
		}
	}
	// A run whose host has died is shown as what it is.
	run := Run{TenantID: ours, Plugin: "p", Mode: crm.ModeApply, Trigger: "cli"}
	if err := b.StartRun(b.ctx, &run, time.Minute); err != nil {
		t.Fatal(err)
	}
	b.exec(t, "UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = ?", run.ID)
	if runs, err := b.RunPage(b.ctx, RunFilter{TenantID: ours, Limit: 1}); err != nil || runs[0].ID != run.ID || runs[0].Status != StatusInterrupted {
		t.Errorf("%v %+v", err, runs)
	}
}

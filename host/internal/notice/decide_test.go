package notice

import (
	"testing"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// night is a run of the schedule that ended in the n-th night.
func night(n int, change ...func(*store.Run)) store.Run {
	asked := time.Date(2026, 7, n, 1, 0, 0, 0, time.UTC)
	run := store.Run{ID: int64(n), TenantID: 1, Mode: crm.ModeApply, Trigger: "schedule", Status: store.StatusSucceeded,
		RequestedAt: asked, StartedAt: asked.Add(time.Second), FinishedAt: asked.Add(time.Minute)}
	for _, c := range change {
		c(&run)
	}
	return run
}

func failed(code crm.Code) func(*store.Run) {
	return func(r *store.Run) { r.Status, r.ErrorCode = store.StatusFailed, code }
}

// lastTry: it was the last of the retries.
func lastTry(r *store.Run) { r.Retry = 3 }

func ended(status store.Status) func(*store.Run) { return func(r *store.Run) { r.Status = status } }

func held(r *store.Run) { r.Held = true }

func preview(r *store.Run) { r.Mode = crm.ModePreview }

func onePerson(r *store.Run) { r.Mode = crm.ModePerson }

// watched is a run in the foreground of somebody's terminal.
func watched(r *store.Run) { r.StartedAt = r.RequestedAt }

// What is told now, given what was told last.
func TestDecide(t *testing.T) {
	t.Parallel()
	quiet := store.Notices{TenantID: 1, Enabled: true}
	knows := func(trouble string) store.Notices {
		return store.Notices{TenantID: 1, Enabled: true, Told: trouble, ToldRun: 1, SeenAt: night(1).FinishedAt}
	}
	off := store.Notices{TenantID: 1}
	for name, c := range map[string]struct {
		told store.Notices
		run  store.Run
		want News
		then string // what counts as told afterwards
	}{
		"all is well and stays so":                       {quiet, night(2), NoNews, ""},
		"the first failure":                              {quiet, night(2, failed(crm.CodeUnauthorized)), Trouble, "unauthorized"},
		"the same failure the night after":               {knows("unauthorized"), night(2, failed(crm.CodeUnauthorized)), NoNews, "unauthorized"},
		"another reason":                                 {knows("unauthorized"), night(2, failed(crm.CodePortalUnreachable), lastTry), Trouble, "portal_unreachable"},
		"it works again":                                 {knows("unauthorized"), night(2), Recovered, ""},
		"it works again, but not for everybody":          {knows("unauthorized"), night(2, ended(store.StatusPartial)), Recovered, ""},
		"unreachable, and tried again in 5 minutes":      {quiet, night(2, failed(crm.CodePortalUnreachable)), NoNews, ""},
		"interrupted, and tried again":                   {quiet, night(2, ended(store.StatusInterrupted)), NoNews, ""},
		"held back":                                      {quiet, night(2, held), Trouble, "held"},
		"held back once more":                            {knows("held"), night(2, held), NoNews, "held"},
		"held back, after a failure":                     {knows("database"), night(2, held), Trouble, "held"},
		"not configured":                                 {quiet, night(2, ended(store.StatusNotConfigured)), Trouble, "not_configured"},
		"not configured, night after night":              {knows("not_configured"), night(2, ended(store.StatusNotConfigured)), NoNews, "not_configured"},
		"it brought all its hosts down":                  {quiet, night(2, ended(store.StatusInterrupted), lastTry), Trouble, "interrupted"},
		"somebody stopped it":                            {quiet, night(2, ended(store.StatusCancelled)), NoNews, ""},
		"somebody stopped it, in trouble":                {knows("database"), night(2, ended(store.StatusCancelled)), NoNews, "database"},
		"a preview that failed":                          {quiet, night(2, preview, failed(crm.CodeUnauthorized)), NoNews, ""},
		"a preview that went well, in trouble":           {knows("database"), night(2, preview), NoNews, "database"},
		"a failure on somebody's screen":                 {quiet, night(2, watched, failed(crm.CodeUnauthorized)), NoNews, ""},
		"interrupted on somebody's screen":               {quiet, night(2, watched, ended(store.StatusInterrupted)), NoNews, ""},
		"a success on somebody's screen ends it for all": {knows("database"), night(2, watched), Recovered, ""},
		"one person arrived, in trouble":                 {knows("database"), night(2, onePerson), NoNews, "database"},
		"one person did not arrive":                      {quiet, night(2, onePerson, failed(crm.CodeUnauthorized)), Trouble, "unauthorized"},
		"an older run, told late":                        {knows("database"), night(1), NoNews, "database"},
		"nobody wants to know":                           {off, night(2, failed(crm.CodeUnauthorized)), NoNews, ""},
		"nobody wants to know that it works again":       {off, night(2), NoNews, ""},
	} {
		next, news := Decide(c.told, c.run)
		if news != c.want || next.Told != c.then {
			t.Errorf("%s: news %d, told %q; want %d, %q", name, news, next.Told, c.want, c.then)
		}
		if news != NoNews && next.ToldRun != c.run.ID {
			t.Errorf("%s: it is told of run %d, not %d", name, next.ToldRun, c.run.ID)
		}
		if again, news := Decide(next, c.run); news != NoNews || again != next {
			t.Errorf("%s: told twice of the same run", name)
		}
	}
}

// A month of nights: how many mails there are.
func TestDecideTellsChangesAndNotNights(t *testing.T) {
	t.Parallel()
	told := store.Notices{TenantID: 1, Enabled: true}
	mails := 0
	for n := 1; n <= 30; n++ {
		run := night(n)
		switch {
		case n >= 3 && n < 14:
			run = night(n, failed(crm.CodePortalUnreachable), lastTry)
		case n >= 14 && n < 20:
			run = night(n, failed(crm.CodeUnauthorized))
		}
		var news News
		if told, news = Decide(told, run); news != NoNews {
			mails++
		}
	}
	if mails != 3 { // unreachable, unauthorized, works again
		t.Errorf("%d mails in a month", mails)
	}
}

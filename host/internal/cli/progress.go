package cli

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// linePause is how often a run without a terminal says where it is.
const linePause = 2 * time.Second

// progress shows a run while it goes on: a bar on a terminal, plain lines
// elsewhere, both on standard error. It also keeps the first people with a
// problem for the summary.
type progress struct {
	app          *app
	quiet        bool // --json: no people in the summary
	bar          *progressbar.ProgressBar
	stage        crm.Stage
	lastLine     time.Time
	started      bool
	problems     []string
	moreProblems int
}

var _ runs.Watcher = (*progress)(nil)

func (a *app) newProgress(asJSON bool) *progress { return &progress{app: a, quiet: asJSON} }

// Started implements runs.Watcher.
func (p *progress) Started(run store.Run) {
	p.started = true
	p.line(fmt.Sprintf(p.app.say("Компания %d, запуск %d: начинаю", "Tenant %d, run %d: starting"), run.TenantID, run.ID))
}

// Progress implements runs.Watcher.
func (p *progress) Progress(at crm.Progress) {
	text := p.describe(at)
	if !p.app.screen.Terminal() {
		if at.Stage != p.stage || time.Since(p.lastLine) >= linePause {
			p.line(text)
		}
		p.stage = at.Stage
		return
	}
	if p.bar == nil || at.Stage != p.stage {
		p.bar = p.newBar(at)
		p.stage = at.Stage
	}
	p.bar.Describe(text)
	if at.Total > 0 {
		p.bar.ChangeMax(at.Total)
	}
	_ = p.bar.Set(at.Done)
}

func (p *progress) describe(at crm.Progress) string {
	if !at.LimitedUntil.IsZero() {
		return fmt.Sprintf(p.app.say("портал ограничил запросы до %s", "the portal limits requests until %s"), at.LimitedUntil.Local().Format("15:04:05"))
	}
	stage := map[crm.Stage]crm.Text{
		crm.StageReading:  {RU: "читаю сотрудников", EN: "reading people"},
		crm.StagePlanning: {RU: "сравниваю", EN: "comparing"},
		crm.StageWriting:  {RU: "записываю", EN: "writing"},
	}[at.Stage].In(p.app.locale)
	if p.app.screen.Terminal() || at.Done == 0 {
		return stage
	}
	if at.Total > 0 {
		return fmt.Sprintf("%s: %d / %d", stage, at.Done, at.Total)
	}
	return fmt.Sprintf("%s: %d", stage, at.Done)
}

func (p *progress) newBar(at crm.Progress) *progressbar.ProgressBar {
	total := at.Total
	if total == 0 {
		total = -1 // nobody knows: a spinner with a count
	}
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(p.app.screen.Bar()), progressbar.OptionShowCount(), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(65*time.Millisecond), progressbar.OptionSetPredictTime(false), progressbar.OptionFullWidth())
}

// Changes implements runs.Watcher.
func (p *progress) Changes(changes []crm.Change) {
	for _, c := range changes {
		switch c.Action {
		case crm.ActionSkipped, crm.ActionConflict, crm.ActionReported:
			if len(p.problems) < listedPeople {
				p.problems = append(p.problems, p.app.problemLine(c))
			} else {
				p.moreProblems++
			}
		}
	}
}

// done takes the bar away.
func (p *progress) done() {
	if p.started {
		p.app.screen.EndBar()
	}
}

func (p *progress) line(text string) {
	p.lastLine = time.Now()
	if !p.app.screen.Terminal() {
		fmt.Fprintln(p.app.stderr, text)
	}
}

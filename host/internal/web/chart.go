package web

import (
	"slices"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	// barsShown is how many of the last runs a chart shows, barWidth and chartHeight its
	// measures in user units.
	barsShown   = 40
	barWidth    = 12
	chartHeight = 60
)

// chartView is one chart of the last runs: a bar each, the oldest on the left.
type chartView struct {
	Title crm.Text
	Bars  []barView
	// Most is what the highest bar stands for; Times says that it is milliseconds.
	Most  int
	Times bool
}

// MostTook is what the highest bar stands for, as a time.
func (c chartView) MostTook() time.Duration { return time.Duration(c.Most) * time.Millisecond }

// barView is one run in a chart.
type barView struct {
	Run          store.Run
	X, Y, Height int
}

// Changed is how many people the run changed, or would have.
func (b barView) Changed() int { return changed(b.Run) }

func changed(run store.Run) int { return run.Created + run.Updated + run.Deactivated }

// charts draws how long the last runs that are over took, and how many people they
// changed; a single run makes no chart.
func charts(runs []store.Run, now time.Time) []chartView {
	var over []store.Run
	for _, run := range runs {
		if !run.FinishedAt.IsZero() && !run.StartedAt.IsZero() && len(over) < barsShown {
			over = append(over, run)
		}
	}
	if len(over) < 2 {
		return nil
	}
	slices.Reverse(over)
	took := func(run store.Run) int { return int(run.Duration(now).Milliseconds()) }
	return []chartView{
		newChart(crm.Text{RU: "Сколько длились последние запуски", EN: "How long the last runs took"}, over, took, true),
		newChart(crm.Text{RU: "Сколько людей они изменили", EN: "How many people they changed"}, over, changed, false),
	}
}

func newChart(title crm.Text, runs []store.Run, value func(store.Run) int, times bool) chartView {
	chart := chartView{Title: title, Times: times}
	for _, run := range runs {
		chart.Most = max(chart.Most, value(run))
	}
	for i, run := range runs {
		height := 2 // a bar of nothing is seen, too
		if chart.Most > 0 {
			height += (chartHeight - 2) * value(run) / chart.Most
		}
		chart.Bars = append(chart.Bars, barView{Run: run, X: (barsShown - len(runs) + i) * barWidth, Y: chartHeight - height, Height: height})
	}
	return chart
}

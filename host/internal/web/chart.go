package web

import (
	"slices"
	"time"

	"booking/host/internal/store"
)

const (
	// barsShown is how many of the last runs the chart shows, barWidth and chartHeight
	// its measures in user units.
	barsShown   = 40
	barWidth    = 12
	chartHeight = 60
)

// barView is one run in the chart of durations, the oldest on the left.
type barView struct {
	Run          store.Run
	X, Y, Height int
	Took         time.Duration
}

// bars draws the last runs that are over: the height says how long each took.
func bars(runs []store.Run, now time.Time) []barView {
	var chosen []barView
	var longest time.Duration
	for _, run := range runs {
		if run.FinishedAt.IsZero() || run.StartedAt.IsZero() {
			continue
		}
		bar := barView{Run: run, Took: run.Duration(now)}
		longest = max(longest, bar.Took)
		if chosen = append(chosen, bar); len(chosen) == barsShown {
			break
		}
	}
	slices.Reverse(chosen)
	for i := range chosen {
		height := 4
		if longest > 0 {
			height += int(int64(chartHeight-4) * int64(chosen[i].Took) / int64(longest))
		}
		chosen[i].X, chosen[i].Y, chosen[i].Height = i*barWidth, chartHeight-height, height
	}
	return chosen
}

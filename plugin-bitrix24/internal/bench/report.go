package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// row is one line of the table: a count or a ratio and what it should be.
type row struct {
	Group string  `json:"group"`
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Goal is "<=" or ">=" with Limit.
	Goal   string  `json:"goal"`
	Limit  float64 `json:"limit"`
	Met    bool    `json:"met"`
	Low    float64 `json:"low,omitempty"` // of single repetitions
	High   float64 `json:"high,omitempty"`
	Detail string  `json:"detail,omitempty"`
}

// report is what one run of the bench found.
type report struct {
	People int                        `json:"people"`
	Large  int                        `json:"large"`
	Reps   int                        `json:"repetitions"`
	Where  string                     `json:"where"`
	Rows   []row                      `json:"rows"`
	Times  map[string][]time.Duration `json:"times_ns"`
}

func newReport(c config) *report {
	return &report{
		People: c.people, Large: c.large, Reps: c.reps, Times: map[string][]time.Duration{},
		Where: fmt.Sprintf("%s, %s/%s, %d cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
	}
}

const (
	atLeast = ">="
	atMost  = "<="
)

func (r *report) add(group, what string, value float64, unit, goal string, limit float64, detail string) *row {
	met := value <= limit
	if goal == atLeast {
		met = value >= limit
	}
	r.Rows = append(r.Rows, row{Group: group, What: what, Value: value, Unit: unit, Goal: goal, Limit: limit, Met: met, Detail: detail})
	return &r.Rows[len(r.Rows)-1]
}

// ratio adds the median of the repetitions' ratios: what is compared ran within
// seconds of each other, which a ratio of two medians would not make use of.
func (r *report) ratio(group, what, over, under string, goal string, limit float64) {
	a, b := r.Times[over], r.Times[under]
	pairs := make([]float64, 0, len(a))
	for i := range a {
		pairs = append(pairs, float64(a[i])/float64(b[i]))
	}
	detail := fmt.Sprintf("%s / %s: %s / %s", over, under, short(median(a)), short(median(b)))
	added := r.add(group, what, median(pairs), "x", goal, limit, detail)
	added.Low, added.High = slices.Min(pairs), slices.Max(pairs)
}

func (r *report) time(name string, took time.Duration) { r.Times[name] = append(r.Times[name], took) }

// met reports whether every goal is.
func (r *report) met() bool {
	return !slices.ContainsFunc(r.Rows, func(row row) bool { return !row.Met })
}

func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func short(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// print writes a Markdown table that is aligned for a terminal, too.
func (r *report) print(out io.Writer) {
	lines := [][]string{{"what", "measured", "goal", "met", "min-max", "medians (information only)"}}
	for _, row := range r.Rows {
		met, spread := "yes", ""
		if !row.Met {
			met = "**no**"
		}
		if row.High > 0 {
			spread = figure(row.Low) + "-" + figure(row.High)
		}
		lines = append(lines, []string{row.What, figure(row.Value) + unit(row.Unit), row.Goal + " " + figure(row.Limit) + unit(row.Unit), met, spread, row.Detail})
	}
	fmt.Fprintf(out, "%d and %d people, %d repetitions, %s\n\n", r.People, r.Large, r.Reps, r.Where)
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, line := range lines {
		for i, cell := range line {
			fmt.Fprint(out, "| ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		fmt.Fprintln(out, "|")
		if n == 0 {
			for _, width := range widths {
				fmt.Fprint(out, "|", strings.Repeat("-", width+2))
			}
			fmt.Fprintln(out, "|")
		}
	}
}

func figure(v float64) string {
	if v == float64(int(v)) {
		return fmt.Sprintf("%d", int(v))
	}
	if v < 10 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func unit(u string) string {
	if u == "" || u == "x" {
		return u
	}
	return " " + u
}

func (r *report) writeJSON(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(path, append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

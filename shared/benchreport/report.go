// Package benchreport is how the benches of this repository say what they found: counts
// and ratios with their goals, as a table for people and as JSON. Times mean something
// only as ratios within one run, on one machine.
package benchreport

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Row is one line of the table: a count or a ratio and what it should be.
type Row struct {
	Group string  `json:"group"`
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Goal is AtMost or AtLeast with Limit, or "" for what is only told.
	Goal   string  `json:"goal,omitempty"`
	Limit  float64 `json:"limit,omitempty"`
	Met    bool    `json:"met"`
	Low    float64 `json:"low,omitempty"` // of single repetitions
	High   float64 `json:"high,omitempty"`
	Detail string  `json:"detail,omitempty"`
}

// Report is what one run of a bench found.
type Report struct {
	// About says what was measured, and how often.
	About string                     `json:"about"`
	Where string                     `json:"where"`
	Rows  []Row                      `json:"rows"`
	Times map[string][]time.Duration `json:"times_ns"`
}

// New makes an empty report of this machine.
func New(about string) *Report {
	return &Report{
		About: about, Times: map[string][]time.Duration{},
		Where: fmt.Sprintf("%s, %s/%s, %d cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
	}
}

// What a value is to be of its limit.
const (
	AtLeast = ">="
	AtMost  = "<="
)

// Add adds a value with its goal.
func (r *Report) Add(group, what string, value float64, unit, goal string, limit float64, detail string) *Row {
	met := value <= limit
	if goal == AtLeast {
		met = value >= limit
	}
	r.Rows = append(r.Rows, Row{Group: group, What: what, Value: value, Unit: unit, Goal: goal, Limit: limit, Met: met, Detail: detail})
	return &r.Rows[len(r.Rows)-1]
}

// Note adds a value without a goal.
func (r *Report) Note(group, what string, value float64, unit, detail string) {
	r.Rows = append(r.Rows, Row{Group: group, What: what, Value: value, Unit: unit, Met: true, Detail: detail})
}

// Ratio adds the median of the repetitions' ratios: what is compared ran within
// seconds of each other, which a ratio of two medians would not make use of.
func (r *Report) Ratio(group, what, over, under string, goal string, limit float64) {
	a, b := r.Times[over], r.Times[under]
	pairs := make([]float64, 0, len(a))
	for i := range a {
		pairs = append(pairs, float64(a[i])/float64(b[i]))
	}
	detail := fmt.Sprintf("%s / %s: %s / %s", over, under, Short(Median(a)), Short(Median(b)))
	added := r.Add(group, what, Median(pairs), "x", goal, limit, detail)
	added.Low, added.High = slices.Min(pairs), slices.Max(pairs)
}

// Time notes how long one repetition took.
func (r *Report) Time(name string, took time.Duration) { r.Times[name] = append(r.Times[name], took) }

// Met reports whether every goal is.
func (r *Report) Met() bool {
	return !slices.ContainsFunc(r.Rows, func(row Row) bool { return !row.Met })
}

// Median is the middle one of values, or between the two.
func Median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Short is a time with what matters of it.
func Short(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// Print writes a Markdown table that is aligned for a terminal, too.
func (r *Report) Print(out io.Writer) {
	lines := [][]string{{"what", "measured", "goal", "met", "min-max", "medians (information only)"}}
	for _, row := range r.Rows {
		met, spread := "yes", ""
		if !row.Met {
			met = "**no**"
		}
		if row.High > 0 {
			spread = figure(row.Low) + "-" + figure(row.High)
		}
		goal := row.Goal + " " + figure(row.Limit) + unit(row.Unit)
		if row.Goal == "" {
			goal, met = "", ""
		}
		lines = append(lines, []string{row.What, figure(row.Value) + unit(row.Unit), goal, met, spread, row.Detail})
	}
	fmt.Fprintf(out, "%s, %s\n\n", r.About, r.Where)
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

// errMissed is what a bench ends with when it was asked to be strict.
var errMissed = errors.New("a goal was missed (--strict)")

// Publish prints the report, writes it to the file too where one is named, and is an
// error when a goal was missed and strict says that this is one.
func (r *Report) Publish(out io.Writer, file string, strict bool) error {
	r.Print(out)
	if file != "" {
		if err := r.writeJSON(file); err != nil {
			return err
		}
	}
	if strict && !r.Met() {
		return errMissed
	}
	return nil
}

func (r *Report) writeJSON(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(path, append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

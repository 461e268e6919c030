package portalsim

import (
	"encoding/json"
	"strconv"
	"time"
)

// answer is what a method answers before it is put into an envelope.
type answer struct {
	raw   []byte   // the result's JSON, when it is no list
	items [][]byte // a list's elements
	list  bool
	total int // -1: not in the answer
	next  int // 0: there is no more

	totalText bool // total as a string
	missing   bool // a batch leaves the command out altogether
	spent     time.Duration
	err       *apiError
}

func single(raw []byte) *answer      { return &answer{raw: raw, total: -1} }
func failed(err *apiError) *answer   { return &answer{total: -1, err: err} }
func value(v any) *answer            { return single(mustJSON(v)) }
func listOf(items [][]byte) *answer  { return &answer{items: items, list: true, total: -1} }
func (a *answer) replace(raw string) { a.raw, a.list = []byte(raw), false }

func mustJSON(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic("portalsim: encode a value of ours: " + err.Error())
	}
	return out
}

func (a *answer) appendResult(out []byte) []byte {
	if !a.list {
		return append(out, a.raw...)
	}
	out = append(out, '[')
	for i, item := range a.items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item...)
	}
	return append(out, ']')
}

func appendTotal(out []byte, total int, asText bool) []byte {
	if asText {
		return strconv.AppendQuote(out, strconv.Itoa(total))
	}
	return strconv.AppendInt(out, int64(total), 10)
}

// envelope is the whole body of a call's good answer.
func (a *answer) envelope(timeBlock []byte) []byte {
	size := 512 + len(a.raw)
	for _, item := range a.items {
		size += len(item) + 1
	}
	out := make([]byte, 0, size)
	out = append(out, '{')
	if !a.missing {
		out = append(out, `"result":`...)
		out = append(a.appendResult(out), ',')
	}
	if a.next > 0 {
		out = append(out, `"next":`...)
		out = append(strconv.AppendInt(out, int64(a.next), 10), ',')
	}
	if a.total >= 0 {
		out = append(out, `"total":`...)
		out = append(appendTotal(out, a.total, a.totalText), ',')
	}
	out = append(out, `"time":`...)
	out = append(out, timeBlock...)
	return append(out, '}')
}

// timing is the answer's time block (limits.md, "Resource Consumption Limits").
type timing struct {
	start, finish time.Time
	processing    time.Duration
	operating     time.Duration
	resetAt       time.Time // zero: operating is not told
}

func (t timing) json() []byte {
	out := make([]byte, 0, 320)
	number := func(name string, v float64) {
		out = append(out, name...)
		out = strconv.AppendFloat(out, v, 'f', -1, 64)
	}
	number(`{"start":`, unix(t.start))
	number(`,"finish":`, unix(t.finish))
	number(`,"duration":`, t.finish.Sub(t.start).Seconds())
	number(`,"processing":`, t.processing.Seconds())
	out = append(out, `,"date_start":"`...)
	out = t.start.AppendFormat(out, isoLayout)
	out = append(out, `","date_finish":"`...)
	out = append(t.finish.AppendFormat(out, isoLayout), '"')
	if !t.resetAt.IsZero() {
		out = append(out, `,"operating_reset_at":`...)
		out = strconv.AppendInt(out, t.resetAt.Unix(), 10)
		number(`,"operating":`, t.operating.Seconds())
	}
	return append(out, '}')
}

const isoLayout = "2006-01-02T15:04:05-07:00"

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

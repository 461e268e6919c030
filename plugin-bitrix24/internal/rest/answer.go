package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// answer is the envelope around every result.
type answer struct {
	result            json.RawMessage
	code, description string // of the portal's error
	total             int    // -1 when there is none
	next              int    // -1 when there is none
	time              timing
	status            int
	date              string
	took              time.Duration
}

// timing is the answer's time block. Operating may be absent.
type timing struct {
	Start            number `json:"start"`
	Finish           number `json:"finish"`
	DateFinish       text   `json:"date_finish"`
	OperatingResetAt number `json:"operating_reset_at"`
}

// parseAnswer reads an envelope. An answer without result and without error is
// none, whatever else it holds.
func parseAnswer(raw []byte) (*answer, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	var wire struct {
		Result      json.RawMessage `json:"result"`
		Error       text            `json:"error"`
		Description text            `json:"error_description"`
		Total       text            `json:"total"`
		Next        text            `json:"next"`
		Time        lenient[timing] `json:"time"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return nil, errors.New("the answer is no JSON object: " + describe(raw))
	}
	a := &answer{
		result: wire.Result, code: wire.Error.value, description: wire.Description.value,
		total: wire.Total.count(), next: wire.Next.count(), time: wire.Time.value,
	}
	if a.code == "" && len(a.result) == 0 {
		return nil, errors.New("the answer has neither result nor error")
	}
	return a, nil
}

// describe says what an answer looks like without quoting it.
func describe(raw []byte) string {
	trimmed := bytes.TrimSpace(raw)
	switch {
	case len(trimmed) == 0:
		return "it is empty"
	case trimmed[0] == '<':
		return "it is a page for a browser"
	case trimmed[0] == '{':
		return "it breaks off or is malformed"
	}
	return "it is something else"
}

// batchAnswer is the result of a batch, by command.
type batchAnswer struct {
	results map[string]json.RawMessage
	errors  map[string]portalError
	totals  map[string]int
	resets  timing // the latest operating_reset_at of the commands
}

func parseBatch(raw json.RawMessage, w Webhook) (*batchAnswer, error) {
	var wire struct {
		Result byKey[json.RawMessage] `json:"result"`
		Errors byKey[json.RawMessage] `json:"result_error"`
		Totals byKey[text]            `json:"result_total"`
		Times  byKey[lenient[timing]] `json:"result_time"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return nil, errors.New("the batch's result is malformed")
	}
	b := &batchAnswer{results: wire.Result, errors: map[string]portalError{}, totals: map[string]int{}}
	for key, raw := range wire.Errors {
		b.errors[key] = commandError(raw, w)
	}
	for key, total := range wire.Totals {
		b.totals[key] = total.count()
	}
	for _, t := range wire.Times {
		b.resets.OperatingResetAt = max(b.resets.OperatingResetAt, t.value.OperatingResetAt)
	}
	return b, nil
}

// commandError reads one entry of result_error: an object as in a whole answer, or
// just the code.
func commandError(raw json.RawMessage, w Webhook) portalError {
	var wire struct {
		Error       text `json:"error"`
		Description text `json:"error_description"`
	}
	if json.Unmarshal(raw, &wire) == nil && wire.Error.value != "" {
		return newPortalError(w, wire.Error.value, wire.Description.value)
	}
	var code text
	if json.Unmarshal(raw, &code) == nil && code.value != "" {
		return newPortalError(w, code.value, "")
	}
	return portalError{code: "UNKNOWN_ERROR"}
}

// byKey is a PHP array with names: {} with entries, [] without.
type byKey[T any] map[string]T

func (m *byKey[T]) UnmarshalJSON(raw []byte) error {
	switch trimmed := bytes.TrimSpace(raw); {
	case len(trimmed) > 0 && trimmed[0] == '[':
		if len(bytes.TrimSpace(trimmed[1:len(trimmed)-1])) > 0 {
			return errors.New("a list where names were expected")
		}
		return nil
	case len(trimmed) > 0 && trimmed[0] == '{':
		var plain map[string]T
		if err := json.Unmarshal(raw, &plain); err != nil {
			return fmt.Errorf("read an object: %w", err)
		}
		*m = plain
	}
	return nil
}

// lenient is a T, or its zero value where the portal wrote something else ([] for an
// empty object).
type lenient[T any] struct{ value T }

func (l *lenient[T]) UnmarshalJSON(raw []byte) error {
	var value T
	if json.Unmarshal(raw, &value) == nil {
		l.value = value
	}
	return nil
}

// number is a JSON number or a string with one; 0 for anything else.
type number float64

func (n *number) UnmarshalJSON(raw []byte) error {
	if f, err := strconv.ParseFloat(string(bytes.Trim(raw, `"`)), 64); err == nil {
		*n = number(f)
	}
	return nil
}

package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// answer is the envelope around every result.
type answer struct {
	result            []byte
	code, description string // of the portal's error
	total             int    // -1 when there is none
	time              timing
	status            int
	date              string
	took              time.Duration
}

// timing is the answer's time block, in Unix seconds. Each of it may be absent.
type timing struct {
	finish, resetAt float64
	dateFinish      string
}

// parseAnswer reads an envelope. An answer without result and without error is
// none, whatever else it holds.
func parseAnswer(raw []byte) (*answer, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if kindOf(raw) != '{' || !json.Valid(raw) {
		return nil, errors.New("the answer is no JSON object: " + describe(raw))
	}
	a := &answer{total: -1}
	members(raw, func(name, value []byte) {
		switch string(name) {
		case "result":
			a.result = value
		case "error":
			a.code = parseText(value).value
		case "error_description":
			a.description = parseText(value).value
		case "total":
			a.total = parseText(value).count()
		case "time":
			a.time = parseTiming(value)
		}
	})
	if a.code == "" && a.result == nil {
		return nil, errors.New("the answer has neither result nor error")
	}
	return a, nil
}

func parseTiming(raw []byte) (t timing) {
	members(raw, func(name, value []byte) {
		switch string(name) {
		case "finish":
			t.finish = parseText(value).seconds()
		case "operating_reset_at":
			t.resetAt = parseText(value).seconds()
		case "date_finish":
			t.dateFinish = parseText(value).value
		}
	})
	return t
}

// describe says what an answer looks like without quoting it.
func describe(raw []byte) string {
	switch kindOf(raw) {
	case 0:
		return "it is empty"
	case '<':
		return "it is a page for a browser"
	case '{':
		return "it breaks off or is malformed"
	}
	return "it is something else"
}

// batchAnswer is the result of a batch, by command.
type batchAnswer struct {
	results map[string][]byte
	errors  map[string]portalError
	totals  map[string]int
	// resetAt is the latest operating_reset_at of the commands.
	resetAt float64
}

func parseBatch(raw []byte, w Webhook) (*batchAnswer, error) {
	if kindOf(raw) != '{' {
		return nil, errors.New("the batch's result is no object")
	}
	b := &batchAnswer{results: map[string][]byte{}, errors: map[string]portalError{}, totals: map[string]int{}}
	members(raw, func(part, value []byte) {
		switch string(part) {
		case "result":
			members(value, func(key, result []byte) { b.results[string(key)] = result })
		case "result_error":
			members(value, func(key, e []byte) { b.errors[string(key)] = commandError(e, w) })
		case "result_total":
			members(value, func(key, total []byte) { b.totals[string(key)] = parseText(total).count() })
		case "result_time":
			members(value, func(_, t []byte) { b.resetAt = max(b.resetAt, parseTiming(t).resetAt) })
		}
	})
	return b, nil
}

// commandError reads one entry of result_error: an object as in a whole answer, or
// just the code.
func commandError(raw []byte, w Webhook) portalError {
	code, description := parseText(raw).value, ""
	members(raw, func(name, value []byte) {
		switch string(name) {
		case "error":
			code = parseText(value).value
		case "error_description":
			description = parseText(value).value
		}
	})
	if code == "" {
		code = "UNKNOWN_ERROR"
	}
	return newPortalError(w, code, description)
}

package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query reads a request's parameters; the first mistake stays. A parameter that nobody
// knows, or one given twice, is a mistake: it would be passed over in silence.
type query struct {
	values url.Values
	err    error
}

func newQuery(r *http.Request, known ...string) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.err = invalid("Параметры адреса не читаются.", "The address's parameters cannot be read.")
		return q
	}
	for name, given := range values {
		if !slices.Contains(known, name) {
			q.fail("параметра %q нет; есть: "+strings.Join(known, ", "), "there is no parameter %q; there are: "+strings.Join(known, ", "), name)
		} else if len(given) > 1 {
			q.fail("параметр %q задан дважды", "the parameter %q is given twice", name)
		}
	}
	return q
}

func (q *query) fail(ru, en, name string) {
	if q.err == nil {
		q.err = invalid(fmt.Sprintf(ru, name), fmt.Sprintf(en, name))
	}
}

// number is a whole number from least to most, or fallback when it is not given.
func (q *query) number(name string, least, most, fallback int64) int64 {
	text := q.values.Get(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		limits := fmt.Sprintf(" %d..%d", least, most)
		q.fail("%s: нужно целое число"+limits, "%s must be a whole number"+limits, name)
	}
	return n
}

// choice is one of a closed list, "" when it is not given.
func (q *query) choice(name string, list ...string) string {
	text := q.values.Get(name)
	if text != "" && !slices.Contains(list, text) {
		q.fail("%s: "+strings.Join(list, ", "), "%s must be one of "+strings.Join(list, ", "), name)
	}
	return text
}

// text is a text of at most most characters.
func (q *query) text(name string, most int) string {
	text := q.values.Get(name)
	if len([]rune(text)) > most {
		q.fail(fmt.Sprintf("%%s: не длиннее %d символов", most), fmt.Sprintf("%%s is longer than %d characters", most), name)
	}
	return text
}

// readBody reads one JSON object into v; a field that v does not have is a mistake.
func readBody(r *http.Request, v any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(codeMediaType)
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return invalid("Нужен один объект JSON с полями, описанными в openapi.json.", "The body must be one JSON object with the fields that openapi.json describes.")
}

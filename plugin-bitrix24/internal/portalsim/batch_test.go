package portalsim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
)

const keyset = "user.get?start=-1&SORT=ID&ORDER=ASC&select[]=ID&FILTER[%3EID]="

// Sentences of settings/how-to-call-rest-api/batch.md.
func TestBatchAnswersByKey(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(60), Departments: portalsim.Departments()})
	a := p.call("batch", `{"halt":0,"cmd":{"me":"user.current","all":"user.get?select[]=ID","none":"user.get?FILTER[ID]=999"}}`).wantStatus(http.StatusOK)
	want(t, "an object", a.at("result", "result", "me", "ID"), "1")
	want(t, "a list", a.ids("result", "result", "all"), span(1, 50))
	want(t, "an empty list", a.ids("result", "result", "none"), "")
	want(t, "result_total", a.at("result", "result_total"), "map[all:60 none:0]")
	want(t, "result_next", a.at("result", "result_next"), "map[all:50]")
	for _, key := range []string{"me", "all", "none"} {
		if a.at("result", "result_time", key, "operating_reset_at") == nil || a.at("result", "result_time", key, "duration") == nil {
			t.Errorf("no time of %s in %s", key, a.text)
		}
	}
	want(t, "one request", p.Requests(), 1)
	want(t, "commands", p.Stats().Commands, "map[user.current:1 user.get:2]")
}

// "an empty one is []": the examples' result_error and result_next.
func TestBatchEmptySectionsAreLists(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(1), Scopes: []string{"crm"}})
	good := p.batch("profile")
	for _, section := range []string{"result_error", "result_total", "result_next"} {
		want(t, section, strings.Contains(good.text, `"`+section+`":[]`), true)
	}
	bad := p.batch("user.get", "user.current").wantStatus(http.StatusOK)
	for _, section := range []string{"result", "result_total", "result_next", "result_time"} {
		want(t, section, strings.Contains(bad.text, `"`+section+`":[]`), true)
	}
	want(t, "result_error", bad.at("result", "result_error", "c2", "error"), "insufficient_scope")
	want(t, "no commands", strings.Contains(p.call("batch", `{}`).text, `{"result":{"result":[]`), true)
	want(t, "numbers as keys make a list", p.call("batch", `{"cmd":["scope","scope"]}`).at("result", "result"), "[[crm] [crm]]")
	want(t, "unless one is missing", p.call("batch", `{"cmd":["nope","scope"]}`).at("result", "result"), "map[1:[crm]]")
}

func TestBatchHalt(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(1)})
	on := p.call("batch", batchBody(1, "profile", "nope", "scope"))
	want(t, "halt=1 ends after the failure", []any{on.at("result", "result", "c1") != nil, on.at("result", "result_error", "c2", "error"), on.at("result", "result", "c3")}, "[true ERROR_METHOD_NOT_FOUND <nil>]")
	off := p.call("batch", batchBody(0, "nope", "scope"))
	want(t, "halt=0 goes on", off.at("result", "result", "c2"), "[user department]")
}

func TestBatchUsesEarlierResults(t *testing.T) {
	t.Parallel()
	people := staff(120)
	people[0].Departments = []int64{3, 5}
	p := start(t, portalsim.Options{People: people, Departments: portalsim.Departments()})
	chain := p.batch(keyset+"0", keyset+"$result[c1][49][ID]", keyset+"$result[c2][49][ID]")
	want(t, "page 2", chain.ids("result", "result", "c2"), span(51, 100))
	want(t, "page 3", chain.ids("result", "result", "c3"), span(101, 120))
	a := p.batch("user.current", "department.get?ID=$result[c1][UF_DEPARTMENT][1]", "department.get?ID=$result[c1][UF_DEPARTMENT]", "user.get?FILTER[EMAIL]=p$result[c1][ID]@x.example")
	want(t, "an element", a.ids("result", "result", "c2"), "5")
	want(t, "an array", a.ids("result", "result", "c3"), "3 5")
	want(t, "inside a text", a.ids("result", "result", "c4"), "1")
	form := url.Values{"cmd[a]": {"user.get?select[]=ID&FILTER[" + url.QueryEscape("<ID") + "]=2"}, "cmd[b]": {"user.get?FILTER[ID]=" + url.QueryEscape("$result[a][0][ID]")}}
	encoded := p.do(p.request(http.MethodPost, "batch", "application/x-www-form-urlencoded", form.Encode()))
	want(t, "form data is encoded twice", encoded.ids("result", "result", "b"), "1")
}

// A reference that cannot be resolved is passed on as text: a filter >ID with it starts
// from the beginning (facts of our own, measured on portals).
func TestBatchUnresolvedReferenceStartsAgain(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(60)})
	a := p.batch(keyset+"0", keyset+"$result[c1][49][ID]", keyset+"$result[c2][49][ID]", keyset+"$result[nobody][49][ID]")
	want(t, "the short page", a.ids("result", "result", "c2"), span(51, 60))
	want(t, "after the short page", a.ids("result", "result", "c3"), span(1, 50))
	want(t, "an unknown key", a.ids("result", "result", "c4"), span(1, 50))
}

func TestBatchLength(t *testing.T) {
	t.Parallel()
	commands := make([]string, 51)
	for i := range commands {
		commands[i] = "server.time"
	}
	start(t, portalsim.Options{}).batch(commands[:50]...).wantStatus(http.StatusOK)
	start(t, portalsim.Options{}).batch(commands...).wantError(http.StatusBadRequest, "ERROR_BATCH_LENGTH_EXCEEDED")
	single := start(t, portalsim.Options{Dialect: portalsim.Dialect{LongBatchByCommand: true}}).batch(commands...).wantStatus(http.StatusOK)
	want(t, "error-codes.md: for every subquery beyond 50", single.at("result", "result_error", "c51", "error"), "ERROR_BATCH_LENGTH_EXCEEDED")
	want(t, "the 50th", single.at("result", "result", "c50") != nil, true)
}

// "Starting from version rest 24.0.0, nesting is prohibited".
func TestBatchInBatch(t *testing.T) {
	t.Parallel()
	a := start(t, portalsim.Options{}).batch("batch?cmd[a]=scope").wantStatus(http.StatusOK)
	want(t, "error", a.at("result", "result_error", "c1", "error"), "ERROR_BATCH_METHOD_NOT_ALLOWED")
}

func TestBatchMustEndWithinAMinute(t *testing.T) {
	t.Parallel()
	clock := newClock()
	p := start(t, portalsim.Options{Now: clock.Now, Sleep: clock.Sleep, CommandLatency: 25 * time.Second})
	p.batch("scope", "scope").wantStatus(http.StatusOK)
	a := p.batch("scope", "scope", "scope").wantStatus(http.StatusGatewayTimeout)
	want(t, "a proxy's page", strings.HasPrefix(a.text, "<html>"), true)
}

package portalsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
)

// print is what a caller sees of one request: everything that can differ.
func (p *portal) print(request *http.Request) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	response, err := http.DefaultTransport.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return "no answer"
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return fmt.Sprint(response.StatusCode, response.Header.Get("Content-Type"), response.Header.Get("Location"), len(body), err != nil, string(body))
}

// pages is a batch whose first command finds a person and whose others read pages of
// the people before that person.
func pages() string {
	commands := []string{"user.get?FILTER[ID]=400&select[]=ID"}
	for start := 0; start <= 150; start += 50 {
		commands = append(commands, fmt.Sprintf("user.get?select[]=ID&FILTER[ACTIVE]=true&FILTER[%%3CID]=$result[c1][0][ID]&SORT=ID&ORDER=ASC&start=%d", start+50))
	}
	return batchBody(0, commands...)
}

// faultyStaff has dismissed people among the others.
func faultyStaff() []portalsim.Person {
	people := staff(500)
	for i := range people {
		people[i].Active = i%7 != 3
	}
	return people
}

func faulty(t *testing.T) *portal {
	clock := newClock()
	return start(t, portalsim.Options{People: faultyStaff(), Now: clock.Now, Bucket: portalsim.Bucket{Off: true}, HugeBody: 1 << 20,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
}

// Every kind, at the first, middle and last of the requests: that request is spoilt,
// the others are not.
func TestEveryFaultHitsItsRequest(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, info := range portalsim.Faults() {
		if info.Kind == portalsim.Hang || info.Kind == portalsim.SlowBody {
			continue // TestHang, TestSlowBody
		}
		p := faulty(t)
		batch := func() string { return p.print(p.request(http.MethodPost, "batch", "application/json", pages())) }
		clean := batch()
		for _, at := range []int{1, 3, 5} {
			cases++
			injected := p.Inject(portalsim.Fault{Kind: info.Kind, Request: at})
			for n := 1; n <= 5; n++ {
				if spoilt := batch() != clean; spoilt != (n == at) {
					t.Errorf("%s at request %d: request %d is spoilt: %v", info.Kind, at, n, spoilt)
				}
			}
			want(t, string(info.Kind)+": hits", injected.Hits(), 1)
			p.Heal()
		}
	}
	t.Logf("%d cases", cases)
}

// parts are the commands of a batch as a caller sees them.
func parts(t *testing.T, body string) []string {
	t.Helper()
	var decoded struct {
		Result struct {
			Result, Error, Total, Next map[string]json.RawMessage
		}
	}
	var raw struct{ Result map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(body), &raw); err != nil {
		t.Fatalf("decode %.200s: %v", body, err)
	}
	for name, into := range map[string]*map[string]json.RawMessage{"result": &decoded.Result.Result, "result_error": &decoded.Result.Error, "result_total": &decoded.Result.Total, "result_next": &decoded.Result.Next} {
		_ = json.Unmarshal(raw.Result[name], into) // an empty section is a list
	}
	r := decoded.Result
	var out []string
	for n := 1; n <= 5; n++ {
		key := fmt.Sprint("c", n)
		out = append(out, fmt.Sprintf("%s %s %s %s", r.Result[key], r.Error[key], r.Total[key], r.Next[key]))
	}
	return out
}

// Every kind that has a place in a batch, at the first command that can tell, a middle
// one and the last.
func TestEveryCommandFaultHitsItsCommand(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, info := range portalsim.Faults() {
		if !info.Command {
			continue
		}
		p := faulty(t)
		clean := parts(t, p.call("batch", pages()).text)
		for _, at := range []int{2, 3, portalsim.Last} {
			cases++
			injected := p.Inject(portalsim.Fault{Kind: info.Kind, Command: at})
			got := parts(t, p.call("batch", pages()).text)
			if at == portalsim.Last {
				at = 5
			}
			for n := 1; n <= 5; n++ {
				expected := n == at || info.Kind == portalsim.CommandsCut && n > at
				if spoilt := got[n-1] != clean[n-1]; spoilt != expected {
					t.Errorf("%s at command %d: command %d is spoilt: %v\n%.300s\n%.300s", info.Kind, at, n, spoilt, got[n-1], clean[n-1])
				}
			}
			want(t, string(info.Kind)+": hits", injected.Hits(), 1)
			p.Heal()
		}
	}
	t.Logf("%d cases", cases)
}

// The same kinds without a batch: a client that reads page by page meets them too.
func TestEveryCommandFaultHitsASingleCall(t *testing.T) {
	t.Parallel()
	for _, info := range portalsim.Faults() {
		if !info.Command || info.Kind == portalsim.CommandsCut || info.Kind == portalsim.Unresolved {
			continue
		}
		p := faulty(t)
		page := func(start int) string {
			return p.print(p.request(http.MethodPost, "user.get", "application/json", fmt.Sprintf(`{"filter":{"ACTIVE":true,">ID":5},"select":["ID"],"SORT":"ID","ORDER":"ASC","start":%d}`, start)))
		}
		clean := page(100)
		page(0)
		injected := p.Inject(portalsim.Fault{Kind: info.Kind})
		want(t, string(info.Kind)+" spoils", page(100) != clean, true)
		want(t, string(info.Kind)+" once", page(100) == clean, true)
		want(t, string(info.Kind)+": hits", injected.Hits(), 1)
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	p := faulty(t)
	p.Inject(portalsim.Fault{Kind: portalsim.Hang})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := http.DefaultTransport.RoundTrip(p.request(http.MethodGet, "scope", "", "").WithContext(ctx)); err == nil {
		t.Error("it answered")
	}
	p.Inject(portalsim.Fault{Kind: portalsim.Hang})
	p.Close()
	p.print(p.request(http.MethodGet, "scope", "", "")) // ends because the portal was closed
}

func TestSlowBody(t *testing.T) {
	t.Parallel()
	var pauses atomic.Int64
	p := start(t, portalsim.Options{Drip: time.Second, Sleep: func(_ context.Context, d time.Duration) error {
		want(t, "pause", d, time.Second)
		pauses.Add(1)
		return nil
	}})
	p.Inject(portalsim.Fault{Kind: portalsim.SlowBody})
	a := p.get("scope")
	want(t, "the whole answer", a.at("result"), "[user department]")
	want(t, "a pause for each byte", pauses.Load(), len(a.text))
}

func TestFaultsComeAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault portalsim.Fault
		hit   []int
	}{
		"once":                     {portalsim.Fault{}, []int{1}},
		"three times":              {portalsim.Fault{Request: 2, Times: 3}, []int{2, 3, 4}},
		"every third":              {portalsim.Fault{Request: 3, Every: 3, Times: portalsim.Always}, []int{3, 6, 9}},
		"every third, twice":       {portalsim.Fault{Request: 3, Every: 3, Times: 2}, []int{3, 6}},
		"always from the fourth":   {portalsim.Fault{Request: 4, Times: portalsim.Always}, []int{4, 5, 6, 7, 8, 9}},
		"for 25 s, one every 10 s": {portalsim.Fault{Request: 2, For: 25 * time.Second}, []int{2, 3, 4}},
		"another method":           {portalsim.Fault{Method: "user.get"}, nil},
	} {
		clock := newClock()
		p := start(t, portalsim.Options{Now: clock.Now})
		c.fault.Kind = portalsim.HTML502
		injected := p.Inject(c.fault)
		var hit []int
		for n := 1; n <= 9; n++ {
			if p.get("scope").status != http.StatusOK {
				hit = append(hit, n)
			}
			clock.add(10 * time.Second)
		}
		want(t, name, hit, c.hit)
		want(t, name+": hits", injected.Hits(), len(c.hit))
	}
}

func TestEndlessRedirect(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{})
	p.Inject(portalsim.Fault{Kind: portalsim.RedirectEndless})
	request := p.request(http.MethodGet, "scope", "", "")
	for range 30 {
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		location, err := response.Location()
		if err != nil {
			t.Fatalf("it ended: %v", err)
		}
		request = request.Clone(context.Background())
		request.URL = location
	}
	want(t, "requests", p.Requests(), 30)
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for text, wanted := range map[string]portalsim.Fault{
		"html_502": {Kind: portalsim.HTML502},
		"query_limit,request=3,every=3,times=always":   {Kind: portalsim.QueryLimit, Request: 3, Every: 3, Times: portalsim.Always},
		"empty_page,command=last,method=batch,times=2": {Kind: portalsim.EmptyPage, Command: portalsim.Last, Method: "batch", Times: 2},
		"operation_limit,for=60s,command=7":            {Kind: portalsim.OperationLimit, For: time.Minute, Command: 7},
	} {
		got, err := portalsim.ParseFault(text)
		want(t, text, []any{got, err}, []any{wanted, nil})
	}
	for _, text := range []string{"", "nope", "hang,when=now", "hang,request=x", "hang,request=-1", "hang,times=-2", "hang,for=x"} {
		if _, err := portalsim.ParseFault(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	var names []portalsim.Kind
	for _, info := range portalsim.Faults() {
		if slices.Contains(names, info.Kind) || info.About == "" {
			t.Errorf("%s is listed twice or not described", info.Kind)
		}
		names = append(names, info.Kind)
	}
}

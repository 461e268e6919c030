package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
)

// TestBatchesShrink: where batch is not allowed, too long or too slow for the time limit of
// a request, less is asked for, at the end page by page.
func TestBatchesShrink(t *testing.T) {
	t.Parallel()
	all := portalsim.People(1200, 6)
	for name, c := range map[string]struct {
		options  portalsim.Options
		fault    portalsim.Fault
		requests int
	}{
		"not allowed":       {fault: portalsim.Fault{Kind: portalsim.BatchNotAllowed, Method: "batch", Times: portalsim.Always}, requests: 28},
		"unknown":           {fault: portalsim.Fault{Kind: portalsim.MethodNotFound, Method: "batch", Times: portalsim.Always}, requests: 28},
		"too long":          {fault: portalsim.Fault{Kind: portalsim.BatchTooLong, Method: "batch", Times: 3}, requests: 14},
		"always too long":   {fault: portalsim.Fault{Kind: portalsim.BatchTooLong, Method: "batch", Times: portalsim.Always}, requests: 100},
		"too large":         {fault: portalsim.Fault{Kind: portalsim.HugeBody, Method: "batch", Times: 4}, requests: 16},
		"a gateway's limit": {options: portalsim.Options{CommandLatency: 3 * time.Second}, requests: 30},
		"a slow portal":     {options: portalsim.Options{CommandLatency: 25 * time.Second, Operating: portalsim.Operating{Off: true}}, requests: 60},
		"no references":     {fault: portalsim.Fault{Kind: portalsim.Unresolved, Method: "batch", Times: portalsim.Always}, requests: 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.options.People = all
			b := newBench(t, c.options)
			if c.fault.Kind != "" {
				b.portal.Inject(c.fault)
			}
			got, _, err := readAll(context.Background(), b.client(t), Query{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(wanted(all), got) {
				t.Error("the list is not the portal's")
			}
			if n := b.portal.Requests(); n > c.requests {
				t.Errorf("%d requests, want at most %d", n, c.requests)
			}
		})
	}
}

// TestOddIDs: IDs that cannot be sorted are handed on for the engine to call invalid, and
// do not cost anybody else the place in the list, wherever the portal sorts them.
func TestOddIDs(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		b := newHandlerBench(t, oddPortal(120, first))
		got, _, err := readAll(context.Background(), b.client(t), Query{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 122 {
			t.Errorf("odd ones first %v: %d people", first, len(got))
		}
	}
}

// oddPortal has n people with IDs from 1 and two with odd ones, which stand at one end and
// survive the filter >ID only at the far one. It knows no batch.
func oddPortal(n int, first bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(r.URL.Path, "/batch") {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":"ERROR_METHOD_NOT_FOUND"}`)
			return
		}
		after := 0
		members(body, func(name, value []byte) {
			if string(name) == "FILTER" {
				members(value, func(name, value []byte) {
					if string(name) == ">ID" {
						after, _ = strconv.Atoi(parseText(value).value)
					}
				})
			}
		})
		var page []string
		odd := []string{`{"ID":"abc","ACTIVE":true,"EMAIL":""}`, `{"ID":"0","ACTIVE":true,"EMAIL":""}`}
		if first && after == 0 {
			page = append(page, odd...)
		}
		for id := after + 1; id <= n; id++ {
			page = append(page, fmt.Sprintf(`{"ID":%d,"ACTIVE":true,"EMAIL":"a"}`, id))
		}
		if !first {
			page = append(page, odd...)
		}
		_, _ = fmt.Fprintf(w, `{"result":[%s],"total":%d}`, strings.Join(page[:min(len(page), PageSize)], ","), n+2)
	}
}

// TestStuckPortal: a portal that ignores >ID, or every order, fails and is not read for ever.
func TestStuckPortal(t *testing.T) {
	t.Parallel()
	for _, kind := range []portalsim.Kind{portalsim.IgnoresID, portalsim.IgnoresOrder, portalsim.EmptyPage, portalsim.ShortPage, portalsim.RepeatedPage, portalsim.TwiceInPage} {
		b := newBench(t, portalsim.Options{People: portalsim.People(300, 1)})
		b.portal.Inject(portalsim.Fault{Kind: kind, Times: portalsim.Always})
		wantCode(t, readOnce(t, b.client(t)), crm.CodePortalAnswer)
		if n := b.portal.Requests(); n > 60 {
			t.Errorf("%s: %d requests", kind, n)
		}
	}
}

// TestEndlessPortal: IDs that grow for ever do not fill the memory.
func TestEndlessPortal(t *testing.T) {
	t.Parallel()
	for _, total := range []int{10, 0} {
		id := 0
		b := newHandlerBench(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/batch") {
				http.NotFound(w, r)
				return
			}
			_, _ = io.WriteString(w, `{"result":[`)
			for i := range PageSize {
				id++
				_, _ = fmt.Fprintf(w, `%s{"ID":%d,"ACTIVE":true,"EMAIL":"a"}`, map[bool]string{true: ","}[i > 0], id)
			}
			_, _ = fmt.Fprintf(w, `],"total":%d}`, total)
		})
		wantCode(t, readOnce(t, b.client(t)), crm.CodePortalAnswer)
	}
}

// TestNothingButUserGet: a portal behind something that knows no batch, and says so in its
// own words.
func TestNothingButUserGet(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		b := newHandlerBench(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/batch") {
				http.Error(w, "no such page", status)
				return
			}
			answerOne(w, r)
		})
		if err := readOnce(t, b.client(t)); err != nil || b.clock.Slept() > 0 {
			t.Errorf("%d: %v after %s", status, err, b.clock.Slept())
		}
	}
}

// TestBriefScope: a webhook that may not see addresses is named as the reason; a portal in
// which nobody has one is fine.
func TestBriefScope(t *testing.T) {
	t.Parallel()
	b := newBench(t, portalsim.Options{People: portalsim.People(30, 1), Scopes: []string{"user_brief"}})
	wantCode(t, readOnce(t, b.client(t)), crm.CodeScopeMissing, "user_brief")
	people := portalsim.People(30, 1)
	for i := range people {
		people[i].Email = ""
	}
	for _, empty := range []portalsim.EmptyShape{portalsim.EmptyAsDocumented, portalsim.EmptyNull, portalsim.EmptyAbsent, portalsim.EmptyObject} {
		b = newBench(t, portalsim.Options{People: people, Shapes: portalsim.Shapes{Empty: empty}})
		if err := readOnce(t, b.client(t)); err != nil {
			t.Errorf("nobody has an address (%v): %v", empty, err)
		}
	}
	b = newBench(t, portalsim.Options{People: people, Scopes: []string{"department"}})
	wantCode(t, readOnce(t, b.client(t)), crm.CodeScopeMissing, "user")
}

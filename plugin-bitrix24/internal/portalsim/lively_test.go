package portalsim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What a measurement orders: that many people, other names, no limit.
func TestOrders(t *testing.T) {
	t.Parallel()
	p := New(Options{People: People(10, 1)})
	var answers strings.Builder
	p.obey(strings.NewReader("people 30\nsomething else\nunlimited\n"), &answers, func() {})
	if n := p.state.Len(); n != 30 || !p.options.Bucket.Off {
		t.Errorf("%d people, limits off: %v", n, p.options.Bucket.Off)
	}
	if answers.String() != "done\ndone\n" { // an order that is not known is no answer
		t.Errorf("it answered %q", answers.String())
	}
	names := func() (all []string) {
		for _, person := range p.state.People() {
			all = append(all, person.LastName)
		}
		return all
	}
	first := names()
	for order := range 3 {
		before := names()
		p.obey(strings.NewReader("change 20\n"), io.Discard, func() {})
		for i, name := range names() {
			if (name != before[i]) != (i < 20) {
				t.Errorf("order %d: %s is %s", order, before[i], name)
			}
		}
	}
	p.obey(strings.NewReader("change 100\n"), io.Discard, func() {}) // as many as there are
	if names()[29] == first[29] {
		t.Error("the last one kept the name")
	}
}

// A lively portal changes once and takes its time for one reading, page by page; before
// and after that it is as any other.
func TestLively(t *testing.T) {
	t.Parallel()
	var waited time.Duration
	p := New(Options{People: People(120, 1), Departments: Departments(), Bucket: Bucket{Off: true}, Sleep: func(_ context.Context, d time.Duration) error {
		waited += d
		return nil
	}})
	ask := func(method, form string) (status int, people int) {
		request := httptest.NewRequest(http.MethodPost, "/rest/1/simulator/"+method, strings.NewReader(form))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		p.ServeHTTP(answer, request)
		var body struct{ Result []json.RawMessage }
		_ = json.Unmarshal(answer.Body.Bytes(), &body)
		return answer.Code, len(body.Result)
	}
	batch := func() int { status, _ := ask("batch", "cmd[a]=user.get"); return status }
	if status := batch(); status != 200 {
		t.Fatalf("before: %d", status)
	}
	before := p.state.People()
	p.obey(strings.NewReader("unknown\nlively\n"), io.Discard, func() {})
	changed := 0
	after := p.state.People()
	for i, person := range before {
		if person.Name+person.LastName+person.Email != after[i].Name+after[i].LastName+after[i].Email {
			changed++
		}
	}
	if len(after) != len(before)+3 || changed != 4 {
		t.Errorf("%d joined, %d changed", len(after)-len(before), changed)
	}
	if status := batch(); status == 200 {
		t.Error("a batch would be over at once")
	}
	for i, want := range []int{50, 50, 23} {
		if _, people := ask("user.get", "start="+[]string{"0", "50", "100"}[i]); people != want {
			t.Errorf("page %d has %d people, want %d", i, people, want)
		}
	}
	if waited != 3*livelyPause {
		t.Errorf("the reading took %s", waited)
	}
	if status := batch(); status != 200 || waited != 3*livelyPause {
		t.Errorf("after it: %d, %s", status, waited)
	}
}

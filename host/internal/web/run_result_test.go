package web

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"booking/host/internal/store"
)

// looks counts the statements with a text since the last time.
func (s *site) looks(text string) (n int) {
	for _, statement := range s.asked.take() {
		if strings.Contains(statement, text) {
			n++
		}
	}
	return n
}

// Two hundred have watched a run, and all their pages load what has become of it.
func TestAnEndedRunIsCountedOnceForEverybody(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newSite(t, func(o *Options) { o.Clock = func() time.Time { return now } })
	s.connect()
	run := s.finishedRun()
	v := s.signedIn("admin@ours.example")
	s.asked.take()
	var pages sync.WaitGroup
	for range 20 {
		pages.Go(func() {
			if a := v.get(runPath(run)); a.status != http.StatusOK || !strings.Contains(a.body, "Спорный") {
				t.Errorf("%d\n%s", a.status, a.body)
			}
		})
	}
	pages.Wait()
	if n := s.looks("action AS action, COUNT(*)"); n != 1 {
		t.Errorf("its people were counted %d times", n)
	}
	v.get(runPath(run))
	if asked := s.asked.take(); len(asked) > 3 { // who it is, and whether the run is theirs
		t.Errorf("%d statements:\n%s", len(asked), strings.Join(asked, "\n"))
	}
}

// What is changed here is seen at once, and what others change within seconds.
func TestAResultThatChangedIsRenderedAnew(t *testing.T) {
	t.Parallel()
	var c results
	now := time.Date(2026, time.November, 26, 12, 0, 0, 0, time.UTC)
	made := 0
	want := func(when string, key resultKey, version int) {
		t.Helper()
		part, err := c.of(t.Context(), func() time.Time { return now }, key, func(context.Context) (template.HTML, error) {
			made++
			return template.HTML(fmt.Sprint(made)), nil
		})
		if string(part) != fmt.Sprint(version) || err != nil {
			t.Errorf("%s: %q, %v", when, part, err)
		}
	}
	russian := tongue{"ru", "UTC"}
	want("first", resultKey{run: store.Run{ID: 1}, in: russian}, 1)
	want("the same", resultKey{run: store.Run{ID: 1}, in: russian}, 1)
	want("in English", resultKey{run: store.Run{ID: 1}, in: tongue{"en", "UTC"}}, 2)
	want("another page", resultKey{run: store.Run{ID: 1}, in: russian, query: "after=7"}, 3)
	want("its row has changed", resultKey{run: store.Run{ID: 1, Attempt: 2}, in: russian}, 4)
	want("another run", resultKey{run: store.Run{ID: 2}, in: russian}, 5)
	c.forget()
	want("after a change", resultKey{run: store.Run{ID: 1}, in: russian}, 6)
	now = now.Add(resultLife)
	want("later", resultKey{run: store.Run{ID: 1}, in: russian}, 7)
	for i := range 2 * resultsKept {
		want("many", resultKey{run: store.Run{ID: int64(100 + i)}, in: russian}, 8+i)
	}
	if len(c.known) > resultsKept {
		t.Errorf("%d are kept", len(c.known))
	}
}

func TestAResultIsRenderedOnceThoughSomebodyLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c results
		open, made := make(chan struct{}), 0
		render := func(ctx context.Context) (template.HTML, error) {
			made++
			<-open
			return template.HTML(fmt.Sprint(made)), ctx.Err()
		}
		first, leave := context.WithCancel(t.Context())
		got := make(chan string, 3)
		ask := func(ctx context.Context) {
			part, err := c.of(ctx, time.Now, resultKey{run: store.Run{ID: 1}}, render)
			got <- fmt.Sprint(part, err)
		}
		go ask(first)
		synctest.Wait()
		go ask(t.Context())
		go ask(t.Context())
		synctest.Wait()
		leave()
		if gone := <-got; gone != fmt.Sprint("", context.Canceled) {
			t.Errorf("who left got %q", gone)
		}
		close(open)
		for range 2 {
			if other := <-got; other != fmt.Sprint("1", nil) {
				t.Errorf("the others got %q", other)
			}
		}
	})
}

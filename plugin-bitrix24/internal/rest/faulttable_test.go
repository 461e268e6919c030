package rest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
)

// hopeless are the faults that end a reading at once, with the code that people see.
var hopeless = map[portalsim.Kind]crm.Code{
	portalsim.OverloadLimit: crm.CodeRateLimited, portalsim.NoAuth: crm.CodeUnauthorized, portalsim.ExpiredToken: crm.CodeUnauthorized,
	portalsim.Credentials: crm.CodeUnauthorized, portalsim.UserAccess: crm.CodeUnauthorized, portalsim.AccessDenied: crm.CodeUnauthorized,
	portalsim.ScopeMissing: crm.CodeScopeMissing, portalsim.PortalDeleted: crm.CodePortalUnreachable, portalsim.HTTPSRequired: crm.CodePortalAnswer,
	portalsim.RedirectHost: crm.CodePortalAnswer, portalsim.RedirectHTTP: crm.CodePortalAnswer, portalsim.RedirectEndless: crm.CodePortalAnswer,
}

// onceOnly are survived once, not twice in a row: a time-out takes a minute, a
// time budget in which pages were read meanwhile is reset after ten.
var onceOnly = map[portalsim.Kind]bool{portalsim.Hang: true, portalsim.SlowBody: true, portalsim.CommandOperationLimit: true}

// lasting are the codes of faults that never go away; everything else that lasts is
// either harmless or portal_answer.
var lasting = map[portalsim.Kind]crm.Code{
	portalsim.ResetBefore: crm.CodePortalUnreachable, portalsim.ResetHalf: crm.CodePortalUnreachable, portalsim.Hang: crm.CodePortalUnreachable, portalsim.SlowBody: crm.CodePortalUnreachable,
	portalsim.HTML502: crm.CodePortalUnreachable, portalsim.HTML503: crm.CodePortalUnreachable, portalsim.HTML504: crm.CodePortalUnreachable,
	portalsim.QueryLimit: crm.CodeRateLimited, portalsim.OperationLimit: crm.CodeRateLimited,
	portalsim.CommandQueryLimit: crm.CodeRateLimited, portalsim.CommandOperationLimit: crm.CodeRateLimited,
}

type faultCase struct {
	people int
	fault  portalsim.Fault
	waits  bool
}

func (c faultCase) String() string {
	return fmt.Sprintf("%s/people=%d/request=%d/command=%d/times=%d", c.fault.Kind, c.people, c.fault.Request, c.fault.Command, c.fault.Times)
}

// faultCases is every fault x first, middle, last request x first, middle, last command x
// sizes x once, twice in a row, for ever.
func faultCases() []faultCase {
	var cases []faultCase
	for _, info := range portalsim.Faults() {
		commands := []int{0}
		if info.Command {
			commands = []int{1, 25, portalsim.Last}
		}
		for people, requests := range map[int][]int{1: {1}, 49: {1}, 50: {1}, 51: {1}, 2500: {1, 2}, 2501: {1, 2}, 5001: {2}} {
			for _, request := range requests {
				for _, command := range commands {
					for _, times := range []int{1, 2, portalsim.Always} {
						cases = append(cases, faultCase{people: people, waits: info.Waits, fault: portalsim.Fault{
							Kind: info.Kind, Request: request, Command: command, Times: times,
						}})
					}
				}
			}
		}
	}
	return cases
}

// TestFaultTable: each case ends as the complete, right list or as a typed failure. A short
// or a doubled list called complete fails the build.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	people := map[int][]portalsim.Person{}
	for _, n := range []int{1, 49, 50, 51, 2500, 2501, 5001} {
		people[n] = portalsim.People(n, 3)
	}
	cases := faultCases()
	var reached, complete atomic.Int64
	began := time.Now()
	work := make(chan faultCase)
	var done sync.WaitGroup
	for range 6 {
		done.Go(func() {
			for c := range work {
				hit, whole := c.check(t, people[c.people])
				if hit {
					reached.Add(1)
				}
				if whole {
					complete.Add(1)
				}
			}
		})
	}
	for _, c := range cases {
		work <- c
	}
	close(work)
	done.Wait()
	t.Logf("%d cases, the fault was reached in %d; %d ended complete, %d failed as they must; %s",
		len(cases), reached.Load(), complete.Load(), int64(len(cases))-complete.Load(), time.Since(began).Round(time.Second))
	if reached.Load() < int64(len(cases))*2/3 {
		t.Errorf("only %d of %d faults were reached", reached.Load(), len(cases))
	}
}

func (c faultCase) check(t *testing.T, people []portalsim.Person) (hit, complete bool) {
	b := newBench(t, portalsim.Options{People: people, HugeBody: 40 << 20})
	defer b.server.Close()
	defer b.portal.Close()
	fault := b.portal.Inject(c.fault)
	client := b.client(t, func(o *Options) {
		if c.waits {
			o.RequestTimeout = 700 * time.Millisecond
		}
	})
	got, _, err := readAll(context.Background(), client, Query{})
	hits := fault.Hits()
	if err == nil {
		if want := wanted(people); !slices.Equal(want, got) {
			t.Errorf("%s: called complete, but\n%s", c, clip(cmp.Diff(want, got)))
		}
		if code, must := hopeless[c.fault.Kind]; must && hits > 0 {
			t.Errorf("%s: want %s, got a complete list", c, code)
		}
		return hits > 0, true
	}
	c.judge(t, err, hits)
	return hits > 0, false
}

func (c faultCase) judge(t *testing.T, err error, hits int) {
	e := typed(t, err)
	if code, must := hopeless[c.fault.Kind]; must {
		if e.Code != code {
			t.Errorf("%s: want %s, got %s", c, code, err)
		}
		return
	}
	survivable := c.fault.Times == 1 || c.fault.Times == 2 && !onceOnly[c.fault.Kind]
	if survivable && c.fault.Kind != portalsim.MethodNotFound && c.fault.Kind != portalsim.ErrorIn200 {
		t.Errorf("%s: not survived: %s", c, err)
		return
	}
	want, named := lasting[c.fault.Kind]
	if !named {
		want = crm.CodePortalAnswer
	}
	if e.Code != want {
		t.Errorf("%s: want %s after %d hits, got %s", c, want, hits, err)
	}
	if want == crm.CodeRateLimited && e.RetryAt.IsZero() {
		t.Errorf("%s: rate limited without the time to try again", c)
	}
}

package crm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

func request() SyncRequest {
	return SyncRequest{
		Tenant: Tenant{ID: 7, Name: "ООО"}, Settings: Settings{"webhook_url": secret.New("https://x")},
		Mode: ModeApply, Policy: Policy{Leavers: "keep"}, RunID: 12, Fence: 3,
	}
}

func TestSyncEventsArriveInOrder(t *testing.T) {
	t.Parallel()
	var got SyncRequest
	result := SyncResult{Counts: Counts{Fetched: 3, Created: 1, Unchanged: 1, Skipped: 1}, Partial: true, Portal: "portal.example", Requests: 2, PlanHash: "abc"}
	client := dial(t, &fakePlugin{syncUsers: func(_ context.Context, r SyncRequest, e Events) (SyncResult, error) {
		got = r
		return result, errors.Join(
			e.Progress(Progress{Stage: StageReading, Done: 3}),
			e.Changes([]Change{{ExternalID: "1", Action: ActionCreated, Name: "Иван\xff", After: map[string]any{"name": "Иван\xff", "phone": nil, "id": int64(5), "is_active": true}}}),
			e.Changes([]Change{{ExternalID: "2", Action: ActionSkipped, Reason: "a_reason_of_tomorrow"}}),
			e.Progress(Progress{Stage: StageWriting, Done: 2, Total: 2, Requests: 2}),
		)
	}})
	var order []string
	events := &recorder{}
	events.onEvent = func() error {
		order = append(order, fmt.Sprintf("%d/%d", len(events.progress), len(events.changes)))
		return nil
	}
	answer, err := client.SyncUsers(t.Context(), request(), events)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(result, answer); diff != "" {
		t.Errorf("result (-given +arrived):\n%s", diff)
	}
	if diff := cmp.Diff(request(), got, secrets); diff != "" {
		t.Errorf("request (-sent +arrived):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1/0", "1/2", "2/2"}, order); diff != "" {
		t.Errorf("progress/changes (-want +got): changes gather until a progress\n%s", diff)
	}
	want := []Change{
		{ExternalID: "1", Action: ActionCreated, Name: "Иван\uFFFD", After: map[string]any{"name": "Иван\uFFFD", "phone": nil, "id": int64(5), "is_active": true}},
		{ExternalID: "2", Action: ActionSkipped, Reason: "a_reason_of_tomorrow"},
	}
	if diff := cmp.Diff(want, events.changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestHundredThousandChanges(t *testing.T) {
	t.Parallel()
	const people = 100_000
	client := dial(t, &fakePlugin{syncUsers: func(_ context.Context, _ SyncRequest, e Events) (SyncResult, error) {
		for i := range people {
			if err := e.Changes([]Change{{ExternalID: fmt.Sprint(i), UserID: int64(i), Action: ActionCreated}}); err != nil {
				return SyncResult{}, err
			}
		}
		return SyncResult{Counts: Counts{Fetched: people, Created: people}}, nil
	}})
	events := &recorder{}
	if _, err := client.SyncUsers(t.Context(), request(), events); err != nil {
		t.Fatal(err)
	}
	if len(events.changes) != people || len(events.batches) != people/batchChanges {
		t.Errorf("%d changes in %d batches, want %d in %d", len(events.changes), len(events.batches), people, people/batchChanges)
	}
	for i, c := range events.changes {
		if c.UserID != int64(i) {
			t.Fatalf("change %d is of %d", i, c.UserID)
		}
	}
}

// Names of megabytes must not become one message of hundreds.
func TestBatchesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	huge := Change{Action: ActionSkipped, Reason: ReasonInvalid, Name: strings.Repeat("x", batchBytes/2)}
	client := dial(t, &fakePlugin{syncUsers: func(_ context.Context, _ SyncRequest, e Events) (SyncResult, error) {
		return SyncResult{}, e.Changes([]Change{huge, huge, huge, huge, huge})
	}})
	events := &recorder{}
	if _, err := client.SyncUsers(t.Context(), request(), events); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2, 2, 1}, events.batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}

func TestChangesBeforeAFailureArrive(t *testing.T) {
	t.Parallel()
	client := dial(t, &fakePlugin{syncUsers: func(_ context.Context, _ SyncRequest, e Events) (SyncResult, error) {
		return SyncResult{}, errors.Join(e.Changes([]Change{{Action: ActionCreated}}), NewError(CodeDatabase, Text{RU: "нет связи"}, nil))
	}})
	events := &recorder{}
	if _, err := client.SyncUsers(t.Context(), request(), events); CodeOf(err) != CodeDatabase || len(events.changes) != 1 {
		t.Errorf("error %v after %d changes, want database after 1", err, len(events.changes))
	}
}

// endless is a plugin that works until its context ends or nobody listens.
func endless(ended chan<- struct{}, work func(context.Context, Events) error) *fakePlugin {
	return &fakePlugin{syncUsers: func(ctx context.Context, _ SyncRequest, e Events) (SyncResult, error) {
		defer close(ended)
		for {
			if err := work(ctx, e); err != nil {
				return SyncResult{}, fmt.Errorf("stopped: %w", err)
			}
		}
	}}
}

func waits(ctx context.Context, _ Events) error { <-ctx.Done(); return ctx.Err() }
func changes(_ context.Context, e Events) error { return e.Changes(make([]Change, 7)) }
func progress(_ context.Context, e Events) error {
	return e.Progress(Progress{Stage: StageReading})
}

func TestCancelEndsTheStreamOnBothSides(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(context.Context, Events) error{"waiting": waits, "progress": progress} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended, returned := make(chan struct{}), make(chan struct{})
			client := dial(t, endless(ended, func(ctx context.Context, e Events) error { return errors.Join(progress(ctx, e), work(ctx, e)) }))
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer close(returned)
				_, err := client.SyncUsers(ctx, request(), &recorder{onEvent: func() error { cancel(); return nil }})
				if CodeOf(err) != CodeCancelled || !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want cancelled", err)
				}
			}()
			within(t, "the host's call returns", returned)
			within(t, "the plugin's call ends", ended)
		})
	}
}

// A plugin that sends without end and never looks at its context is stopped by
// the error of its next event, also while nobody reads.
func TestPluginStopsWhenNobodyListens(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	gaveUp := errors.New("the browser is gone")
	client := dial(t, endless(ended, progress))
	_, err := client.SyncUsers(t.Context(), request(), &recorder{onEvent: func() error { return gaveUp }})
	if err != gaveUp { //nolint:errorlint // the very error
		t.Errorf("error %v, want the one of events", err)
	}
	within(t, "the plugin's call ends", ended)
}

// Changes gather in the plugin; it still learns at the next one that nobody wants them.
func TestGatheredChangesSeeTheCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	e := newEventStream(ctx, 7, func(*crmpb.SyncUsersResponse) error { return nil })
	defer e.close()
	if err := e.Changes(make([]Change, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := changes(ctx, e); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want cancelled", err)
	}
}

// The wire is slower than the plugin: it works on for a few events, and then waits.
func TestAPluginWorksWhileItsEventsAreSent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	reached, proceed := make(chan struct{}), make(chan struct{})
	var sent []int64
	e := newEventStream(ctx, 7, func(r *crmpb.SyncUsersResponse) error {
		if sent = append(sent, r.GetProgress().GetDone()); len(sent) == 1 {
			close(reached)
			<-proceed
		}
		return nil
	})
	for done := range 1 + waitingEvents {
		if err := e.Progress(Progress{Stage: StageWriting, Done: done}); err != nil {
			t.Fatal(err)
		}
		if done == 0 {
			within(t, "the first event reaches the wire", reached)
		}
	}
	cancel()
	if err := e.Progress(Progress{Stage: StageWriting, Done: 99}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of an event that nobody takes, want cancelled", err)
	}
	close(proceed)
	if err := e.finish(&crmpb.SyncUsersResponse{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{0, 1, 2, 3, 4, 0}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// What went wrong on the wire is known at the latest at the end, and nothing follows it.
func TestAnErrorOfTheWireIsNotLost(t *testing.T) {
	t.Parallel()
	broken, sends := errors.New("broken"), 0
	e := newEventStream(t.Context(), 7, func(*crmpb.SyncUsersResponse) error { sends++; return broken })
	if err := e.Changes(make([]Change, 1)); err != nil {
		t.Fatal(err)
	}
	if err := e.finish(&crmpb.SyncUsersResponse{}); !errors.Is(err, broken) || sends != 1 {
		t.Errorf("error %v after %d sends, want the wire's after 1", err, sends)
	}
}

func TestEventsAfterTheEndAreRefused(t *testing.T) {
	t.Parallel()
	kept := make(chan Events, 1)
	client := dial(t, &fakePlugin{syncUsers: func(_ context.Context, _ SyncRequest, e Events) (SyncResult, error) {
		kept <- e
		return SyncResult{}, nil
	}})
	if _, err := client.SyncUsers(t.Context(), request(), &recorder{}); err != nil {
		t.Fatal(err)
	}
	e := <-kept
	if err := e.Progress(Progress{Stage: StageReading}); !errors.Is(err, errStreamEnded) {
		t.Errorf("error %v, want %v", err, errStreamEnded)
	}
}

func TestRequestsAPluginMustRefuse(t *testing.T) {
	t.Parallel()
	client := dial(t, &fakePlugin{}) // it would panic: nothing may reach it
	for name, spoil := range map[string]func(*SyncRequest){
		"no tenant":                func(r *SyncRequest) { r.Tenant.ID = 0 },
		"no mode":                  func(r *SyncRequest) { r.Mode = "" },
		"mode of tomorrow":         func(r *SyncRequest) { r.Mode = "wipe" },
		"person without id":        func(r *SyncRequest) { r.Mode = ModePerson },
		"id without mode person":   func(r *SyncRequest) { r.PersonID = "7" },
		"plan without hash":        func(r *SyncRequest) { r.PlanID = "11" },
		"policy of tomorrow":       func(r *SyncRequest) { r.Policy.Leavers = "delete" },
		"hash that is of no plan":  func(r *SyncRequest) { r.PlanHash = "abc" },
		"tenant below the numbers": func(r *SyncRequest) { r.Tenant.ID = -7 },
	} {
		r := request()
		spoil(&r)
		_, err := client.SyncUsers(t.Context(), r, &recorder{})
		if e := asError(t, err); e.Code != CodeInternal || e.Message != textRequest {
			t.Errorf("%s: %v, want %q", name, err, textRequest.EN)
		}
	}
}

// Streams that break the contract: the run is plugin_answer, whatever they claim.
func TestStreamsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	result := func(r *crmpb.SyncResult) *crmpb.SyncUsersResponse {
		return &crmpb.SyncUsersResponse{TenantId: 7, Event: &crmpb.SyncUsersResponse_Result{Result: r}}
	}
	progress := func(p *crmpb.Progress) *crmpb.SyncUsersResponse {
		return &crmpb.SyncUsersResponse{TenantId: 7, Event: &crmpb.SyncUsersResponse_Progress{Progress: p}}
	}
	change := func(c *crmpb.Change) *crmpb.SyncUsersResponse {
		return &crmpb.SyncUsersResponse{TenantId: 7, Event: &crmpb.SyncUsersResponse_Changes{Changes: &crmpb.Changes{Changes: []*crmpb.Change{c}}}}
	}
	sound := result(&crmpb.SyncResult{Fetched: 2, Created: 2})
	for name, events := range map[string][]*crmpb.SyncUsersResponse{
		"nothing at all":         {},
		"no ending":              {progress(&crmpb.Progress{Stage: "reading"})},
		"sum too small":          {result(&crmpb.SyncResult{Fetched: 3, Created: 2})},
		"sum too large":          {result(&crmpb.SyncResult{Fetched: 1, Created: 1, Conflicts: 1})},
		"negative that adds up":  {result(&crmpb.SyncResult{Fetched: 0, Created: 1, Skipped: -1})},
		"negative requests":      {result(&crmpb.SyncResult{Requests: -1})},
		"negative deactivated":   {result(&crmpb.SyncResult{Deactivated: -1})},
		"partial, nobody left":   {result(&crmpb.SyncResult{Partial: true})},
		"after the result":       {sound, progress(&crmpb.Progress{Stage: "reading"})},
		"two results":            {sound, sound},
		"a result of nobody":     {{Event: sound.Event}},
		"another tenant":         {{TenantId: 8, Event: change(&crmpb.Change{Action: "created"}).Event}, sound},
		"unknown action":         {change(&crmpb.Change{Action: "deleted"}), sound},
		"negative user":          {change(&crmpb.Change{Action: "created", UserId: -1}), sound},
		"unknown stage":          {progress(&crmpb.Progress{Stage: "resting"}), sound},
		"negative progress":      {progress(&crmpb.Progress{Stage: "reading", Done: -1}), sound},
		"an event without event": {{TenantId: 7}, sound},
		"a code of nobody's":     {{TenantId: 7, Event: &crmpb.SyncUsersResponse_Failure{Failure: &crmpb.Failure{Code: "tired"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &recorder{}
			got, err := syncForeign(t, seen, events)
			if CodeOf(err) != CodePluginAnswer || got != (SyncResult{}) {
				t.Errorf("result %+v, error %v, want plugin_answer", got, err)
			}
			if len(seen.changes) > 0 {
				t.Errorf("the host saw %v", seen.changes)
			}
		})
	}
	t.Run("a sound one", func(t *testing.T) {
		t.Parallel()
		got, err := syncForeign(t, &recorder{}, []*crmpb.SyncUsersResponse{progress(&crmpb.Progress{Stage: "reading"}), sound})
		if err != nil || got.Created != 2 {
			t.Errorf("result %+v, error %v", got, err)
		}
	})
}

func syncForeign(t *testing.T, to Events, events []*crmpb.SyncUsersResponse) (SyncResult, error) {
	client := dialForeign(t, &foreignPlugin{sync: func(s grpc.ServerStreamingServer[crmpb.SyncUsersResponse]) error {
		for _, e := range events {
			if err := s.Send(e); err != nil {
				return err
			}
		}
		return nil
	}})
	return client.SyncUsers(t.Context(), request(), to)
}

package usersync

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"booking/shared/crm"
)

// Everything here happens between the plan and its first chunk.
func TestRowsChangedMeanwhileAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		before    []string
		people    []Person
		meanwhile string
		want      crm.Counts
		users     []string
		history   []string
	}{{
		name: "a name edited by hand", before: []string{"1 Old a@x 7 employee", "1 B b@x 8 employee"},
		people:    []Person{named("7", "New", "a@x"), named("8", "B2", "b@x")},
		meanwhile: "UPDATE users SET name = 'Hand' WHERE id = 1",
		want:      crm.Counts{Fetched: 2, Updated: 2},
		users:     []string{"1 New a@x 7 employee", "1 B2 b@x 8 employee"},
		history:   []string{"8 updated B B2", "7 updated Hand New"},
	}, {
		name: "made right by hand", before: []string{"1 Old a@x 7 employee"},
		people:    []Person{named("7", "New", "a@x")},
		meanwhile: "UPDATE users SET name = 'New' WHERE id = 1",
		want:      crm.Counts{Fetched: 1, Unchanged: 1},
		users:     []string{"1 New a@x 7 employee"},
	}, {
		name: "made an administrator", before: []string{"1 A a@x 7 employee"},
		people:    []Person{named("7", "A2", "evil@x")},
		meanwhile: "UPDATE users SET role = 'admin' WHERE id = 1",
		want:      crm.Counts{Fetched: 1, Conflicts: 1},
		users:     []string{"1 A2 a@x 7 admin"},
		history:   []string{"7 conflict A A2"},
	}, {
		name: "deleted", before: []string{"1 Old a@x 7 employee"},
		people:    []Person{named("7", "New", "a@x")},
		meanwhile: "DELETE FROM users WHERE id = 1",
		want:      crm.Counts{Fetched: 1, Created: 1},
		users:     []string{"1 New a@x 7 employee"},
		history:   []string{"7 created - New"},
	}, {
		name: "moved to another tenant", before: []string{"1 Old a@x 7 employee"},
		people:    []Person{named("7", "New", "a@x")},
		meanwhile: "UPDATE users SET tenant_id = 2 WHERE id = 1",
		want:      crm.Counts{Fetched: 1, Conflicts: 1},
		users:     []string{"2 Old a@x 7 employee"},
		history:   []string{"7 conflict - -"},
	}, {
		name: "only the case of a letter", before: []string{"1 Old a@x 7 employee"},
		people:    []Person{named("7", "New", "a@x")},
		meanwhile: "UPDATE users SET name = 'old' WHERE id = 1",
		want:      crm.Counts{Fetched: 1, Updated: 1},
		users:     []string{"1 New a@x 7 employee"},
		history:   []string{"7 updated old New"},
	}, {
		name:      "a newcomer's link given to a local row by hand",
		before:    []string{"1 Local local@x - employee"},
		people:    []Person{named("7", "Seven", "seven@x"), named("8", "Eight", "eight@x")},
		meanwhile: "UPDATE users SET " + link + " = '7' WHERE id = 1",
		want:      crm.Counts{Fetched: 2, Created: 1, Updated: 1},
		users:     []string{"1 Seven seven@x 7 employee", "1 Eight eight@x 8 employee"},
		history:   []string{"8 created - Eight", "7 updated Local Seven"},
	}, {
		name:      "the link of a match given to another row by hand",
		before:    []string{"1 Local local@x - employee", "1 Other other@x - employee"},
		people:    []Person{named("7", "Seven", "local@x")},
		meanwhile: "UPDATE users SET " + link + " = '7' WHERE id = 2",
		want:      crm.Counts{Fetched: 1, Conflicts: 1},
		users:     []string{"1 Local local@x - employee", "1 Seven other@x 7 employee"},
		history:   []string{"7 conflict Other Seven"},
	}, {
		name:      "a newcomer's address taken in another tenant",
		people:    []Person{named("7", "Seven", "seven@x"), named("8", "Eight", "eight@x"), named("9", "Nine", "nine@x")},
		meanwhile: "INSERT INTO users (id, tenant_id, name, email, password) VALUES (50, 2, 'Thief', 'Eight@x', 'p')",
		want:      crm.Counts{Fetched: 3, Created: 2, Conflicts: 1},
		users:     []string{"2 Thief Eight@x - employee", "1 Seven seven@x 7 employee", "1 Nine nine@x 9 employee"},
		history:   []string{"7 created - Seven", "9 created - Nine", "8 conflict - -"},
	}, {
		name: "a linked person's new address taken", before: []string{"1 A a@x 7 employee", "1 B b@x 8 employee"},
		people:    []Person{named("7", "A2", "new@x"), named("8", "B2", "b@x")},
		meanwhile: "INSERT INTO users (id, tenant_id, name, email, password) VALUES (50, 1, 'Local', 'new@x', 'p')",
		want:      crm.Counts{Fetched: 2, Updated: 1, Conflicts: 1},
		users:     []string{"1 A2 a@x 7 employee", "1 B2 b@x 8 employee", "1 Local new@x - employee"},
		history:   []string{"8 updated B B2", "7 conflict A A2"},
	}, {
		name: "one row of a ring", before: []string{"1 A a@x 1 employee", "1 B b@x 2 employee", "1 C c@x 3 employee"},
		people:    []Person{named("1", "A", "b@x"), named("2", "B", "a@x"), named("3", "C2", "c@x")},
		meanwhile: "UPDATE users SET phone = '+7 2', name = 'Hand' WHERE id = 2",
		want:      crm.Counts{Fetched: 3, Updated: 3},
		users:     []string{"1 A b@x 1 employee", "1 B a@x 2 employee", "1 C2 c@x 3 employee"},
		history:   []string{"3 updated C C2", "1 updated - -", "2 updated Hand B"},
	}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.users(c.before...)
			events := atWriting(func() { h.exec(c.meanwhile) })
			result, err := h.engine.Run(context.Background(), h.request(), listed(c.people), events)
			if err != nil {
				t.Fatal(err)
			}
			if result.Counts != c.want {
				t.Errorf("counts %+v, want %+v", result.Counts, c.want)
			}
			wantLines(t, "users", h.everybody(), c.users...)
			wantLines(t, "history", h.lines("SELECT CONCAT_WS(' ', external_id, action, COALESCE(JSON_VALUE(before_values, '$.name'), '-'), COALESCE(JSON_VALUE(after_values, '$.name'), '-')) FROM crm_changes ORDER BY id"), c.history...)
			if len(events.changes) != len(c.history) {
				t.Errorf("%d events, %d records", len(events.changes), len(c.history))
			}
			again, _ := h.sync(c.people...)
			if again.Created+again.Updated != 0 {
				t.Errorf("the next run still writes: %+v", again)
			}
		})
	}
}

func TestRowsThatNeverKeepStillEndTheRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 Old a@x 7 employee", "1 B b@x 8 employee")
	turn := 0
	events := &listener{on: func(p crm.Progress) error {
		if p.Stage == crm.StageWriting {
			turn++
			h.exec("UPDATE users SET name = ? WHERE id = 1", fmt.Sprint("Hand", turn))
		}
		return nil
	}}
	_, err := h.engine.Run(context.Background(), h.request(), listed{named("7", "New", "a@x"), named("8", "B2", "b@x")}, events)
	if crm.CodeOf(err) != crm.CodeDatabase {
		t.Errorf("error %v", err)
	}
	wantLines(t, "the others arrived", h.table("name", "WHERE id = 2"), "B2")
	wantLines(t, "history", h.lines("SELECT external_id FROM crm_changes"), "8")
}

func TestAStolenFenceStopsTheWriting(t *testing.T) {
	t.Parallel()
	for name, steal := range map[string]string{
		"another fence":  "UPDATE crm_runs SET fence = 6",
		"not running":    "UPDATE crm_runs SET status = 'interrupted'",
		"another tenant": "UPDATE crm_runs SET tenant_id = 2",
		"gone":           "DELETE FROM crm_runs",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.engine.chunkRows = 2
			events := &listener{on: func(p crm.Progress) error {
				if p.Stage == crm.StageWriting && p.Done == 2 {
					h.exec(steal)
				}
				return nil
			}}
			_, err := h.engine.Run(context.Background(), h.request(), listed{named("1", "A", "a@x"), named("2", "B", "b@x"), named("3", "C", "c@x"), named("4", "D", "d@x")}, events)
			if !errors.Is(err, ErrFenced) || crm.CodeOf(err) != crm.CodeDatabase {
				t.Errorf("error %v", err)
			}
			wantLines(t, "users", h.table("name"), "A", "B")
			wantLines(t, "history", h.lines("SELECT external_id FROM crm_changes ORDER BY id"), "1", "2")
		})
	}
}

func TestAStolenFenceStopsHistoryToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, mode := range []crm.Mode{crm.ModePreview, crm.ModeApply} {
		request := h.request()
		request.Mode, request.Fence = mode, request.Fence-1
		if _, err := h.engine.Run(context.Background(), request, listed{{ExternalID: "7"}}, &listener{}); !errors.Is(err, ErrFenced) {
			t.Errorf("%s: error %v", mode, err)
		}
	}
	wantLines(t, "history", h.history())
}

func TestCancelStopsBetweenTwoChunks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 2
	people := listed{named("1", "A", "a@x"), named("2", "B", "b@x"), named("3", "C", "c@x")}
	ctx, cancel := context.WithCancel(context.Background())
	events := &listener{on: func(p crm.Progress) error {
		if p.Stage == crm.StageWriting && p.Done == 2 {
			cancel()
		}
		return nil
	}}
	_, err := h.engine.Run(ctx, h.request(), people, events)
	if !errors.Is(err, context.Canceled) || crm.CodeOf(err) != crm.CodeCancelled {
		t.Errorf("error %v", err)
	}
	wantLines(t, "users", h.table("name"), "A", "B")
	wantLines(t, "history", h.lines("SELECT external_id FROM crm_changes ORDER BY id"), "1", "2")
	result, _ := h.sync(people...)
	if result.Counts != (crm.Counts{Fetched: 3, Created: 1, Unchanged: 2}) {
		t.Errorf("the next run: %+v", result)
	}
}

func TestCancelWhileReadingOrPlanning(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, stage := range []crm.Stage{crm.StageReading, crm.StagePlanning} {
		ctx, cancel := context.WithCancel(context.Background())
		events := &listener{on: func(p crm.Progress) error {
			if p.Stage == stage {
				cancel()
			}
			return nil
		}}
		if _, err := h.engine.Run(ctx, h.request(), listed{named("1", "A", "a@x")}, events); !errors.Is(err, context.Canceled) || crm.CodeOf(err) != crm.CodeCancelled {
			t.Errorf("%s: error %v", stage, err)
		}
	}
	wantLines(t, "users", h.everybody())
}

func TestNobodyListensAnyMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, stage := range []crm.Stage{crm.StageReading, crm.StagePlanning, crm.StageWriting} {
		events := &listener{on: func(p crm.Progress) error {
			if p.Stage == stage {
				return errPower
			}
			return nil
		}}
		if _, err := h.engine.Run(context.Background(), h.request(), listed{named("1", "A", "a@x")}, events); !errors.Is(err, errPower) {
			t.Errorf("%s: error %v", stage, err)
		}
	}
	wantLines(t, "users", h.everybody())
}

// Two tenants whose portals number their people alike, on a table whose index is on
// the link alone: the existing server's handbook has it so.
func TestTwoTenantsAtOnceBothArrive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows, h.engine.Sleep = 100, nil
	h.exec("ALTER TABLE users ADD INDEX idx_bitrix24_user_id (" + link + ")")
	requests := []Request{h.request(), h.request()}
	requests[1].Tenant.ID = 2
	h.exec("UPDATE crm_runs SET tenant_id = 2 WHERE id = ?", requests[1].RunID)
	results := make(chan error)
	for i, request := range requests {
		go func() {
			var people listed
			for n := range 1500 {
				people = append(people, named(fmt.Sprint(n+1), "N", fmt.Sprintf("p%d@tenant%d", n, i)))
			}
			result, err := h.engine.Run(context.Background(), request, people, &listener{})
			if err == nil && result.Created != len(people) {
				err = fmt.Errorf("result %+v", result)
			}
			results <- err
		}()
	}
	for range requests {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	wantLines(t, "people", h.lines("SELECT CONCAT(tenant_id, ' ', COUNT(*), ' ', COUNT(DISTINCT "+link+")) FROM users GROUP BY tenant_id ORDER BY 1"), "1 1500 1500", "2 1500 1500")
}

// Whoever was created in one round and is written once more in the next, because an
// address moves between that row and one that is looked at again, is still created.
func TestAPersonIsCountedOnceOverTheRounds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 Seven a@x 7 employee")
	plans := 0
	events := &listener{}
	events.on = func(p crm.Progress) error {
		switch {
		case p.Stage == crm.StageWriting && plans == 1 && p.Done == 0:
			h.exec("UPDATE users SET name = 'Hand' WHERE id = 1")
		case p.Stage == crm.StagePlanning:
			if plans++; plans == 2 {
				h.exec("UPDATE users SET email = 'z@x' WHERE " + link + " = '8'")
			}
		}
		return nil
	}
	result, err := h.engine.Run(context.Background(), h.request(), listed{named("7", "Seven", "z@x"), named("8", "Eight", "e@x")}, events)
	if err != nil || result.Counts != (crm.Counts{Fetched: 2, Created: 1, Updated: 1}) {
		t.Errorf("result %+v, error %v", result, err)
	}
	wantLines(t, "users", h.everybody(), "1 Seven z@x 7 employee", "1 Eight e@x 8 employee")
	wantLines(t, "history", h.lines("SELECT CONCAT(external_id, ' ', action) FROM crm_changes ORDER BY id"), "8 created", "7 updated", "8 updated")
}

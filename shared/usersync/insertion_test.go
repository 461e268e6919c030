package usersync

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"booking/shared/crm"
)

// newcomers are n people who have no row yet; chunk by chunk their INSERTs are alike.
func newcomersFrom(first, n int) listed {
	var people listed
	for i := first; i < first+n; i++ {
		people = append(people, named(fmt.Sprint(i), fmt.Sprint("N", i), fmt.Sprintf("n%d@x", i)))
	}
	return people
}

// told counts the statements that begin with the words.
func (h *house) told(words string) (n int) {
	for _, s := range h.wire.said() {
		if strings.HasPrefix(s, words) {
			n++
		}
	}
	return n
}

func TestFullChunksArePreparedOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 4
	people := newcomersFrom(1, 18) // four full chunks and two people
	people[1].Name, people[9].Email = `It's "N" \ 😀`, "Ёлка@x"
	h.wire.reset()
	if result, _ := h.sync(people...); result.Created != 18 {
		t.Errorf("result %+v", result)
	}
	for _, table := range []string{"users", "crm_changes"} {
		insert := "INSERT INTO `" + table + "`"
		if text, prepared, executed := h.told(insert), h.told("PREPARE "+insert), h.told("EXECUTE "+insert); text != 2 || prepared != 1 || executed != 3 {
			t.Errorf("%s: %d as text, %d prepared, %d executed; want 2, 1, 3", table, text, prepared, executed)
		}
	}
	var users, history []string
	for i, p := range people {
		p.Email = Normalize(p.Email)
		users = append(users, fmt.Sprintf("%s %s %s employee 1 2026-11-23 12:00:00", p.ExternalID, p.Name, p.Email))
		history = append(history, fmt.Sprintf("%s %d %s %s 2026-11-23 12:00:00.700000", p.ExternalID, i+1, p.Name, p.Email))
	}
	wantLines(t, "users", h.table(link+", name, email, role, is_active, updated_at"), users...)
	wantLines(t, "history", h.lines("SELECT CONCAT_WS(' ', external_id, user_id, name, JSON_VALUE(after_values, '$.email'), created_at) FROM crm_changes ORDER BY id"), history...)
	wantLines(t, "passwords", h.lines("SELECT COUNT(DISTINCT password) FROM users WHERE password LIKE '$2y$12$%'"), "18")
}

func TestOneFullChunkIsNotPrepared(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 4
	h.wire.reset()
	h.sync(newcomersFrom(1, 7)...)
	if n := h.told("PREPARE"); n != 0 {
		t.Errorf("%d statements prepared for nothing", n)
	}
}

// A server that has no room for a prepared statement, now or on another connection,
// gets everybody all the same.
func TestWhatCannotBePreparedIsText(t *testing.T) {
	t.Parallel()
	for _, refused := range []string{"PREPARE", "EXECUTE"} {
		for _, number := range []uint16{1461, 1615} {
			h := newHouse(t)
			h.engine.chunkRows = 4
			h.wire.reset()
			refusals := 0
			h.wire.before = func(_ int, statement string) error {
				if !strings.HasPrefix(statement, refused) {
					return nil
				}
				refusals++
				return &mysql.MySQLError{Number: number, Message: "no"}
			}
			result, _ := h.sync(newcomersFrom(1, 18)...)
			if result.Counts != (crm.Counts{Fetched: 18, Created: 18}) || refusals == 0 {
				t.Errorf("%s refused with %d (%d times): %+v", refused, number, refusals, result)
			}
			wantLines(t, "history", h.lines("SELECT COUNT(*) FROM crm_changes WHERE action = 'created'"), "18")
		}
	}
}

// The connection that statements were prepared on is gone with its server.
func TestPreparedStatementsFollowToANewConnection(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 4
	h.wire.reset()
	cut := false
	h.wire.before = func(_ int, statement string) error {
		if strings.HasPrefix(statement, "EXECUTE INSERT INTO `crm_changes`") && !cut {
			cut = true
			return errCut
		}
		return nil
	}
	result, _ := h.sync(newcomersFrom(1, 18)...)
	if result.Counts != (crm.Counts{Fetched: 18, Created: 18}) || !cut {
		t.Errorf("result %+v, cut %v", result, cut)
	}
	wantLines(t, "history", h.lines("SELECT CONCAT(COUNT(*), ' ', COUNT(DISTINCT user_id)) FROM crm_changes WHERE action = 'created'"), "18 18")
	if n := h.told("PREPARE INSERT INTO `users`"); n != 2 {
		t.Errorf("prepared %d times, want once for each connection", n)
	}
}

// Nothing stays on the server when the run is over, however it ends.
func TestPreparedStatementsAreLetGo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 4
	for _, fails := range []bool{false, true} {
		events := &listener{on: func(p crm.Progress) error {
			if fails && p.Stage == crm.StageWriting && p.Done >= 12 {
				return errPower
			}
			return nil
		}}
		people := newcomersFrom(1, 18)
		if fails {
			people = newcomersFrom(101, 18)
		}
		_, err := h.engine.Run(t.Context(), h.request(), people, events)
		if (err != nil) != fails || h.told("EXECUTE") == 0 {
			t.Fatalf("%d executions, error %v", h.told("EXECUTE"), err)
		}
		if open := h.wire.statementsOpen(); open != 0 {
			t.Errorf("failed %v: %d prepared statements are left", fails, open)
		}
	}
}

// An id that is no id is a value like any other: its column has no default.
func TestSomebodyWithoutAnIDIsRecorded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	result, _ := h.sync(named("", "Nobody", "nobody@x"))
	if result.Counts != (crm.Counts{Fetched: 1, Skipped: 1}) || !result.Partial {
		t.Errorf("result %+v", result)
	}
	wantLines(t, "history", h.history(), " skipped/invalid Nobody nobody@x - -")
}

package usersync

import (
	"strings"
	"testing"

	"booking/shared/crm"
)

// hideIndex takes an index from the optimizer, as an administrator does who wonders
// whether it is needed.
func (h *house) hideIndex(name string) {
	h.t.Helper()
	word := "INVISIBLE"
	if h.mariaDB() {
		word = "IGNORED"
	}
	h.exec("ALTER TABLE users ALTER INDEX " + name + " " + word)
}

// linkForms are the indexes that a migration takes as they are.
var linkForms = map[string]string{
	"tenant and link":                "ADD INDEX both_of_them (tenant_id, " + link + ")",
	"tenant and the link's start":    "ADD INDEX start (tenant_id, " + link + "(64))",
	"the link alone":                 "ADD INDEX alone (" + link + "), ADD INDEX tenant (tenant_id)",
	"the link and what else":         "ADD INDEX more (" + link + ", role), ADD INDEX tenant (tenant_id)",
	"the link second, behind others": "ADD INDEX no (role, " + link + "), ADD INDEX alone (" + link + "), ADD INDEX tenant (tenant_id)",
}

// Every newcomer is looked up by the link, also when the statistics know of no rows yet:
// the tenant's rows are not read for each of them.
func TestLinksAreLookedUpByTheirIndex(t *testing.T) {
	t.Parallel()
	for form, indexes := range linkForms {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.exec("ALTER TABLE users DROP INDEX users_tenant_id_" + link + "_index, " + indexes)
			h.exec("ANALYZE TABLE users")
			explained := false
			h.wire.before = func(_ int, statement string) error {
				if !strings.Contains(statement, "JSON_TABLE") || !strings.Contains(statement, "FORCE INDEX") || explained {
					return nil
				}
				explained = true
				plan := h.explained(statement)
				if len(plan) != 2 || !strings.HasPrefix(plan[1], "u ref ") || strings.HasSuffix(plan[1], " tenant") || strings.HasSuffix(plan[1], " no") {
					t.Errorf("plan %q", plan)
				}
				return nil
			}
			if result, _ := h.sync(newcomersFrom(1, 300)...); result.Created != 300 || !explained {
				t.Errorf("result %+v, explained %v", result, explained)
			}
		})
	}
}

func TestLinksAreFoundWithoutTheirIndex(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(h *house){
		"dropped": func(h *house) {
			h.exec("ALTER TABLE users DROP INDEX users_tenant_id_" + link + "_index, ADD INDEX tenant (tenant_id)")
		},
		"hidden": func(h *house) { h.hideIndex("users_tenant_id_" + link + "_index") },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			change(h)
			h.users("1 Local n2@x - employee")
			result, events := h.sync(newcomersFrom(1, 3)...)
			if result.Counts != (crm.Counts{Fetched: 3, Created: 2, Updated: 1}) {
				t.Errorf("result %+v", result)
			}
			wantLines(t, "events", events.said(), "1 created #2", "2 updated/linked #1", "3 created #3")
		})
	}
}

// The index is asked for once, whatever the number of chunks.
func TestTheLinksIndexIsAskedForOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 2
	h.wire.reset()
	h.sync(newcomersFrom(1, 7)...)
	if n := h.told("SELECT l.index_name"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	h.wire.reset()
	if h.sync(newcomersFrom(1, 7)...); h.told("SELECT l.index_name") != 0 {
		t.Errorf("a run that gives no link asks for its index")
	}
}

package usersync

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostile are values that something between Go and the row could take for more
// than text: bun's quoting, JSON, the server's parser, a LIKE.
var hostile = []string{
	`'`, `''`, `"`, `\`, `\\`, `\'`, `\"`, `\n`, `\u0041`, "`", "?", "??", "?0", "?name", ":x", "$1", "%s", "%", "_", "--", "/*", "*/", ";", "#",
	`'); DROP TABLE users; --`, `{"a":1}`, `[]`, `null`, `NULL`, "<b>&amp;</b>", "a\tb", "a\u2028b\u2029c", "😀👩‍👩‍👧", "Ω≈ç√∫", "e\u0301", "\u200b", "\ufeff", "\x7f",
	"نص", "漢字", "Ё", strings.Repeat("я", 255), strings.Repeat("😀", 255), strings.Repeat(`\`, 255), strings.Repeat(`"`, 255), strings.Repeat(`'`, 255),
}

func TestHostileValuesRoundTrip(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options = Options{Phone: true, Position: true}
	var people []Person
	for i, v := range hostile {
		people = append(people, Person{ExternalID: fmt.Sprint(i + 1), Name: v, Email: address(v, i), Phone: v, Position: v})
	}
	if result, _ := h.sync(people...); result.Created != len(people) {
		t.Fatalf("created: %+v", result)
	}
	h.checkHostile(people)
	for i := range people { // the same by UPDATE: everybody gets the next one's values
		v := hostile[(i+1)%len(hostile)]
		people[i].Name, people[i].Email, people[i].Phone, people[i].Position = v, address(v, i+1000), v, v
	}
	if result, _ := h.sync(people...); result.Updated != len(people) {
		t.Fatalf("updated: %+v", result)
	}
	h.checkHostile(people)
	if result, _ := h.sync(people...); result.Unchanged != len(people) {
		t.Errorf("again: %+v", result)
	}
}

// address makes a value an address that is still in use by nobody else.
func address(v string, i int) string {
	text := []rune(strings.TrimSpace(v))
	return Normalize(fmt.Sprintf("%d%s@x", i, string(text[:min(len(text), 200)])))
}

func (h *house) checkHostile(people []Person) {
	h.t.Helper()
	rows, err := h.admin.Query("SELECT u.name, u.email, u.phone, u.position, c.name, JSON_UNQUOTE(JSON_EXTRACT(c.after_values, '$.name')) FROM users u JOIN crm_changes c ON c.user_id = u.id" +
		" AND c.id = (SELECT MAX(id) FROM crm_changes WHERE user_id = u.id) ORDER BY u.id")
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	var got, want [][]string
	for rows.Next() {
		line := make([]string, 6)
		if err := rows.Scan(&line[0], &line[1], &line[2], &line[3], &line[4], &line[5]); err != nil {
			h.t.Fatal(err)
		}
		got = append(got, line)
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	for _, p := range people {
		want = append(want, []string{p.Name, p.Email, p.Phone, p.Position, p.Name, p.Name})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestOtherCharacterSetsKeepTheirValues(t *testing.T) {
	t.Parallel()
	for _, collation := range []string{"latin1_swedish_ci", "utf8mb3_unicode_ci", "cp1251_general_ci", "utf8mb4_bin"} {
		t.Run(collation, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			charset, _, _ := strings.Cut(collation, "_")
			for _, column := range []string{"name", "email"} {
				h.exec("ALTER TABLE users MODIFY " + column + " VARCHAR(255) CHARACTER SET " + charset + " COLLATE " + collation + " NOT NULL")
			}
			names := []string{"Anna", "José ÿ €", "Жанна Ёлкина", "😀"}
			var people []Person
			fits, skipped := []string{}, 0
			for i, name := range names {
				people = append(people, named(fmt.Sprint(i+1), name, fmt.Sprintf("a%d@x", i)))
				if (Column{MaxChars: 255, Charset: charset}).holds(name) {
					fits = append(fits, name)
				} else {
					skipped++
				}
			}
			result, _ := h.sync(people...)
			if result.Created != len(fits) || result.Skipped != skipped || result.Partial != (skipped > 0) {
				t.Errorf("result %+v", result)
			}
			wantLines(t, "created", h.table("name"), fits...)
			h.exec("UPDATE users SET name = 'Old'")
			h.sync(people...)
			wantLines(t, "updated", h.table("name"), fits...)
			if result, _ := h.sync(people...); result.Created+result.Updated != 0 {
				t.Errorf("a third run still writes: %+v", result)
			}
		})
	}
}

func TestTooLongForTheHistoryIsCut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	long := strings.Repeat("я", 300)
	result, events := h.sync(named("1", long, "a@x"), named(long, "Odd", long))
	if result.Skipped != 2 || !result.Partial {
		t.Errorf("result %+v", result)
	}
	if len([]rune(events.changes[0].Name)) != 255 || len([]rune(events.changes[1].ExternalID)) != 255 || len([]rune(events.changes[1].Email)) != 255 {
		t.Errorf("changes %+v", events.changes)
	}
	if n := len(h.history()); n != 2 {
		t.Errorf("%d records", n)
	}
}

func TestColumnsThatAreMissingAreNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options.Position = true
	h.exec("ALTER TABLE users DROP COLUMN position")
	_, err := h.engine.Run(t.Context(), h.request(), listed{}, &listener{})
	if err == nil || !strings.Contains(err.Error(), "position") || !strings.Contains(err.Error(), "migrate up") {
		t.Errorf("error %v", err)
	}
	h.options.Position = false // then nobody needs it
	if result, _ := h.sync(named("1", "A", "a@x")); result.Created != 1 {
		t.Errorf("result %+v", result)
	}
	h.exec("DROP TABLE users")
	if _, err := h.engine.Run(t.Context(), h.request(), listed{}, &listener{}); err == nil || !strings.Contains(err.Error(), "migrate up") {
		t.Errorf("no table: %v", err)
	}
}

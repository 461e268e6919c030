package usersync

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
)

// collations that users.email may have; those a server does not know are left out,
// the first ones both know.
var collations = []string{
	"utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb4_unicode_520_ci", "utf8mb4_bin", "utf8mb3_general_ci",
	"utf8mb3_unicode_ci", "latin1_swedish_ci", "latin1_bin", "cp1251_general_ci",
	"utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_0900_bin", "utf8mb4_ru_0900_ai_ci",
	"utf8mb4_unicode_nopad_ci", "utf8mb4_nopad_bin", "utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_as_cs",
}

func (h *house) knownCollations() []string {
	var known []string
	for _, collation := range collations {
		charset, _, _ := strings.Cut(collation, "_")
		var text string
		err := h.admin.QueryRow("SELECT CONVERT('a' USING " + charset + ") COLLATE " + collation).Scan(&text)
		if err == nil {
			known = append(known, collation)
		} else if serverError(err) != 1273 {
			h.t.Fatal(err)
		}
	}
	if len(known) < 9 {
		h.t.Fatalf("the server knows %q only", known)
	}
	return known
}

// asked is what the engine is told about addresses.
func (h *house) asked(wanted []string) map[string]Address {
	h.t.Helper()
	ctx := context.Background()
	r := &run{Engine: h.engine.ready(), request: Request{Tenant: crm.Tenant{ID: h.tenant}}, column: link}
	tx, err := h.engine.DB.BeginTx(ctx, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	s, err := r.readShape(ctx, tx)
	if err != nil {
		h.t.Fatal(err)
	}
	answers, err := r.addresses(ctx, tx, s, wanted)
	if err != nil {
		h.t.Fatal(err)
	}
	return answers
}

// pairsOf are the pairs of texts that a question's answer calls equal.
func pairsOf(texts []string, equal func(a, b string) bool) []string {
	var pairs []string
	for i, a := range texts {
		for _, b := range texts[:i] {
			if equal(a, b) {
				pairs = append(pairs, fmt.Sprintf("%+q = %+q", b, a))
			}
		}
	}
	slices.Sort(pairs)
	return pairs
}

func TestRule6ClassesAreThoseOfTheCollation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, collation := range h.knownCollations() {
		charset, _, _ := strings.Cut(collation, "_")
		h.exec("ALTER TABLE users MODIFY email VARCHAR(255) CHARACTER SET " + charset + " COLLATE " + collation + " NOT NULL")
		texts := awkward(Column{MaxChars: 255, Charset: charset})
		answers := h.asked(texts)
		got := pairsOf(texts, func(a, b string) bool { return answers[a].Class == answers[b].Class })
		want := h.equalPairs(texts, charset, collation)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-the collation +the engine):\n%s", collation, diff)
		}
		if len(answers) != len(texts) {
			t.Errorf("%s: %d answers to %d questions", collation, len(answers), len(texts))
		}
	}
}

// equalPairs asks the collation about every pair.
func (h *house) equalPairs(texts []string, charset, collation string) []string {
	h.t.Helper()
	list, err := json.Marshal(texts)
	if err != nil {
		h.t.Fatal(err)
	}
	table := "JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY, s VARCHAR(255) CHARACTER SET " + charset + " COLLATE " + collation + " PATH '$'))"
	rows, err := h.admin.Query("SELECT a.n, b.n FROM "+table+" AS a JOIN "+table+" AS b ON a.n < b.n AND a.s = b.s", string(list), string(list))
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	var pairs []string
	for rows.Next() {
		var a, b int
		if err := rows.Scan(&a, &b); err != nil {
			h.t.Fatal(err)
		}
		pairs = append(pairs, fmt.Sprintf("%+q = %+q", texts[a-1], texts[b-1]))
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(pairs)
	return pairs
}

// awkward are normalised addresses that a column can hold and that some collation
// has an opinion about.
func awkward(column Column) []string {
	texts := []string{
		"jose@x", "josé@x", "jose\u0301@x", "елка@x", "ёлка@x", "мир@x", "мйр@x", "strasse@x", "straße@x", "ı@x", "i@x",
		"😀@x", "😁@x", "a\u00ad@x", "a@x", "a\u200b@x", "a@x\u180e", "a@x\u00adz", "a@xz", "'@x", "\"@x", `\@x`, "%@x", "_@x",
		"\u2028@x", "ﬁ@x", "fi@x", "ﷺ@x", "０@x", "0@x", "a\tb@x", "a b@x", "ж@х", "ж@x", "ss@x", "ß@x", "?@x", "å@x", "æ@x", "ae@x", "ø@x", "o@x",
		strings.Repeat("a", 255), strings.Repeat("a", 254), strings.Repeat("ß", 127) + "ss", strings.Repeat("s", 255), strings.Repeat("ß", 128),
		strings.Repeat("ﷺ", 254) + "a", strings.Repeat("ﷺ", 254) + "b", strings.Repeat("ё", 255), strings.Repeat("е", 255), strings.Repeat("😀", 255),
	}
	letters := []rune("aeéßıсёеж😀\u0301\u00ad\u180eﬁøß日'.-@")
	random := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		text := []rune("a")
		for range 1 + random.IntN(3) {
			text = append(text, letters[random.IntN(len(letters))])
		}
		texts = append(texts, string(text))
	}
	var held []string
	for _, text := range texts {
		if text = Normalize(text); column.holds(text) && !slices.Contains(held, text) {
			held = append(held, text)
		}
	}
	return held
}

func TestRule6HoldersAreThoseOfTheUniqueKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, collation := range h.knownCollations() {
		charset, _, _ := strings.Cut(collation, "_")
		h.exec("DELETE FROM users")
		h.exec("ALTER TABLE users MODIFY email VARCHAR(255) CHARACTER SET " + charset + " COLLATE " + collation + " NOT NULL")
		texts := awkward(Column{MaxChars: 255, Charset: charset})
		insert := func(db interface {
			Exec(string, ...any) (sql.Result, error)
		}, text string) error {
			_, err := db.Exec("INSERT INTO users (tenant_id, name, email, password) VALUES (1 + ASCII(?) % 2, 'N', ?, 'p')", text, text)
			return err
		}
		for i, text := range texts {
			if i%3 == 0 {
				_ = insert(h.admin, text) // one that is taken by now is no matter
			}
		}
		answers := h.asked(texts)
		h.probe(func(tx *sql.Tx) {
			for _, text := range texts {
				err := insert(tx, text)
				if taken := err != nil; taken != answers[text].Holder.Taken {
					t.Errorf("%s: %+q taken %v, the engine was told %v (%v)", collation, text, taken, answers[text].Holder.Taken, err)
				}
				if err == nil {
					_, err = tx.Exec("DELETE FROM users ORDER BY id DESC LIMIT 1")
				}
				if err != nil && serverError(err) != 1062 {
					t.Fatal(err)
				}
			}
		})
		for text, answer := range answers {
			if row := answer.Holder.RowID; row != 0 && h.lines("SELECT tenant_id FROM users WHERE id = ?", row)[0] != "1" {
				t.Errorf("%s: %+q names row %d of another tenant", collation, text, row)
			}
		}
	}
}

// probe runs f in a transaction that is rolled back.
func (h *house) probe(f func(*sql.Tx)) {
	h.t.Helper()
	tx, err := h.admin.Begin()
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	f(tx)
}

func TestRule6ClassesHoldAcrossStatements(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var wanted []string
	for i := range addressBatch + 10 {
		wanted = append(wanted, fmt.Sprintf("filler%d@x", i))
	}
	wanted[3], wanted[len(wanted)-1] = "jose@x", "josé@x"
	h.wire.reset()
	answers := h.asked(wanted)
	if answers["jose@x"].Class != answers["josé@x"].Class || answers["jose@x"].Class == answers["filler1@x"].Class {
		t.Errorf("classes %d, %d, %d", answers["jose@x"].Class, answers["josé@x"].Class, answers["filler1@x"].Class)
	}
	if said := h.wire.said(); len(said) != 4 { // BEGIN, shape, two questions
		t.Errorf("%d statements", len(said))
	}
}

func TestRule6AddressesAreLookedUpByTheUniqueKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.exec("INSERT INTO users (tenant_id, name, email, password) SELECT 1 + d.n % 2, 'N', CONCAT('u', d.n, '@x'), 'p' FROM (" + numbers(3000) + ") AS d")
	h.exec("ANALYZE TABLE users")
	got := h.explained(fmt.Sprintf(occupiedSQL, textType{"utf8mb4", "utf8mb4_unicode_ci"}), 1, `["u1@x", "u2@x", "nobody@x"]`)
	wantLines(t, "plan", got, "d ALL", "u eq_ref users_email_unique")
}

func (h *house) mariaDB() bool {
	return strings.Contains(h.lines("SELECT VERSION()")[0], "MariaDB")
}

// explained returns table, type and key of each line of a query's EXPLAIN.
func (h *house) explained(query string, args ...any) []string {
	h.t.Helper()
	explain := "EXPLAIN FORMAT=TRADITIONAL "
	if h.mariaDB() {
		explain = "EXPLAIN "
	}
	rows, err := h.admin.Query(explain+query, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		h.t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		values, targets := make([]*string, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			h.t.Fatal(err)
		}
		var words []string
		for i, column := range columns {
			if (column == "table" || column == "type" || column == "key") && values[i] != nil {
				words = append(words, *values[i])
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// numbers is a query for n = 0, 1, ...
func numbers(n int) string {
	digits := "(SELECT 0 AS v UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	return fmt.Sprintf("SELECT a.v + 10 * b.v + 100 * c.v + 1000 * e.v AS n FROM %[1]s AS a, %[1]s AS b, %[1]s AS c, %[1]s AS e HAVING n < %[2]d", digits, n)
}

func TestRule6AccentsAndOneAddressEndToEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 Jose jose@x - admin", "2 Elka ёлка@x - employee")
	result, events := h.sync(named("7", "José", "josé@x"), named("8", "Елка", "елка@x"), named("9", "One", "café@x"), named("10", "Two", "cafe@x"), named("11", "Anna", "ANNA@x"))
	if result.Created != 2 || result.Conflicts != 3 {
		t.Errorf("result %+v", result)
	}
	wantLines(t, "events", events.said(), "10 conflict/duplicate_email vs 9#0", "11 created #4", "7 conflict/email_taken vs #1", "8 conflict/email_taken", "9 created #3")
	wantLines(t, "users", h.everybody(), "1 Jose jose@x - admin", "2 Elka ёлка@x - employee", "1 One café@x 9 employee", "1 Anna anna@x 11 employee")
}

// A copy of the old server may lack the unique key: then an address can have
// several holders, and it stays taken whoever of them would leave.
func TestRule7WithoutTheUniqueKeyAnAddressOfSeveralStaysTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.exec("ALTER TABLE users DROP INDEX users_email_unique, ADD INDEX plain (email)")
	h.users("1 A a@x 1 employee", "2 Foreign a@x - employee")
	_, events := h.sync(named("1", "A", "new@x"), named("2", "B", "a@x"))
	wantLines(t, "events", events.said(), "1 updated #1", "2 conflict/email_taken")
	wantLines(t, "users", h.everybody(), "1 A new@x 1 employee", "2 Foreign a@x - employee")
}

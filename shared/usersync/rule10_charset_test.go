package usersync

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"booking/shared/testdb"
)

// What a character set can hold is asked of the database itself, for every
// character of the basic plane and some beyond. A character the planner refuses
// though the database has it costs somebody the sync; one it admits though the
// database has not would end the whole run.
func TestRule10RepertoiresAgreeWithTheDatabase(t *testing.T) {
	t.Parallel()
	db, ctx := testdb.Open(t, testdb.New(t)), context.Background()
	if _, err := db.ExecContext(ctx, "CREATE TABLE characters (code INT PRIMARY KEY, c VARCHAR(1) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	characters := charactersToTry()
	for chunk := range slices.Chunk(characters, 4096) {
		var values []string
		for _, r := range chunk {
			values = append(values, fmt.Sprintf("(%d, _utf8mb4 X'%X')", r, string(r)))
		}
		if _, err := db.ExecContext(ctx, "INSERT INTO characters VALUES "+strings.Join(values, ",")); err != nil {
			t.Fatal(err)
		}
	}
	for charset, known := range repertoires {
		stored := storedBy(t, db, charset)
		if len(stored) < 90 {
			t.Errorf("%s: the database stores %d characters only: the question is wrong", charset, len(stored))
		}
		for _, r := range characters {
			if unicode.IsControl(r) {
				continue // sources take them out; refusing them does no harm
			}
			if admitted := r < 0x80 || known(r); admitted != stored[r] {
				t.Errorf("%s: %U %q admitted %v, stored %v", charset, r, r, admitted, stored[r])
			}
		}
	}
}

// storedBy are the characters that come back from a character set unchanged.
func storedBy(t *testing.T, db *sql.DB, charset string) map[rune]bool {
	t.Helper()
	rows, err := db.QueryContext(context.Background(),
		"SELECT code FROM characters WHERE CONVERT(CONVERT(c USING "+charset+") USING utf8mb4) COLLATE utf8mb4_bin = c")
	if err != nil {
		t.Fatalf("%s: %v", charset, err)
	}
	defer rows.Close()
	stored := map[rune]bool{}
	for rows.Next() {
		var r rune
		if err := rows.Scan(&r); err != nil {
			t.Fatal(err)
		}
		stored[r] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return stored
}

// charactersToTry leaves out what is no character: NUL and surrogates.
func charactersToTry() []rune {
	characters := []rune{'𐀀', '😀', '🦔', '𠀀', 0x10FFFF}
	for r := rune(1); r <= 0xFFFF; r++ {
		if r < 0xD800 || r > 0xDFFF {
			characters = append(characters, r)
		}
	}
	return characters
}

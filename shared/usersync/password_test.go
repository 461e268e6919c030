package usersync

import (
	"bytes"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"booking/shared/testdb"
)

func TestRule5PasswordHasBcryptsShapeAndDiffers(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^\$2y\$12\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}$`)
	seen := make(map[string]bool)
	for range 5000 {
		value, err := UnmatchablePassword(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if len(value) != 60 || !shape.MatchString(value) || seen[value] {
			t.Fatalf("value %q: not of the shape, or not the first of its kind", value)
		}
		seen[value] = true
		if strings.IndexByte(bcryptAlphabet, value[59])&0b11 == 0 {
			t.Fatalf("value %q ends as a hash of bcrypt could", value)
		}
	}
	for value := range seen {
		if cost, err := bcrypt.Cost([]byte(value)); err != nil || cost != 12 {
			t.Fatalf("bcrypt reads cost %d, error %v from %q", cost, err, value)
		}
		break
	}
}

func TestRule5NoPasswordMatches(t *testing.T) {
	t.Parallel()
	value, err := UnmatchablePassword(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// Cost 4 instead of 12 keeps the test short; the comparison is the same.
	value = strings.Replace(value, "$12$", "$04$", 1)
	for _, password := range []string{"", " ", "password", "123456", "secret", "*", "!", "x", "\x00", value, value[29:], strings.Repeat("a", 72)} {
		if err := bcrypt.CompareHashAndPassword([]byte(value), []byte(password)); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			t.Errorf("password %q against %q: %v", password, value, err)
		}
	}
}

func TestRule5RealHashesEndInZeroBits(t *testing.T) {
	t.Parallel()
	// The premise of UnmatchablePassword, asked of bcrypt itself.
	for range 64 {
		hash, err := bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		if strings.IndexByte(bcryptAlphabet, hash[59])&0b11 != 0 {
			t.Fatalf("bcrypt made %q", hash)
		}
	}
}

func TestRule5NoRandomnessIsAnError(t *testing.T) {
	t.Parallel()
	if value, err := UnmatchablePassword(bytes.NewReader(make([]byte, 52))); err == nil {
		t.Errorf("made %q of too few bytes", value)
	}
}

// Whoever asks by SQL gets the answer that Go gives, whatever the value.
func TestNobodysPasswordIsTold(t *testing.T) {
	t.Parallel()
	values := map[string]bool{"": false, "x": false, "!": false, strings.Repeat("x", 60): false}
	for i := range 200 {
		value, err := UnmatchablePassword(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		values[value] = true
		values["$2a$12$"+value[7:]] = false // not ours
		values[value+"x"] = false
		hash, err := bcrypt.GenerateFromPassword([]byte{byte(i), 'x'}, bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		values["$2y$12$"+string(hash[7:])] = false // a real one
	}
	db := testdb.Open(t, testdb.New(t))
	if _, err := db.Exec("CREATE TABLE passwords (id INT PRIMARY KEY AUTO_INCREMENT, p VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	for value, want := range values {
		if got := NobodysPassword(value); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
		if _, err := db.Exec("INSERT INTO passwords (p) VALUES (?)", value); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.Query("SELECT p, " + NobodysPasswordSQL("p") + " FROM passwords")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var value string
		var got bool
		if err := rows.Scan(&value, &got); err != nil || got != values[value] {
			t.Errorf("the database says %v of %q, want %v (%v)", got, value, values[value], err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

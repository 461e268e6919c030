package usersync

import (
	"fmt"
	"io"
	"strings"
)

// bcryptAlphabet is bcrypt's own base64: the index of a character is its value.
const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

const (
	bcryptPrefix = "$2y$12$"
	saltChars    = 22 // 16 bytes: the last character carries 2 bits
	hashChars    = 31 // 23 bytes: the last character carries 4 bits
)

// UnmatchablePassword returns a value of bcrypt's shape that no password can match, at
// the cost of 53 random bytes and no hashing.
//
// Why no password: whoever checks one hashes it with the salt of this value and
// compares the encoded result, character by character. A bcrypt hash has 23 bytes,
// 184 bits, in 31 characters of 6 bits, so its last character always ends in two
// zero bits. The one made here never does: no output of bcrypt equals it,
// whatever the password and the salt. The rest is random, so that two people's
// values never look alike.
func UnmatchablePassword(random io.Reader) (string, error) {
	var b [saltChars + hashChars]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("draw a password value: %w", err)
	}
	for i := range b {
		b[i] &= 63
	}
	b[saltChars-1] &= 0b11_0000 // as bcrypt itself writes a salt's end
	if last := &b[len(b)-1]; *last&0b11 == 0 {
		*last |= 1
	}
	for i := range b {
		b[i] = bcryptAlphabet[b[i]]
	}
	return bcryptPrefix + string(b[:]), nil
}

// hashEnds are the characters in which bcrypt's 31 characters of hash can end: those
// whose last two bits are zero.
const hashEnds = ".CGKOSWaeimquy26"

// NobodysPassword reports whether a value of users.password is one of those that a
// sync gives newcomers: of bcrypt's shape, and no password in the world matches it.
// Whoever has it has never set a password.
func NobodysPassword(value string) bool {
	return len(value) == len(bcryptPrefix)+saltChars+hashChars && strings.HasPrefix(value, bcryptPrefix) &&
		!strings.ContainsRune(hashEnds, rune(value[len(value)-1]))
}

// NobodysPasswordSQL is NobodysPassword as a condition on a column. (Compared as
// bytes: letter case matters, and the column's collation may say otherwise.)
func NobodysPasswordSQL(column string) string {
	ends := make([]string, 0, len(hashEnds))
	for _, end := range hashEnds {
		ends = append(ends, "'"+string(end)+"'")
	}
	return fmt.Sprintf("(LENGTH(%[1]s) = %[2]d AND CAST(LEFT(%[1]s, %[3]d) AS BINARY) = '%[4]s' AND CAST(RIGHT(%[1]s, 1) AS BINARY) NOT IN (%[5]s))",
		column, len(bcryptPrefix)+saltChars+hashChars, len(bcryptPrefix), bcryptPrefix, strings.Join(ends, ", "))
}

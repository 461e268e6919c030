package usersync

import "strings"

// Normalize is the form in which an address is compared and written (rules 3
// and 4): without the white space around it, lower-cased character by character
// as Unicode says. No accent is folded and no collation asked: what the database
// calls equal is a question of rule 6, never of a match.
func Normalize(address string) string {
	return strings.ToLower(strings.TrimSpace(address))
}

// sameAddress reports whether a stored address is, letter case aside, already
// what would be written (rule 4). Stray spaces in the stored one are a difference:
// somebody who types the address without them would not be found.
func sameAddress(normalized, stored string) bool {
	return normalized == strings.ToLower(stored)
}

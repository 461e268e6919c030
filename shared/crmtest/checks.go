package crmtest

import (
	"slices"

	"booking/shared/crm"
)

// checks are all questions, in the order in which they are asked: from the start of
// a process to its end, and last what holds for everything that was seen.
func checks() []check {
	return slices.Concat(startChecks, describeChecks, setupChecks, migrateChecks, runChecks, peopleChecks, choicesChecks, importChecks, eventChecks, endChecks, overallChecks)
}

// both makes a text.
func both(ru, en string) crm.Text { return crm.Text{RU: ru, EN: en} }

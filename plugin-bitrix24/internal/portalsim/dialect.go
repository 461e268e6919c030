package portalsim

import (
	"slices"
	"strings"
)

// Dialect holds the points in which the documentation leaves a choice or servers
// differ. The zero value is today's cloud as the documentation describes it.
type Dialect struct {
	// Counting is what start=-1 does to total.
	Counting Counting
	// RepeatsLastPage answers an offset beyond the end with the last page instead of an
	// empty one.
	RepeatsLastPage bool
	// NeedsSortStrings does not order at all unless SORT and ORDER are both strings; the
	// order then differs from call to call.
	NeedsSortStrings bool
	// FirstSpellingWins takes the first of FILTER and filter instead of the last.
	FirstSpellingWins bool
	// LongBatchByCommand refuses only the commands beyond 50, each in result_error,
	// instead of the whole batch.
	LongBatchByCommand bool
	// NewerErrors uses the statuses of the newer documentation: 401 for scope, plan,
	// credentials and overload, INVALID_CREDENTIALS for a wrong webhook.
	NewerErrors bool
	// NeedsAdminMode returns only active employees unless ADMIN_MODE is set.
	NeedsAdminMode bool
}

// Counting is what a server does with start=-1 (settings/performance/huge-data.md).
type Counting uint8

// huge-data.md's example answers total 0; user.get has been seen to leave it out, and
// older servers count all the same.
const (
	CountOff Counting = iota
	CountZero
	CountAll
)

// Dialects returns every single deviation from the zero value, by name, for tests
// that must hold on all servers.
func Dialects() map[string]Dialect {
	return map[string]Dialect{
		"documented":            {},
		"total is 0 uncounted":  {Counting: CountZero},
		"always counts":         {Counting: CountAll},
		"repeats the last page": {RepeatsLastPage: true},
		"needs sort strings":    {NeedsSortStrings: true},
		"first spelling wins":   {FirstSpellingWins: true},
		"long batch by command": {LongBatchByCommand: true},
		"newer errors":          {NewerErrors: true},
		"needs admin mode":      {NeedsAdminMode: true},
	}
}

// dialectNames are the names as the command line takes them.
func dialectNames() []string {
	names := make([]string, 0, 16)
	for name := range Dialects() {
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	slices.Sort(names)
	return names
}

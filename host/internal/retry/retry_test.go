package retry

import (
	"fmt"
	"testing"
	"time"

	"booking/shared/crm"
)

func TestAFailureIsTriedAgainByItsClass(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	passing := []time.Duration{5 * minute, 15 * minute, 60 * minute}
	for code, want := range map[crm.Code][]time.Duration{
		crm.CodePortalUnreachable: passing,
		crm.CodePortalAnswer:      passing,
		crm.CodePluginLost:        passing,
		crm.CodeDatabase:          passing,
		crm.CodeRateLimited:       passing, // when the portal did not say
		Interrupted:               passing,

		crm.CodeUnauthorized:    nil,
		crm.CodeScopeMissing:    nil,
		crm.CodeNotConfigured:   nil,
		crm.CodePortalChanged:   nil,
		crm.CodeTenantBlocked:   nil,
		crm.CodePluginMissing:   nil,
		crm.CodePluginUntrusted: nil,
		crm.CodePluginAnswer:    nil,
		crm.CodeBusy:            nil,
		crm.CodeCancelled:       nil,
		crm.CodeInternal:        nil, // a stale preview, too
		"":                      nil,
	} {
		for made := range 5 {
			wait, again := After(code, made, 0)
			wantAgain := made < len(want)
			if again != wantAgain || (again && wait != want[made]) {
				t.Errorf("%q after %d retries: %s, %v", code, made, wait, again)
			}
		}
	}
}

func TestARateLimitIsTriedWhenThePortalSaid(t *testing.T) {
	t.Parallel()
	for said, want := range map[time.Duration]time.Duration{
		7 * time.Minute:     7 * time.Minute,
		time.Second:         time.Minute,    // not at once, whatever its clock says
		48 * time.Hour:      24 * time.Hour, // nor never
		-3 * time.Minute:    5 * time.Minute,
		0:                   5 * time.Minute,
		90 * time.Second:    90 * time.Second,
		24 * time.Hour:      24 * time.Hour,
		3*time.Hour + 1:     3*time.Hour + 1,
		59 * time.Second:    time.Minute,
		24*time.Hour + 1000: 24 * time.Hour,
	} {
		t.Run(fmt.Sprint(said), func(t *testing.T) {
			t.Parallel()
			if wait, again := After(crm.CodeRateLimited, 0, said); !again || wait != want {
				t.Errorf("%s, %v; want %s", wait, again, want)
			}
		})
	}
	// Nobody else's failure is put off by it.
	if wait, _ := After(crm.CodeDatabase, 0, 7*time.Minute); wait != 5*time.Minute {
		t.Errorf("a database failure waits %s", wait)
	}
	if _, again := After(crm.CodeRateLimited, 3, time.Minute); again {
		t.Error("a fourth retry")
	}
}

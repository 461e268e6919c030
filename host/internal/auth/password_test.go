package auth

import (
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// A refusal is the work of one comparison of the usual cost, whatever the hash costs: an
// account of old with a cheap one is not told from nobody. (make bench measures the time.)
func TestARefusalIsTheSameWorkForEveryHash(t *testing.T) {
	t.Parallel()
	for cost := bcrypt.MinCost; cost <= usualCost; cost++ {
		work := 1 << cost
		for _, missing := range padding(cost) {
			work += 1 << missing
		}
		if work != 1<<usualCost {
			t.Errorf("cost %d: work %d, want %d", cost, work, 1<<usualCost)
		}
	}
	if costs := padding(usualCost + 1); len(costs) != 0 {
		t.Errorf("a dearer hash is padded with %v", costs)
	}
	for cost := bcrypt.MinCost; cost <= usualCost; cost++ {
		if got, err := bcrypt.Cost([]byte(nobodysHash(cost))); err != nil || got != cost {
			t.Errorf("nobody's hash of cost %d costs %d (%v)", cost, got, err)
		}
	}
}

package health

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALoopIsStalledWhenItDoesNotComeBackFromItsRest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := NewLiveness(func() time.Time { return now })
	queue, _ := l.Loop("queue", time.Second), l.Loop("a schedule", 5*time.Second)
	for _, step := range []struct {
		passes  time.Duration
		lap     bool
		stalled []string
	}{
		{passes: 3 * time.Second},
		{passes: time.Millisecond, stalled: []string{"queue"}},
		{passes: 4 * time.Second, stalled: []string{"a schedule", "queue"}},
		{lap: true, stalled: []string{"a schedule"}},
	} {
		now = now.Add(step.passes)
		if step.lap {
			queue()
		}
		if diff := cmp.Diff(step.stalled, l.Stalled(2*time.Second)); diff != "" {
			t.Errorf("%+v: %s", step, diff)
		}
	}
}

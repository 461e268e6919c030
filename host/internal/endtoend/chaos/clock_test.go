//go:build chaos || cluster

package chaos

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// clock is compressed time, the same for all hosts: it begins at From when it is Began,
// goes Rate times as fast as time does, and stands still at Until.
type clock struct {
	Began, From, Until time.Time
	Rate               int
}

func (c clock) now(real time.Time) time.Time {
	now := c.From.Add(time.Duration(c.Rate) * real.Sub(c.Began))
	if now.After(c.Until) {
		return c.Until
	}
	return now
}

// lasts is how long it takes until it stands still.
func (c clock) lasts() time.Duration { return c.Until.Sub(c.From) / time.Duration(c.Rate) }

// write puts the clock into its file, where hosts see it from now on.
func (c clock) write(path string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	fresh := filepath.Join(filepath.Dir(path), "clock.new")
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// clockOf is the clock of a file, as hosts see it.
func clockOf(path string) func() time.Time {
	return func() time.Time {
		var c clock
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil {
			panic("the test's clock is gone: " + err.Error())
		}
		return c.now(time.Now())
	}
}

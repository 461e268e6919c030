package crmhost

import (
	"context"
	"os"
	"time"
)

// StartAfter is Start with something happening between check and execution.
func StartAfter(ctx context.Context, o Options, between func()) (*Process, error) {
	o = o.withDefaults()
	file, err := o.Trust.open(o.Found)
	if err != nil {
		return nil, err
	}
	between()
	return run(ctx, o, file)
}

// Sweep is what a start does about folders that killed hosts left behind.
func Sweep(base string, now time.Time) { sweep(base, now) }

// AccessFor judges a path for another user than this one.
func AccessFor(path string, user int) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return accessOf(path, info, user).Err
}

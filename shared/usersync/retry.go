package usersync

import (
	"context"
	"errors"
	"time"
)

const (
	// maxContention is how often work is tried again that lost a lock to somebody
	// else. Each try may itself wait 5 s for a lock.
	maxContention = 8
	// maxAway is how long a database that is away is waited for, in waits.
	maxAway = 30 * time.Second
	// attemptTimeout, and personTimeout for every person it is about, end an attempt
	// that a server never answers.
	attemptTimeout = time.Minute
	personTimeout  = 10 * time.Millisecond
)

// retry calls attempt until it succeeds, fails for good, or the patience with its
// kind of failure is used up; then the last error is returned. Every attempt has a
// context of its own: once begun it is not cut off by ctx, which is looked at
// only between two attempts.
func (e *Engine) retry(ctx context.Context, people int, attempt func(context.Context) error) error {
	var lost int
	var waited time.Duration
	timeout := attemptTimeout + time.Duration(people)*personTimeout
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := once(ctx, timeout, attempt)
		switch faultOf(err) {
		case faultContention:
			if lost++; lost > maxContention {
				return err
			}
		case faultAway:
			if errors.Is(err, context.DeadlineExceeded) {
				waited += timeout
			}
			if waited >= maxAway {
				return err
			}
			waited += pause
		default:
			return err
		}
		if stopped := e.sleep(ctx, pause); stopped != nil {
			return stopped
		}
	}
}

func once(ctx context.Context, timeout time.Duration, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return attempt(ctx)
}

// sleep waits, or returns ctx's error as soon as there is one.
func (e *Engine) sleep(ctx context.Context, d time.Duration) error {
	if e.Sleep != nil {
		return e.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

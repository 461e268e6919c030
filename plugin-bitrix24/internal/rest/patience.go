package rest

import (
	"context"
	"fmt"
	"time"

	"booking/shared/crm"
)

// How often a disturbance is survived at one place, and how long is waited between.
const (
	maxSoft      = 4
	maxTimeouts  = 1
	firstDelay   = 500 * time.Millisecond
	firstBackoff = time.Second
	maxBackoff   = 30 * time.Second
	// firstBudgetWait and maxBudgetWait are for a time budget whose reset is not known:
	// the portal adds up the last ten one-minute buckets.
	firstBudgetWait = 5 * time.Second
	maxBudgetWait   = time.Minute
	maxKnownReset   = 11 * time.Minute
)

// patience counts what went wrong at one place of a reading; it begins anew as soon as
// the place is passed.
type patience struct {
	soft, timeouts, limits int
	silent                 time.Duration
}

// timeout is how long the next request may take: a portal that stays silent gets
// no more than the limit for all of it.
func (c *Client) timeout(p *patience) time.Duration {
	return max(time.Millisecond, min(c.o.RequestTimeout, c.o.Silence-p.silent))
}

// again waits for as long as f asks and returns nil when another try makes sense.
func (c *Client) again(ctx context.Context, p *patience, f *failure) error {
	switch f.kind {
	case kindSoft, kindTooLarge:
		p.soft++
		if p.soft > maxSoft {
			return f.asError()
		}
		return c.pause(ctx, c.jittered(firstDelay<<(p.soft-1)))
	case kindTimeout:
		p.timeouts++
		p.silent += c.o.RequestTimeout
		if p.timeouts > maxTimeouts {
			return f.asError()
		}
		return nil
	case kindBucket:
		c.bucket.fill(c.o.Clock.Now())
		p.limits++
		return c.backOff(ctx, f, c.jittered(doubled(firstBackoff, maxBackoff, p.limits)))
	case kindOperating:
		p.limits++
		return c.waitForBudget(ctx, f, p.limits)
	}
	return f.asError()
}

// doubled is first, doubled with each further time, up to most.
func doubled(first, most time.Duration, time int) time.Duration {
	return min(most, first<<min(time-1, 10))
}

// jittered spreads d to 75-125 %, so that several programs do not come back together.
func (c *Client) jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + c.o.Jitter()/2))
}

func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if err := c.o.Clock.Sleep(ctx, d); err != nil {
		return cancelled(ctx).asError()
	}
	return nil
}

// waitForBucket keeps our requests within the portal's bucket.
func (c *Client) waitForBucket(ctx context.Context) *failure {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	d := c.bucket.reserve(c.o.Clock.Now())
	if d <= 0 {
		return nil
	}
	f := &failure{kind: kindFatal, code: crm.CodeRateLimited, message: textBucket}
	if err := c.waitLimited(ctx, f, d); err != nil {
		return err
	}
	return nil
}

// backOff waits for a bucket that others fill. The last wait is cut to what is left of
// the allowed time, so that all of it is used.
func (c *Client) backOff(ctx context.Context, f *failure, d time.Duration) error {
	if c.limitLeft > 0 && d > c.limitLeft {
		d = c.limitLeft
	}
	if err := c.waitLimited(ctx, f, d); err != nil {
		return err.asError()
	}
	return nil
}

// waitForBudget waits until the method's time budget is set back; when that is not
// known, or was not enough, for the next buckets.
func (c *Client) waitForBudget(ctx context.Context, f *failure, time int) error {
	now := c.o.Clock.Now()
	if reset := c.reset(f.method); reset.After(now) {
		if err := c.waitLimited(ctx, f, reset.Sub(now)); err != nil {
			return err.asError()
		}
		return nil
	}
	return c.backOff(ctx, f, doubled(firstBudgetWait, maxBudgetWait, time))
}

// waitLimited sleeps d for a limit of the portal, as long as the run may wait at all.
func (c *Client) waitLimited(ctx context.Context, f *failure, d time.Duration) *failure {
	until := c.o.Clock.Now().Add(d)
	if d > c.limitLeft || d <= 0 {
		over := *f
		over.kind, over.retryAt = kindFatal, until
		if d <= 0 {
			over.retryAt = c.o.Clock.Now().Add(maxBackoff)
		}
		return &over
	}
	c.limitLeft -= d
	if err := c.limited(until); err != nil {
		return stopped(err)
	}
	if err := c.o.Clock.Sleep(ctx, d); err != nil {
		return cancelled(ctx)
	}
	if err := c.limited(time.Time{}); err != nil {
		return stopped(err)
	}
	return nil
}

func (c *Client) limited(until time.Time) error {
	if c.o.OnLimited == nil {
		return nil
	}
	return c.o.OnLimited(until)
}

func stopped(err error) *failure {
	return &failure{
		kind: kindFatal, code: crm.CodeCancelled, message: textCancelled,
		cause: fmt.Errorf("tell the progress: %w", err),
	}
}

// remember keeps what an answer says about the portal's clock and its time budgets.
func (c *Client) remember(method string, a *answer, sent time.Time) {
	c.last = a.time
	c.lastSent = sent
	c.noteTiming(method, a)
}

func (c *Client) noteTiming(method string, a *answer) {
	c.noteReset(method, a.time.resetAt, a.time.finish)
}

// noteReset keeps when a method's budget is set back, by our clock: the portal's own may
// be wrong, so only the distance from the answer's time is used. Whether a batch's time is
// billed to batch or to the methods inside is reported both ways, so both are noted.
func (c *Client) noteReset(method string, resetAt, now float64) {
	if resetAt <= 0 || now <= 0 {
		return
	}
	seconds := resetAt - now
	if seconds <= 0 || seconds > maxKnownReset.Seconds() {
		return
	}
	// One second more, because the portal counts whole ones.
	c.resets[method] = c.o.Clock.Now().Add(time.Duration((seconds + 1) * float64(time.Second)))
}

func (c *Client) reset(method string) time.Time {
	if t, ok := c.resets[method]; ok {
		return t
	}
	if method == methodBatch {
		return c.resets[methodUsers]
	}
	return time.Time{}
}

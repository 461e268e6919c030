package rest

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Owner is in whose name the webhook acts, and what the call told about the portal.
type Owner struct {
	ID, Name string
	Admin    bool
	// Latency is how long the call took. Skew is how far the portal's clock is ahead of
	// ours; Clocked is false when the answer did not tell the time.
	Latency, Skew time.Duration
	Clocked       bool
	// Zone is the portal's offset from UTC as its times write it ("+03:00"); empty when
	// it did not tell.
	Zone string
}

// Owner asks who owns the webhook (profile.md): the cheapest call there is, and one that
// needs no scope.
func (c *Client) Owner(ctx context.Context) (Owner, error) {
	a, err := c.call(ctx, methodProfile, struct{}{})
	if err != nil {
		return Owner{}, err
	}
	if kindOf(a.result) != '{' {
		return Owner{}, nonsense("the profile is no object").asError()
	}
	var id, admin, name, lastName text
	fields := map[string]*text{"ID": &id, "ADMIN": &admin, "NAME": &name, "LAST_NAME": &lastName}
	members(a.result, func(field, value []byte) {
		if to := fields[string(field)]; to != nil {
			*to = parseText(value)
		}
	})
	o := Owner{
		ID: id.clean(), Admin: admin.truth(), Latency: a.took,
		Name: strings.TrimSpace(name.clean() + " " + lastName.clean()),
	}
	o.readClock(a, c.lastSent.Add(a.took/2))
	return o, nil
}

// readClock compares the portal's time with ours in the middle of the call.
func (o *Owner) readClock(a *answer, middle time.Time) {
	finished, err := time.Parse(time.RFC3339, a.time.dateFinish)
	if err == nil {
		o.Zone = finished.Format("-07:00")
	} else if finished, err = http.ParseTime(a.date); err != nil {
		return
	}
	o.Clocked, o.Skew = true, finished.Sub(middle)
}

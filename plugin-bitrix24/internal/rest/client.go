package rest

import (
	"errors"
	"math/rand/v2"
	"time"

	"booking/shared/crm"
)

// Methods of the portal that are used.
const (
	methodBatch       = "batch"
	methodUsers       = "user.get"
	methodDepartments = "department.get"
	methodProfile     = "profile"
	methodScope       = "scope"
)

// The waiting times of the contract.
const (
	DefaultRequestTimeout = 60 * time.Second
	DefaultSilence        = 120 * time.Second
	DefaultLimitWait      = 15 * time.Minute
)

// Options of a Client. Webhook, Transport and Portals are required.
type Options struct {
	Webhook   Webhook
	Transport *Transport
	Portals   *Portals
	Clock     Clock // zero: the system's
	// RequestTimeout is for one request with its whole answer; Silence for how long a
	// portal may say nothing in all; LimitWait for all waiting for limits. Zero means
	// the defaults.
	RequestTimeout, Silence, LimitWait time.Duration
	// OnRequest is told of each request after it ended; may be nil.
	OnRequest func(Request)
	// OnLimited is told until when a limit makes us wait, and then the zero time; may
	// be nil. Its error stops the reading.
	OnLimited func(until time.Time) error
	// Rate is what the portal's tariff allows; zero: Standard.
	Rate Rate
	// Jitter is a random number from 0 to 1 (exclusive); nil: math/rand.
	Jitter func() float64
}

// Request is what may be told of one HTTP request.
type Request struct {
	Method string
	// Pages is how many pages were asked for in it, From the ID they follow.
	Pages  int
	From   string
	Took   time.Duration
	Number int // counts from 1
	Status int // 0 when there was no answer
	Failed bool
	People int // read so far, in this reading
}

// Client calls one portal with one webhook, for one run: it counts that run's
// requests and waiting. It is not safe for concurrent use.
type Client struct {
	o         Options
	bucket    *bucket
	limitLeft time.Duration
	requests  int
	// resets says when a method's time budget is set back, by our own clock.
	resets   map[string]time.Time
	last     timing
	bodySize int // of the next answer, as a guess
	lastSent time.Time
}

// New makes a Client, or says why the webhook may not be called.
func New(o Options) (*Client, error) {
	if o.Webhook.secret == nil {
		return nil, crm.NewError(crm.CodeNotConfigured, textWebhookForm, nil)
	}
	if o.Transport == nil || o.Portals == nil {
		return nil, errors.New("a client needs a transport and a memory of portals")
	}
	if !o.Transport.Allows(o.Webhook) {
		return nil, crm.NewError(crm.CodePortalUnreachable, textHTTPRefused, nil)
	}
	if o.Clock.Now == nil {
		o.Clock = SystemClock()
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Rate == (Rate{}) {
		o.Rate = Standard
	}
	o.RequestTimeout = orDefault(o.RequestTimeout, DefaultRequestTimeout)
	o.Silence = orDefault(o.Silence, DefaultSilence)
	o.LimitWait = orDefault(o.LimitWait, DefaultLimitWait)
	return &Client{
		o: o, bucket: o.Portals.of(o.Webhook.hostPort(), o.Rate), limitLeft: o.LimitWait,
		resets: map[string]time.Time{},
	}, nil
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

// Requests is how many HTTP requests were sent so far.
func (c *Client) Requests() int { return c.requests }

// String is the webhook's address without its secret.
func (c *Client) String() string { return c.o.Webhook.String() }

// GoString keeps fmt out of the fields.
func (c *Client) GoString() string { return c.o.Webhook.String() }

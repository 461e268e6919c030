package portalsim

import (
	"context"
	"hash/maphash"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what the portal is like. The zero value is a portal without people as
// the documentation describes it, limits included.
type Options struct {
	People      []Person
	Departments []Department

	User   int64  // who owns the webhook; 0: 1
	Secret string // "": "simulator"
	// ApplicationToken proves that an event is the portal's; "": "simulatedapplicationtoken".
	ApplicationToken string
	Scopes           []string // nil: user and department
	OwnerIsNoAdmin   bool

	Dialect   Dialect
	Shapes    Shapes
	Bucket    Bucket
	Operating Operating

	Latency        time.Duration // of a request
	CommandLatency time.Duration // of a method's call, alone or in a batch, charged to its operating time
	RequestLimit   time.Duration // a longer request ends as a gateway's 504; 0: 60 s

	Now   func() time.Time // nil: time.Now in Moscow's zone
	Sleep func(context.Context, time.Duration) error

	// OnRequest is called before request n (from 1) is executed, OnCommand before its
	// k-th batch command; both may call Update and Inject.
	OnRequest func(n int, method string)
	OnCommand func(n, k int, method string)

	HugeBody int64         // bytes of the fault HugeBody; 0: 1 GiB
	Drip     time.Duration // between two bytes of the fault SlowBody; 0: 50 ms
}

func (o Options) withDefaults() Options {
	if o.User == 0 {
		o.User = 1
	}
	if o.Secret == "" {
		o.Secret = "simulator"
	}
	if o.ApplicationToken == "" {
		o.ApplicationToken = "simulatedapplicationtoken"
	}
	if o.Scopes == nil {
		o.Scopes = []string{"user", "department"}
	}
	if o.RequestLimit == 0 {
		o.RequestLimit = time.Minute
	}
	if o.Now == nil {
		moscow := time.FixedZone("MSK", 3*60*60)
		o.Now = func() time.Time { return time.Now().In(moscow) }
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.HugeBody == 0 {
		o.HugeBody = 1 << 30
	}
	if o.Drip == 0 {
		o.Drip = 50 * time.Millisecond
	}
	o.Bucket, o.Operating = o.Bucket.withDefaults(), o.Operating.withDefaults()
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Portal is a simulated portal. It is safe for concurrent use.
type Portal struct {
	options Options
	access  access
	seed    maphash.Seed
	methods map[string]method
	closed  chan struct{}
	close   sync.Once

	mu       sync.Mutex
	state    State
	injected []*Injected
	levels   map[string]*level
	foreign  float64 // what others have put into every bucket
	meters   map[string]meter
	stats    Stats
	lists    struct {
		version  int64
		byFilter map[string][]*entry
	}
	shuffles int64
	slow     time.Duration // of a page of people, while a reading is to be watched
	lastPage []*entry
}

// Stats counts what the portal was asked.
type Stats struct {
	Requests int            `json:"requests"` // HTTP requests, refused ones included
	Refused  int            `json:"refused"`  // of these, by the bucket
	Methods  map[string]int `json:"methods"`  // requests by method
	Commands map[string]int `json:"commands"` // commands within batches by method
}

// New makes a portal.
func New(options Options) *Portal {
	p := &Portal{options: options.withDefaults(), seed: maphash.MakeSeed(), methods: methodTable(), closed: make(chan struct{})}
	p.access = accessOf(p.options.Scopes)
	p.state.Replace(options.People)
	p.state.SetDepartments(options.Departments)
	p.levels, p.meters = map[string]*level{}, map[string]meter{}
	p.ResetCounters()
	return p
}

// Close lets requests that hang end, so that a server in front can be closed.
func (p *Portal) Close() { p.close.Do(func() { close(p.closed) }) }

// Update changes the portal between two commands.
func (p *Portal) Update(change func(*State)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.state)
}

// WebhookURL returns the incoming webhook's address for a server at base, for
// example http://127.0.0.1:8024.
func (p *Portal) WebhookURL(base string) string {
	return strings.TrimSuffix(base, "/") + "/rest/" + strconv.FormatInt(p.options.User, 10) + "/" + p.options.Secret + "/"
}

// Stats returns the counters.
func (p *Portal) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Methods, s.Commands = maps.Clone(s.Methods), maps.Clone(s.Commands)
	return s
}

// Requests returns how many HTTP requests there were.
func (p *Portal) Requests() int { return p.Stats().Requests }

// ResetCounters sets the counters to zero; faults keep their own.
func (p *Portal) ResetCounters() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats = Stats{Methods: map[string]int{}, Commands: map[string]int{}}
}

// FillBucket raises every address's request counter by n, as other programs on the
// same address do.
func (p *Portal) FillBucket(n float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.foreign += n
	for _, l := range p.levels {
		l.value += n
	}
}

// Charge adds to a method's operating time.
func (p *Portal) Charge(method string, spent time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meter(method).add(p.options.Now(), spent)
}

func (p *Portal) meter(method string) meter {
	m := p.meters[method]
	if m == nil {
		m = meter{}
		p.meters[method] = m
	}
	return m
}

func (p *Portal) admit(address string, now time.Time) bool {
	l := p.levels[address]
	if l == nil {
		l = &level{value: p.foreign, at: now}
		p.levels[address] = l
	}
	return p.options.Bucket.admit(l, now)
}

// exhausted returns the error for a method whose operating time is used up.
func (p *Portal) exhausted(method string, now time.Time) *apiError {
	if p.options.Operating.Off {
		return nil
	}
	if spent, _ := p.meter(method).sum(now); spent > p.options.Operating.Limit {
		return p.options.Dialect.systemError(codeOperationLimit)
	}
	return nil
}

func (p *Portal) allowed(scopes []string) bool {
	return scopes == nil || slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(p.options.Scopes, s) })
}

var _ http.Handler = (*Portal)(nil)

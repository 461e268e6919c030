package portalsim

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one HTTP request.
type call struct {
	n       int
	method  string // lower case, "" for what is no REST path
	known   bool   // the webhook is right
	params  *array
	effects effects
	started time.Time
	spent   time.Duration
}

// ServeHTTP implements [http.Handler].
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := p.receive(r)
	if p.options.OnRequest != nil {
		p.options.OnRequest(c.n, c.method)
	}
	params, err := readParams(r)
	if err != nil {
		p.send(w, r, c, http.StatusBadRequest, (&apiError{code: codeHTTPS, description: "Invalid JSON"}).body())
		return
	}
	c.params = params.upper(p.options.Dialect.FirstSpellingWins)
	p.mu.Lock()
	c.effects = p.dueFaults(c.method, c.n, c.started)
	p.mu.Unlock()
	extra, noBatch := p.pause(c)
	if !p.spend(r.Context(), c, p.options.Latency+extra) {
		p.page(w, http.StatusGatewayTimeout)
		return
	}
	if noBatch {
		e := p.options.Dialect.systemError(faultCodes[BatchNotAllowed])
		p.send(w, r, c, e.status, e.body())
		return
	}
	if p.preempt(w, r, c) {
		return
	}
	a := p.execute(r, c)
	switch {
	case a == nil:
		p.page(w, http.StatusGatewayTimeout)
	case a.err != nil:
		p.send(w, r, c, a.err.status, a.err.body())
	default:
		p.watched(c, a)
		p.send(w, r, c, http.StatusOK, a.envelope(p.timingOf(c.method, c.started, a.spent)))
	}
}

// receive counts a request and reads its path: /rest/<user>/<secret>/<method>[.json].
func (p *Portal) receive(r *http.Request) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Requests++
	c := &call{n: p.stats.Requests, started: p.options.Now()}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) == 4 && parts[0] == "rest" {
		c.known = parts[1] == strconv.FormatInt(p.options.User, 10) && parts[2] == p.options.Secret
		c.method = strings.TrimSuffix(strings.ToLower(parts[3]), ".json")
		p.stats.Methods[c.method]++
	}
	return c
}

// execute runs a request that no fault kept from being executed; nil: out of time.
func (p *Portal) execute(r *http.Request, c *call) *answer {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	p.mu.Lock()
	admitted := p.admit(address, c.started)
	if !admitted {
		p.stats.Refused++
	}
	p.mu.Unlock()
	switch {
	case !admitted:
		return failed(p.options.Dialect.systemError(codeQueryLimit))
	case !c.known && p.options.Dialect.NewerErrors:
		return failed(p.options.Dialect.systemError(codeCredentials))
	case !c.known:
		return failed(p.options.Dialect.systemError(codeNoAuth))
	case c.method == "batch":
		return p.runBatch(r.Context(), c)
	}
	if !p.spend(r.Context(), c, p.options.CommandLatency) {
		return nil
	}
	return p.run(c.method, c.method, c.params, c.effects.at(1, 1), c.started)
}

// run calls one method, in a batch or alone, and charges its time to the payer.
func (p *Portal) run(name, payer string, params *array, e effects, now time.Time) *answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, found := p.methods[name]
	switch {
	case !found:
		return failed(p.options.Dialect.systemError(codeNoMethod))
	case !p.allowed(m.scopes):
		return failed(p.options.Dialect.systemError(codeScope))
	}
	if err := p.exhausted(payer, now); err != nil {
		return failed(err)
	}
	if kind := e.first(CommandError, CommandQueryLimit, CommandOperationLimit); kind != "" {
		return failed(p.options.Dialect.systemError(faultCodes[kind]))
	}
	a := m.run(p, &query{params: params.upper(p.options.Dialect.FirstSpellingWins), effects: e, now: now})
	switch e.first(CommandMissing, CommandNull, CommandText) {
	case CommandMissing:
		a.missing = true
	case CommandNull:
		a.replace("null")
	case CommandText:
		a.replace(`"` + name + `"`)
	}
	a.spent = p.options.CommandLatency + p.options.Operating.Cost(name)
	p.meter(payer).add(now, a.spent)
	return a
}

// timingOf renders the time block of a method's call.
func (p *Portal) timingOf(method string, started time.Time, spent time.Duration) []byte {
	t := timing{start: started, finish: p.options.Now(), processing: spent}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.options.Operating.Hidden {
		t.operating, t.resetAt = p.meter(method).sum(t.finish)
	}
	return t.json()
}

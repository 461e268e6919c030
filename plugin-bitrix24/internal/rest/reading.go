package rest

import (
	"context"
	"fmt"

	"booking/shared/crm"
)

// reading is one walk through all people, from the lowest ID to the end.
type reading struct {
	c     *Client
	query Query
	walk  *walk

	page   []wireUser // its memory, for the next one
	pile   pile
	after  string // the highest ID so far; "" before the first
	seen   int    // everybody, also those who do not count as employees
	active int
	odd    map[string]bool // people whose ID cannot be sorted
	// counts are what the portal said; total is the latest, -1 for none.
	total, least, most int

	ended      bool // a page was not full
	counted    bool // total is from the end of the reading or later
	probed     bool // somebody seemed to be missing: it was asked again behind probedAt
	probedAt   string
	gap        bool // and there was somebody: pages of this portal may be short
	emails     bool // at least one person had the field
	department bool
}

func newReading(c *Client, q Query, w *walk) *reading {
	return &reading{c: c, query: q, walk: w, total: -1, odd: map[string]bool{}}
}

// step is what one request asks for.
type step struct {
	question
	plain, count bool
}

// next decides what to ask for. A batch holds as many pages as are thought to be left, one
// more to see the end, and the count when it may be the last one.
func (r *reading) next() step {
	single := r.walk.noBatch || r.walk.limit < 2
	// Without batches the count is a request of its own: at the end, and before, to see
	// whether people come or go meanwhile.
	if r.ended || single && r.total < 0 && r.seen == 0 {
		return step{question: question{method: methodUsers, params: r.query.countParams(), pages: 1, people: r.seen}, plain: true, count: true}
	}
	if single {
		return step{question: question{method: methodUsers, params: r.query.pageParams(r.after), pages: 1, from: r.after, people: r.seen}, plain: true}
	}
	pages, count := r.plan()
	return step{question: question{
		method: methodBatch, params: r.query.batchParams(r.after, pages, count),
		pages: pages, from: r.after, people: r.seen,
	}, count: count}
}

func (r *reading) plan() (pages int, count bool) {
	limit := r.walk.limit
	if r.total < 0 {
		known := r.c.o.Portals.size(r.sizeKey())
		if known == 0 {
			return limit - 1, true
		}
		return min(limit-1, known/PageSize+2), true
	}
	need := max(0, r.total-r.seen+PageSize-1)/PageSize + 1
	if need < limit {
		return need, true
	}
	return limit, false
}

func (r *reading) sizeKey() string {
	return fmt.Sprint(r.c.o.Webhook.hostPort(), r.c.o.Webhook.user, r.query.Departments)
}

// run asks until the reading is over. It returns nil when the portal's count was
// compared; whether it agrees is for agrees.
func (r *reading) run(ctx context.Context, progress func(Progress) error) error {
	var p patience
	for !r.ended || !r.counted || r.probe() {
		s := r.next()
		before := r.seen
		a, f := r.c.ask(ctx, s.question, r.c.timeout(&p))
		if f == nil {
			f = r.take(s, a)
		}
		if f == nil || r.seen > before {
			p = patience{}
		}
		if f != nil && !r.adapt(f, s, &p) {
			if err := r.c.again(ctx, &p, f); err != nil {
				return err
			}
		}
		if f == nil {
			r.grow(a.took)
		}
		if r.endless() {
			return crm.NewError(crm.CodePortalAnswer, textIncomplete, fmt.Errorf("%d people where %d were announced", r.seen, r.total))
		}
		if err := progress(Progress{People: r.seen, Total: max(r.total, 0), Requests: r.c.requests}); err != nil {
			return stopped(err).asError()
		}
	}
	return nil
}

// take reads an answer. What is sound in it is kept, even when the rest is not.
func (r *reading) take(s step, a *answer) *failure {
	if s.plain && s.count {
		return r.takeCount(a.total)
	}
	if s.plain {
		_, f := r.takePage(a.result, true)
		return f
	}
	b, err := parseBatch(a.result, r.c.o.Webhook)
	if err != nil {
		return nonsense(err.Error())
	}
	r.c.noteReset(methodUsers, b.resetAt, a.time.finish)
	for i := 0; i < s.pages && !r.ended; i++ {
		if e, failed := b.errors[pageKey(i)]; failed {
			return classify(e, a.status, methodUsers, true)
		}
		if broken, f := r.takePage(b.results[pageKey(i)], i == 0); f != nil || broken {
			return f
		}
	}
	if total, ok := b.totals[countKey]; ok && s.count {
		// Without a sound count here it is asked for by itself.
		_ = r.takeCount(total)
	}
	return nil
}

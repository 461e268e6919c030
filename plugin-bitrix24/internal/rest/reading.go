package rest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"booking/shared/crm"
)

// reading is one walk through all people, from the lowest ID to the end.
type reading struct {
	c     *Client
	query Query
	walk  *walk

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

// walk is what readings learn about how to ask this portal.
type walk struct {
	limit   int  // commands in a batch
	noBatch bool // batch is not to be had
	breaks  int  // how often a chain of pages broke
}

// broke notes that a chain broke. References of this portal may not work at all: after the
// second time pages are asked for one by one.
func (w *walk) broke() {
	if w.breaks++; w.breaks >= maxBreaks {
		w.limit = 1
	}
}

func newReading(c *Client, q Query, w *walk) *reading {
	return &reading{c: c, query: q, walk: w, total: -1, odd: map[string]bool{}}
}

const maxBreaks = 2

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
// compared; whether it agrees is for judge.
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
		if err := progress(Progress{People: r.seen, Total: max(r.total, 0), Requests: r.c.requests}); err != nil {
			return stopped(err).asError()
		}
	}
	return nil
}

// adapt asks for less where that may help, and reports whether to try at once.
func (r *reading) adapt(f *failure, s step, p *patience) bool {
	if s.plain {
		return false
	}
	switch f.kind {
	case kindNoBatch:
		r.walk.noBatch = true
		return true
	case kindTooLarge:
		r.walk.limit = min(r.walk.limit, s.pages+1) / 2
		return true
	case kindTimeout:
		// There is one more try within the limit for silence: it must succeed.
		r.walk.limit /= 16
	case kindSoft:
		if p.soft > 0 {
			r.walk.limit /= 4
		}
	}
	return false
}

// grow finds the batch size that this portal answers well within the time limit.
func (r *reading) grow(took time.Duration) {
	w := r.walk
	switch limit := r.c.o.RequestTimeout; {
	case took > limit/2:
		w.limit = max(1, w.limit/2)
	case took < limit/6 && w.breaks < maxBreaks:
		w.limit = min(batchLimit, max(1, w.limit)*2)
	}
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

// takePage adds a page. One that does not follow what was read is not taken: behind a
// page reached by reference (first is false) the chain is broken and is taken up anew, a
// page that was asked for by its ID is nonsense.
func (r *reading) takePage(raw []byte, first bool) (broken bool, f *failure) {
	if raw == nil {
		return false, nonsense("a page is missing in the batch's result")
	}
	page, err := parsePage(raw)
	if err != nil {
		return false, nonsense(err.Error())
	}
	after, fresh, ok := r.follows(page)
	if !ok && first {
		return false, nonsense("a page does not follow the one before: the portal ignores the filter or the order")
	}
	if !ok {
		r.walk.broke()
		return true, nil
	}
	if r.probed && len(fresh) > 0 {
		r.gap = true
	}
	for _, u := range fresh {
		r.add(u)
	}
	r.after = after
	r.ended = len(page) < PageSize
	return false, nil
}

// follows checks that a page continues the list: every ID above those before, nobody twice,
// and in a full page, behind which the next one begins, in ascending order. It returns
// those who are new, in that order, and the highest ID.
func (r *reading) follows(page []wireUser) (after string, fresh []*wireUser, ok bool) {
	after = r.after
	full, sorted := len(page) >= PageSize, true
	known := make(map[string]bool, len(page))
	for i := range page {
		u := &page[i]
		if u.order == "" {
			if key := u.oddKey(); !r.odd[key] && !known[key] {
				known[key] = true
				fresh = append(fresh, u)
			}
			continue
		}
		if !less(r.after, u.order) || known[u.order] || full && !less(after, u.order) {
			return "", nil, false
		}
		known[u.order] = true
		sorted = sorted && less(after, u.order)
		fresh = append(fresh, u)
		if less(after, u.order) {
			after = u.order
		}
	}
	if !sorted {
		slices.SortFunc(fresh, func(a, b *wireUser) int { return compare(a.order, b.order) })
	}
	return after, fresh, !full || after != r.after
}

func (u *wireUser) oddKey() string {
	return "odd " + u.id.value + " " + u.email.value + " " + u.name.value + " " + u.lastName.value
}

func (r *reading) add(u *wireUser) {
	r.seen++
	if u.order == "" {
		r.odd[u.oddKey()] = true
	}
	if u.active.truth() {
		r.active++
	}
	r.emails = r.emails || u.email.present
	r.department = r.department || u.departmentsShown
	if u.employee() && u.inside(r.query.departments) {
		r.pile.add(u.person(r.query))
	}
}

func (r *reading) takeCount(total int) *failure {
	if total < 0 {
		return &failure{kind: kindSoft, code: crm.CodePortalAnswer, message: textNoCount}
	}
	if r.total < 0 {
		r.least, r.most = total, total
	}
	r.total, r.least, r.most = total, min(r.least, total), max(r.most, total)
	r.counted = r.ended
	return nil
}

// probe asks once more behind the last ID when the portal counts more people than it
// showed: a page may have been short although it was not the last.
func (r *reading) probe() bool {
	if r.seen >= r.total || r.probed && r.probedAt == r.after {
		return false
	}
	r.probed, r.probedAt = true, r.after
	r.ended, r.counted = false, false
	return true
}

// agrees is the judgement: the number read is the portal's own, or lies between two that it
// named during the reading, so people were seen to come or go. After a gap only the
// number itself will do.
func (r *reading) agrees() bool {
	if r.seen == r.total {
		return true
	}
	return !r.gap && r.least < r.most && r.least <= r.seen && r.seen <= r.most
}

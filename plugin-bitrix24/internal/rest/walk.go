package rest

import "time"

const maxBreaks = 2

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

package rest

import "booking/shared/crm"

// takeCount notes the portal's own count.
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

// mostPeople is more than any portal has.
const mostPeople = 5_000_000

// endless reports whether the list goes on far beyond what the portal announced: it would
// fill the memory otherwise.
func (r *reading) endless() bool {
	if r.total < 0 {
		return r.seen > mostPeople
	}
	return r.seen > 2*r.most+20*PageSize
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

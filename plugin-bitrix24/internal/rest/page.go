package rest

import "slices"

// takePage adds a page. One that does not follow what was read is not taken: behind a
// page reached by reference (first is false) the chain is broken and is taken up anew, a
// page that was asked for by its ID is nonsense.
func (r *reading) takePage(raw []byte, first bool) (broken bool, f *failure) {
	if raw == nil {
		return false, nonsense("a page is missing in the batch's result")
	}
	page, err := parsePage(raw, r.page)
	r.page = page
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
	fresh = make([]*wireUser, 0, len(page))
	known := make(map[string]bool)
	for i := range page {
		u := &page[i]
		if u.order == "" {
			if key := u.oddKey(); !r.odd[key] && !known[key] {
				known[key] = true
				fresh = append(fresh, u)
			}
			continue
		}
		if !less(r.after, u.order) || full && !less(after, u.order) || !full && known[u.order] {
			return "", nil, false
		}
		if !full { // in a full page nobody can be there twice and in ascending order
			known[u.order] = true
		}
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

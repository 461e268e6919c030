package usersync

import (
	"fmt"

	"booking/shared/crm"
)

// claim is the wish of one candidate to have a new address written, and what
// becomes of it. Claims stand in the order of their candidates.
type claim struct {
	candidate int32
	contest   int32
	// awaits is the claim whose row must leave the address first, follower the one
	// that waits for this row to leave its own; each is at most one, because a row
	// holds one address and an address has one winner. So claims form paths and rings.
	awaits, follower int32
	reason           crm.Reason // why not; empty when granted
	other            party
	group            int
}

// party is the other side of a conflict, as far as it may be named.
type party struct {
	externalID string
	userID     int64
}

// contest is one class of addresses, those the database calls equal, that
// somebody wants written.
type contest struct {
	holder Holder
	row    int32 // the holder's row, or none when it is not ours or not known
	owner  int32 // the candidate whose row that is, or none
	first  int32 // the claim with the lowest id
	won    int32 // the claim that gets the address; none when the owner has it already
}

// settlement is who gets which address: rule 6 per class, then rule 7 until
// nothing changes. Every claim is visited a fixed number of times.
type settlement struct {
	*Draft
	claims   []claim
	contests []contest
	// claimOf is the claim of a candidate, or none.
	claimOf []int32
}

// settle decides about every wish for a new address.
func (d *Draft) settle(addresses map[string]Address) (*settlement, error) {
	s := &settlement{Draft: d}
	if d.wishes == 0 {
		return s, nil
	}
	if err := s.contend(addresses); err != nil {
		return nil, err
	}
	s.findHolders()
	for i := range s.contests {
		s.contests[i].won = s.winner(int32(i))
	}
	for i := range s.claims {
		s.award(int32(i))
	}
	s.propagate()
	s.group()
	return s, nil
}

// contend sorts the wishes into contests.
func (s *settlement) contend(addresses map[string]Address) error {
	byClass := make(map[int]int32, len(s.wanted))
	s.claims = make([]claim, 0, s.wishes)
	s.contests = make([]contest, 0, len(s.wanted))
	s.claimOf = make([]int32, len(s.candidates))
	for i := range s.candidates {
		c := &s.candidates[i]
		s.claimOf[i] = none
		if c.wish != wantsNew {
			continue
		}
		address, ok := addresses[c.address]
		if !ok {
			return fmt.Errorf("the address of person %s was not looked up", s.people[c.person].ExternalID)
		}
		index := int32(len(s.claims))
		k, ok := byClass[address.Class]
		if !ok {
			k = int32(len(s.contests))
			byClass[address.Class] = k
			s.contests = append(s.contests, contest{row: none, owner: none, first: index, won: none})
		}
		// Answers about one class can differ only when a row came in between them:
		// then the address is taken.
		if !s.contests[k].holder.Taken {
			s.contests[k].holder = address.Holder
		}
		s.claims = append(s.claims, claim{candidate: int32(i), contest: k, awaits: none, follower: none})
		s.claimOf[i] = index
	}
	return nil
}

// findHolders looks up the rows of this tenant that hold a contested address and
// their people.
func (s *settlement) findHolders() {
	held := make(map[int64]int32)
	for i := range s.contests {
		if id := s.contests[i].holder.RowID; id != 0 {
			held[id] = int32(i)
		}
	}
	if len(held) == 0 {
		return
	}
	for r := range s.rows {
		if k, ok := held[s.rows[r].ID]; ok {
			s.contests[k].row = int32(r)
		}
	}
	for i := range s.candidates {
		if row := s.candidates[i].row; row != none {
			if k, ok := held[s.rows[row].ID]; ok {
				s.contests[k].owner = int32(i)
			}
		}
	}
}

// winner applies the order of rule 6: the person whose row holds the address and
// who wants it, whether linked or matched by it; otherwise the lowest id. None is
// returned when the first of these has the very address already.
func (s *settlement) winner(index int32) int32 {
	k := &s.contests[index]
	if k.owner == none {
		return k.first
	}
	switch s.candidates[k.owner].wish {
	case wantsOwn:
		return none
	case wantsNew:
		if own := s.claimOf[k.owner]; s.claims[own].contest == index {
			return own
		}
	}
	return k.first
}

// award gives a claim its first verdict: lost to another person (rule 6), lost to
// a row that surely keeps the address, or dependent on a row that wants to leave.
func (s *settlement) award(i int32) {
	c := &s.claims[i]
	k := &s.contests[c.contest]
	switch {
	case k.won == none:
		c.reason, c.other = crm.ReasonDuplicateEmail, s.party(k.owner)
	case k.won != i:
		c.reason, c.other = crm.ReasonDuplicateEmail, s.party(s.claims[k.won].candidate)
	case !k.holder.Taken, k.owner == c.candidate:
		// Free, or its own already under another spelling (josé, jose).
	case k.owner != none && s.candidates[k.owner].wish == wantsNew:
		c.awaits = s.claimOf[k.owner]
		s.claims[c.awaits].follower = i
	default:
		c.reason, c.other = crm.ReasonEmailTaken, s.keeper(k)
	}
}

// party names a candidate.
func (s *settlement) party(i int32) party {
	c := &s.candidates[i]
	p := party{externalID: s.people[c.person].ExternalID}
	if c.row != none {
		p.userID = s.rows[c.row].ID
	}
	return p
}

// keeper names the row that keeps an address: nothing at all when it is not of
// this tenant (rule 1).
func (s *settlement) keeper(k *contest) party {
	switch {
	case k.owner != none:
		return s.party(k.owner)
	case k.row != none:
		return party{externalID: s.rows[k.row].Link, userID: k.holder.RowID}
	}
	return party{userID: k.holder.RowID}
}

// propagate carries every refusal up its chain: a row that does not get its new
// address keeps the old one, so whoever waits for that is refused too (rule 7).
// It returns how many refusals it carried, at most one for each claim.
func (s *settlement) propagate() (carried int) {
	for i := range s.claims {
		refused := &s.claims[i]
		for refused.reason != "" && refused.follower != none {
			next := &s.claims[refused.follower]
			if next.reason != "" {
				break // carried on from there already
			}
			next.reason, next.other = crm.ReasonEmailTaken, s.party(refused.candidate)
			refused = next
			carried++
		}
	}
	return carried
}

// group numbers the chains and rings of granted claims, in the order of their
// lowest ids. A claim that neither waits nor is waited for stands alone. It
// returns how many claims it put into groups, each of them once.
func (s *settlement) group() (grouped int) {
	groups := 0
	for i := range s.claims {
		c := &s.claims[i]
		if c.reason != "" || c.group != 0 || (c.awaits == none && c.follower == none) {
			continue
		}
		groups++
		c.group = groups
		grouped++
		for j := c.awaits; j != none && s.claims[j].group == 0; j = s.claims[j].awaits {
			s.claims[j].group = groups
			grouped++
		}
		for j := c.follower; j != none && s.claims[j].group == 0; j = s.claims[j].follower {
			s.claims[j].group = groups
			grouped++
		}
	}
	return grouped
}

package usersync

import "fmt"

// Draft is a plan that still lacks one thing: what the database says about the
// addresses that would be written. It does no IO and knows no clock, so the same
// input always makes the same plan.
type Draft struct {
	people     []Person
	rows       []Row
	options    Options
	candidates []candidate
	duplicates []duplicate
	wanted     []string
	wishes     int // candidates who want a new address
}

// NewDraft judges and matches the people of a complete reading and all rows of
// the tenant (rules 3, 4, 5, 9 and 10), each in any order. It keeps both slices
// and so does the plan: they must not change while it is in use. The error is a
// *crm.Error with CodePortalAnswer when an external id occurs twice.
func NewDraft(people []Person, rows []Row, storable Storable, options Options) (*Draft, error) {
	d := &Draft{people: people, rows: rows, options: options}
	if err := d.rank(storable); err != nil {
		return nil, err
	}
	d.matchByLink()
	d.matchByAddress()
	asked := make(map[string]struct{})
	for i := range d.candidates {
		c := &d.candidates[i]
		d.judge(c, storable)
		if c.wish != wantsNew {
			continue
		}
		d.wishes++
		if _, ok := asked[c.address]; !ok {
			asked[c.address] = struct{}{}
			d.wanted = append(d.wanted, c.address)
		}
	}
	return d, nil
}

// Wanted returns the normalised addresses, each once, that somebody would write:
// Decide must be told about every one of them. When everybody is right already
// there is none.
func (d *Draft) Wanted() []string { return d.wanted }

// judge finds out what a matched candidate wants, and whether the name that a
// newcomer without one gets can be stored.
func (d *Draft) judge(c *candidate, storable Storable) {
	if c.invalid != "" || c.address == "" {
		return
	}
	if c.row == none {
		if p := &d.people[c.person]; p.Name == "" && !storable.Name.holds(standInName(p.ExternalID)) {
			c.invalid = fieldName
			return
		}
		c.wish = wantsNew
		return
	}
	switch row := &d.rows[c.row]; {
	case row.Administrator():
	case sameAddress(c.address, row.Email):
		c.wish = wantsOwn
	default:
		c.wish = wantsNew
	}
}

// standInName is the name of a newcomer who has none in the portal (rule 5).
func standInName(externalID string) string { return "Сотрудник " + externalID }

// Decide makes the plan. The addresses are keyed as Wanted spells them; one that
// is missing is an error. It may be called again with other answers.
func (d *Draft) Decide(addresses map[string]Address) (Plan, error) {
	s, err := d.settle(addresses)
	if err != nil {
		return Plan{}, fmt.Errorf("decide about addresses: %w", err)
	}
	plan := Plan{Decisions: make([]Decision, 0, len(d.candidates)+len(d.duplicates))}
	duplicates := d.duplicates
	for i := range d.candidates {
		c := &d.candidates[i]
		var claimed *claim
		if c.wish == wantsNew {
			claimed = &s.claims[s.claimOf[i]]
		}
		decision := d.decide(c, claimed)
		plan.Decisions = append(plan.Decisions, decision)
		count(&plan.Counts, decision)
		for len(duplicates) > 0 && duplicates[0].candidate == int32(i) {
			plan.Decisions = append(plan.Decisions, d.report(c, duplicates[0]))
			duplicates = duplicates[1:]
		}
	}
	plan.Hash = fingerprint(plan)
	return plan, nil
}

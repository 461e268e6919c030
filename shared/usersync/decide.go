package usersync

import "booking/shared/crm"

// decide makes the decision about one person; claimed is what became of the
// address, nil for a person who would write none.
func (d *Draft) decide(c *candidate, claimed *claim) Decision {
	decision := Decision{Person: d.people[c.person]}
	if c.row != none {
		decision.Row = &d.rows[c.row]
	}
	switch {
	case c.invalid != "":
		decision.Action, decision.Reason, decision.Field = crm.ActionSkipped, crm.ReasonInvalid, c.invalid
	case claimed != nil && claimed.reason != "":
		decision.Action, decision.Reason = crm.ActionConflict, claimed.reason
		decision.OtherExternalID, decision.OtherUserID = claimed.other.externalID, claimed.other.userID
		if c.linked {
			decision.Set = d.differences(c)
		}
	case c.row == none && c.address == "":
		decision.Action, decision.Reason = crm.ActionSkipped, crm.ReasonNoEmail
	case c.row == none:
		decision.Action, decision.SetLink = crm.ActionCreated, true
		decision.Set, decision.Group = d.newcomer(c), claimed.group
	default:
		d.update(c, claimed, &decision)
	}
	return decision
}

// update fills the decision about a person whose row is found and whose address,
// if one is to be written, is to be had (rules 4 and 9).
func (d *Draft) update(c *candidate, claimed *claim, decision *Decision) {
	decision.Set = d.differences(c)
	// Stray spaces aside it must be the same address, letter case never matters:
	// then there is nothing that an administrator would have to settle.
	if decision.Row.Administrator() && c.address != "" && c.address != Normalize(decision.Row.Email) {
		decision.Action, decision.Reason = crm.ActionConflict, crm.ReasonAdminEmail
		return
	}
	if claimed != nil {
		decision.Set.Email, decision.Group = &c.address, claimed.group
	}
	if !c.linked {
		decision.Action, decision.Reason, decision.SetLink = crm.ActionUpdated, crm.ReasonLinked, true
	} else if decision.Set != (Values{}) {
		decision.Action = crm.ActionUpdated
	}
}

// differences are the values besides the address that the portal has and the row
// has otherwise.
func (d *Draft) differences(c *candidate) Values {
	var v Values
	p, row := &d.people[c.person], &d.rows[c.row]
	if p.Name != "" && p.Name != row.Name {
		v.Name = &p.Name
	}
	if d.options.Phone && p.Phone != "" && p.Phone != row.Phone {
		v.Phone = &p.Phone
	}
	if d.options.Position && p.Position != "" && p.Position != row.Position {
		v.Position = &p.Position
	}
	return v
}

// newcomer is the row of a person who has none.
func (d *Draft) newcomer(c *candidate) Values {
	p := &d.people[c.person]
	v := Values{Name: &p.Name, Email: &c.address}
	if p.Name == "" {
		name := standInName(p.ExternalID)
		v.Name = &name
	}
	if d.options.Phone && p.Phone != "" {
		v.Phone = &p.Phone
	}
	if d.options.Position && p.Position != "" {
		v.Position = &p.Position
	}
	return v
}

// report tells of a further row under a candidate's link; the other user is the
// row that counts.
func (d *Draft) report(c *candidate, further duplicate) Decision {
	return Decision{
		Person: d.people[c.person], Row: &d.rows[further.row],
		Action: crm.ActionReported, Reason: crm.ReasonDuplicateLink, OtherUserID: d.rows[c.row].ID,
	}
}

// count adds one person. Reported rows are not people and never come here.
func count(counts *crm.Counts, decision Decision) {
	counts.Fetched++
	switch decision.Action {
	case crm.ActionCreated:
		counts.Created++
	case crm.ActionUpdated:
		counts.Updated++
	case crm.ActionSkipped:
		counts.Skipped++
	case crm.ActionConflict:
		counts.Conflicts++
	default:
		counts.Unchanged++
	}
}

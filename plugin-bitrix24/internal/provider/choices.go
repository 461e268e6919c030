package provider

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
	"booking/shared/secret"
)

var _ crm.ChoicesSource = (*Provider)(nil)

// choicesPatience is how long a list of choices waits for a portal's limits in all:
// somebody sits in front of it.
const choicesPatience = 30 * time.Second

// Choices implements [crm.ChoicesSource]: the departments, with the people in them.
func (p *Provider) Choices(ctx context.Context, r crm.ChoicesRequest) (crm.Choices, error) {
	setup, done, err := p.use()
	if err != nil {
		return crm.Choices{}, err
	}
	defer done()
	if r.Field != keyDepartments {
		return crm.Choices{}, crm.NewError(crm.CodeInternal, textNotListable, nil)
	}
	values := maps.Clone(r.Settings)
	delete(values, keyDepartments) // a mistake there is what the list is to mend
	s, problems := readSettings(values)
	if err := usable(problems); err != nil {
		return crm.Choices{}, err
	}
	key := structureKey{r.Tenant.ID, r.Settings[keyWebhook]}
	if kept, ok := p.structures.get(key, p.now()); ok {
		return kept, nil
	}
	client, err := p.client(setup, s, requestLog{locale: setup.Locale, tenant: r.Tenant.ID}, nil, min(setup.LimitWait, choicesPatience))
	if err != nil {
		return crm.Choices{}, err
	}
	structure, err := client.Structure(ctx)
	if err != nil {
		return crm.Choices{}, err
	}
	choices := newChoices(structure)
	p.structures.put(key, choices, p.now())
	return choices, nil
}

// mostOverlaps is what the contract lets through.
const mostOverlaps = 20_000

// newChoices puts a structure into the contract's form.
func newChoices(s rest.Structure) crm.Choices {
	counted := s.Counted && len(s.Several) <= mostOverlaps
	c := crm.Choices{Counted: counted}
	for _, d := range s.Departments {
		node := crm.ChoiceNode{Value: d.ID, Label: d.Name, Parent: d.Parent}
		if node.Label == "" {
			node.Label = d.ID
		}
		if counted {
			node.People = s.In[d.ID]
		}
		c.Nodes = append(c.Nodes, node)
	}
	if !counted {
		return c
	}
	c.People = s.People
	for _, several := range slices.Sorted(maps.Keys(s.Several)) {
		c.Overlaps = append(c.Overlaps, crm.ChoiceOverlap{Values: strings.Split(several, ","), People: s.Several[several]})
	}
	return c
}

// structureKey: another webhook may see other departments.
type structureKey struct {
	tenant  int64
	webhook secret.Text
}

package crm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

func choicesRequest() ChoicesRequest {
	return ChoicesRequest{Tenant: Tenant{ID: 7, Name: "ООО"}, Settings: Settings{"webhook": secret.New("hook")}, Field: "departments"}
}

// company is 1 > (2 > 4, 3), with one person in 2 and 3, one in 3 and 4, two in no node.
func company() Choices {
	return Choices{
		Nodes: []ChoiceNode{
			{Value: "1", Label: "Ромашка", People: 1}, {Value: "2", Label: "Продажи", Parent: "1", People: 10},
			{Value: "4", Label: "Юг", Parent: "2", People: 3}, {Value: "3", Label: "Бухгалтерия", Parent: "1", People: 5},
		},
		Counted: true, People: 19,
		Overlaps: []ChoiceOverlap{{Values: []string{"2", "3"}, People: 1}, {Values: []string{"3", "4"}, People: 1}},
	}
}

// able is a plugin with every capability that is an interface of its own.
type able struct {
	fakePlugin
	choices func(context.Context, ChoicesRequest) (Choices, error)
	imports func(context.Context, ImportRequest, func(ImportedSettings) error) error
	event   func(context.Context, EventMessage) (PortalEvent, error)
}

func (a *able) Choices(ctx context.Context, r ChoicesRequest) (Choices, error) {
	return a.choices(ctx, r)
}

func (a *able) ImportSettings(ctx context.Context, r ImportRequest, out func(ImportedSettings) error) error {
	return a.imports(ctx, r, out)
}

func (a *able) ReadEvent(ctx context.Context, m EventMessage) (PortalEvent, error) {
	return a.event(ctx, m)
}

func TestChoicesArrive(t *testing.T) {
	t.Parallel()
	var asked ChoicesRequest
	client := dial(t, &able{choices: func(_ context.Context, r ChoicesRequest) (Choices, error) {
		asked = r
		return company(), nil
	}})
	got, err := client.Choices(t.Context(), choicesRequest())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(company(), got); diff != "" {
		t.Errorf("choices (-sent +arrived):\n%s", diff)
	}
	if diff := cmp.Diff(choicesRequest(), asked, secrets); diff != "" {
		t.Errorf("request (-sent +arrived):\n%s", diff)
	}
}

func TestChoicesThatContradictThemselves(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(c *Choices){
		"no value":               func(c *Choices) { c.Nodes[0].Value = "" },
		"a comma":                func(c *Choices) { c.Nodes[2].Value = "4,5" },
		"a space":                func(c *Choices) { c.Nodes[2].Value = "4 " },
		"no label":               func(c *Choices) { c.Nodes[2].Label = "" },
		"a value twice":          func(c *Choices) { c.Nodes[2].Value = "2" },
		"a parent who is nobody": func(c *Choices) { c.Nodes[1].Parent = "9" },
		"a ring":                 func(c *Choices) { c.Nodes[1].Parent = "4" },
		"its own parent":         func(c *Choices) { c.Nodes[0].Parent = "1" },
		"fewer than nobody":      func(c *Choices) { c.Nodes[0].People = -1 },
		"more than all":          func(c *Choices) { c.People = 9 },
		"more than all together": func(c *Choices) { c.People = 16 },
		"not counted":            func(c *Choices) { c.Counted = false },
		"overlaps of nothing":    func(c *Choices) { c.Overlaps[0].Values = []string{"2"} },
		"overlaps of a stranger": func(c *Choices) { c.Overlaps[0].Values = []string{"2", "9"} },
		"overlaps of nobody":     func(c *Choices) { c.Overlaps[0].People = 0 },
		"overlaps beyond a node": func(c *Choices) { c.Overlaps[1].People = 4 },
		"an overlap twice":       func(c *Choices) { c.Overlaps[1].Values = []string{"3", "2"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dialForeign(t, &foreignPlugin{choices: func() (*crmpb.ChoicesResponse, error) {
				c := company()
				spoil(&c)
				return choicesToProto(c), nil
			}})
			if got, err := client.Choices(t.Context(), choicesRequest()); CodeOf(err) != CodePluginAnswer {
				t.Errorf("%+v, error %v", got, err)
			}
		})
	}
}

func TestPeopleInAScopeCountOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []string
		want   int
	}{{nil, 0}, {[]string{"1"}, 17}, {[]string{"2"}, 13}, {[]string{"3"}, 5}, {[]string{"4", "3"}, 7}, {[]string{"2", "4"}, 13}, {[]string{"9", "3"}, 5}} {
		if got := company().PeopleIn(company().Scope(c.values...)); got != c.want {
			t.Errorf("%v: %d people, want %d", c.values, got, c.want)
		}
	}
	if all, some := company().InScope(nil), company().InScope([]string{"3"}); all != 19 || some != 5 {
		t.Errorf("in scope: %d, %d", all, some)
	}
	var walked string
	company().Walk(func(n ChoiceNode, depth int) { walked += fmt.Sprint(n.Value, ":", depth, " ") })
	if walked != "1:0 2:1 4:2 3:1 " {
		t.Errorf("walked %s", walked)
	}
	if diff := cmp.Diff([]string{"9"}, company().Missing(Chosen(" 2, 9,2,,")...)); diff != "" {
		t.Error(diff)
	}
}

// The numbers of a scope against a count by hand, for companies made by chance.
func TestPeopleInAScopeAgainstACountByHand(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		nodes, people := 1+random.IntN(8), random.IntN(40)
		c := Choices{Counted: true, People: people}
		for i := range nodes {
			parent := ""
			if i > 0 && random.IntN(4) > 0 {
				parent = fmt.Sprint(random.IntN(i))
			}
			c.Nodes = append(c.Nodes, ChoiceNode{Value: fmt.Sprint(i), Label: "x", Parent: parent})
		}
		overlaps, places := map[string]*ChoiceOverlap{}, make([]map[string]bool, people)
		for p := range places {
			places[p] = map[string]bool{}
			for range random.IntN(4) {
				places[p][fmt.Sprint(random.IntN(nodes))] = true
			}
			var set []string
			for i := range c.Nodes {
				if places[p][c.Nodes[i].Value] {
					c.Nodes[i].People++
					set = append(set, c.Nodes[i].Value)
				}
			}
			if key := fmt.Sprint(set); len(set) > 1 && overlaps[key] == nil {
				overlaps[key] = &ChoiceOverlap{Values: set, People: 1}
			} else if len(set) > 1 {
				overlaps[key].People++
			}
		}
		for _, o := range overlaps {
			c.Overlaps = append(c.Overlaps, *o)
		}
		if err := checkChoices(c); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		scope, want := c.Scope(fmt.Sprint(random.IntN(nodes)), fmt.Sprint(random.IntN(nodes))), 0
		for _, of := range places {
			for node := range of {
				if scope[node] {
					want++
					break
				}
			}
		}
		if got := c.PeopleIn(scope); got != want {
			t.Errorf("seed %d: %d people in %v, want %d", seed, got, scope, want)
		}
		for node, below := range c.Below() {
			if want := c.PeopleIn(c.Scope(node)); below != want {
				t.Errorf("seed %d: %d people in %s and below, want %d", seed, below, node, want)
			}
		}
	}
}

func TestListableFields(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field Field
		can   []Capability
		ok    bool
	}{
		"ids":         {Field{Type: FieldIDs}, []Capability{CapabilityChoices}, true},
		"text":        {Field{Type: FieldText}, []Capability{CapabilityChoices}, true},
		"bool":        {Field{Type: FieldBool}, []Capability{CapabilityChoices}, false},
		"secret":      {Field{Type: FieldText, Secret: true}, []Capability{CapabilityChoices}, false},
		"not able to": {Field{Type: FieldIDs}, nil, false},
	} {
		c.field.Key, c.field.Label, c.field.Listable = "key", Text{RU: "Поле"}, true
		d := sound()
		d.Fields, d.Capabilities = []Field{c.field}, append([]Capability{CapabilitySyncUsers}, c.can...)
		if err := d.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"booking/host/internal/connect"
	"booking/shared/crm"
)

func (a *app) crmChoicesCommand() *cobra.Command {
	var tenant int64
	var field string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "choices", Short: a.say("что можно выбрать для настройки: значения из портала", "what can be chosen for a setting: the portal's values"), Args: words(cobra.NoArgs),
		Long: a.say(
			"Спрашивает портал, какие значения есть у настройки (например, отделы и сколько в них сотрудников), и отмечает выбранные.\n"+
				"Выбрать: booking-host crm connect --tenant НОМЕР --set КЛЮЧ=ЗНАЧЕНИЕ,ЗНАЧЕНИЕ. Вместе со значением выбрано и всё под ним; пусто — без ограничения.",
			"Asks the portal which values a setting has (departments, say, and how many people are in them) and marks the chosen ones.\n"+
				"To choose: booking-host crm connect --tenant ID --set KEY=VALUE,VALUE. A value takes in everything below it; none means no restriction."),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			return a.tellChoices(cmd.Context(), tenant, field, asJSON)
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	cmd.Flags().StringVar(&field, "field", "", a.say("ключ настройки, например departments", "the setting's key, departments for example"))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	_ = cmd.MarkFlagRequired("tenant")
	_ = cmd.MarkFlagRequired("field")
	return cmd
}

type choicesJSON struct {
	Tenant int64  `json:"tenant"`
	Field  string `json:"field"`
	// People and InScope are null where the portal does not say how many there are.
	People  *int         `json:"people"`
	InScope *int         `json:"in_scope"`
	Choices []choiceJSON `json:"choices"`
	// Missing are chosen values that the portal does not have (any more).
	Missing []string `json:"missing"`
}

type choiceJSON struct {
	Value  string `json:"value"`
	Label  string `json:"label"`
	Parent string `json:"parent,omitempty"`
	// People are in it themselves, WithBelow there and below.
	People    *int `json:"people"`
	WithBelow *int `json:"with_below"`
	Chosen    bool `json:"chosen"`
	// InScope: it is chosen, or something above it.
	InScope bool `json:"in_scope"`
}

func newChoicesJSON(tenant int64, c connect.Choices) choicesJSON {
	out := choicesJSON{Tenant: tenant, Field: c.Field.Key, Choices: []choiceJSON{}, Missing: append([]string{}, c.Missing(c.Chosen...)...)}
	scope, below := c.Scope(c.Chosen...), c.Below()
	count := func(n int) *int {
		if !c.Counted {
			return nil
		}
		return &n
	}
	out.People, out.InScope = count(c.People), count(c.InScope(c.Chosen))
	c.Walk(func(n crm.ChoiceNode, _ int) {
		out.Choices = append(out.Choices, choiceJSON{
			Value: n.Value, Label: n.Label, Parent: n.Parent, People: count(n.People), WithBelow: count(below[n.Value]),
			Chosen: slices.Contains(c.Chosen, n.Value), InScope: scope[n.Value],
		})
	})
	return out
}

func (a *app) tellChoices(ctx context.Context, tenant int64, field string, asJSON bool) error {
	c, err := a.connections().Choices(ctx, tenant, field)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(newChoicesJSON(tenant, c))
	}
	scope, below := c.Scope(c.Chosen...), c.Below()
	c.Walk(func(n crm.ChoiceNode, depth int) {
		mark := " "
		if scope[n.Value] {
			mark = "✓"
		}
		people := ""
		if c.Counted {
			people = fmt.Sprintf(a.say("  — сотрудников: %d", "  — people: %d"), below[n.Value])
		}
		fmt.Fprintf(a.stdout, "%s %s%s  %s%s\n", mark, strings.Repeat("  ", depth), n.Value, printable(n.Label), people)
	})
	for _, value := range c.Missing(c.Chosen...) {
		fmt.Fprintf(a.stdout, a.say("⚠️ %s выбрано, но в портале этого нет\n", "⚠️ %s is chosen, but the portal does not have it\n"), printable(value))
	}
	if c.Counted {
		fmt.Fprintf(a.stdout, a.say("Сотрудников в выборке: %d из %d\n", "People in scope: %d of %d\n"), c.InScope(c.Chosen), c.People)
	}
	return nil
}

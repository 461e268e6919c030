package crm

import (
	"context"
	"slices"
	"strings"
)

// ChoicesSource is what a plugin of the capability choices is beside [Plugin]. A host
// finds the same interface on the other side of the process boundary.
type ChoicesSource interface {
	// Choices lists the values that the portal has for a listable field: all of them,
	// or it fails.
	Choices(ctx context.Context, r ChoicesRequest) (Choices, error)
}

// ChoicesRequest asks what can be chosen for a field.
type ChoicesRequest struct {
	Tenant   Tenant
	Settings Settings
	Field    string // key of a field that is Listable
}

// Choices are the values that a portal has for a field: a list, or trees.
type Choices struct {
	// Nodes in the order in which people should see them.
	Nodes []ChoiceNode
	// Counted says that the numbers of people are known; else they are all 0.
	Counted bool
	// People are all whom the portal has, each once, in a node or not.
	People int
	// Overlaps are those who are in several nodes.
	Overlaps []ChoiceOverlap
}

// ChoiceNode is one value that can be chosen. Choosing it takes in all below it.
type ChoiceNode struct {
	Value  string // as the setting stores it
	Label  string // as the portal calls it
	Parent string // the value above; empty at the top
	People int    // in it themselves, not below it
}

// ChoiceOverlap is a number of people who are in the same several nodes.
type ChoiceOverlap struct {
	Values []string
	People int
}

// Chosen takes the value of a listable field apart.
func Chosen(value string) []string {
	var all []string
	for one := range strings.SplitSeq(value, ",") {
		if one = strings.TrimSpace(one); one != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// Scope is which nodes some values take in, by value: they themselves and everything
// below. Without values nothing is taken in.
func (c Choices) Scope(values ...string) map[string]bool {
	children := make(map[string][]string, len(c.Nodes))
	known := make(map[string]bool, len(c.Nodes))
	for _, n := range c.Nodes {
		known[n.Value] = true
		children[n.Parent] = append(children[n.Parent], n.Value)
	}
	scope := map[string]bool{}
	for queue := slices.Clone(values); len(queue) > 0; queue = queue[1:] {
		if value := queue[0]; known[value] && !scope[value] {
			scope[value] = true
			queue = append(queue, children[value]...)
		}
	}
	return scope
}

// PeopleIn counts who is in a scope, each once.
func (c Choices) PeopleIn(scope map[string]bool) int {
	count := 0
	for _, n := range c.Nodes {
		if scope[n.Value] {
			count += n.People
		}
	}
	for _, o := range c.Overlaps {
		times := 0
		for _, value := range o.Values {
			if scope[value] {
				times++
			}
		}
		count -= max(0, times-1) * o.People
	}
	return count
}

// InScope counts whom a setting of these values takes in: without values everybody.
func (c Choices) InScope(values []string) int {
	if len(values) == 0 {
		return c.People
	}
	return c.PeopleIn(c.Scope(values...))
}

// Below counts for each node who is in it or below it, each once.
func (c Choices) Below() map[string]int {
	parents, total := make(map[string]string, len(c.Nodes)), make(map[string]int, len(c.Nodes))
	for _, n := range c.Nodes {
		parents[n.Value] = n.Parent
	}
	var nodes []ChoiceNode
	c.Walk(func(n ChoiceNode, _ int) { nodes = append(nodes, n) })
	for _, n := range slices.Backward(nodes) { // from the leaves up
		total[n.Value] += n.People
		total[n.Parent] += total[n.Value]
	}
	delete(total, "")
	for _, o := range c.Overlaps {
		times := map[string]int{}
		for _, value := range o.Values {
			for node := value; node != ""; node = parents[node] {
				times[node]++
			}
		}
		for node, n := range times {
			total[node] -= (n - 1) * o.People
		}
	}
	return total
}

// Walk visits every node, each before those below it, with its depth from 0.
func (c Choices) Walk(visit func(n ChoiceNode, depth int)) {
	children := make(map[string][]ChoiceNode, len(c.Nodes))
	for _, n := range c.Nodes {
		children[n.Parent] = append(children[n.Parent], n)
	}
	type step struct {
		ChoiceNode
		depth int
	}
	var stack []step
	push := func(parent string, depth int) {
		for _, n := range slices.Backward(children[parent]) {
			stack = append(stack, step{n, depth})
		}
	}
	for push("", 0); len(stack) > 0; {
		next := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		visit(next.ChoiceNode, next.depth)
		push(next.Value, next.depth+1)
	}
}

// Missing are the values that the portal does not have (any more).
func (c Choices) Missing(values ...string) []string {
	var missing []string
	for _, value := range values {
		if !slices.ContainsFunc(c.Nodes, func(n ChoiceNode) bool { return n.Value == value }) {
			missing = append(missing, value)
		}
	}
	return missing
}

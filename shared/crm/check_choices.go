package crm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	maxNodes      = 20_000
	maxValueBytes = 255
)

// checkChoices holds an answer against the contract: what people tick must be what the
// plugin meant, and the numbers beside it must add up.
func checkChoices(c Choices) error {
	switch {
	case len(c.Nodes) > maxNodes || len(c.Overlaps) > maxNodes:
		return fmt.Errorf("%d nodes and %d overlaps: more than %d", len(c.Nodes), len(c.Overlaps), maxNodes)
	case c.People < 0 || !c.Counted && (c.People > 0 || len(c.Overlaps) > 0):
		return fmt.Errorf("people without counted, or fewer than none")
	}
	people := make(map[string]int, len(c.Nodes))
	for _, n := range c.Nodes {
		if err := n.check(people); err != nil {
			return fmt.Errorf("node %q: %w", cut(n.Value, 64), err)
		}
		people[n.Value] = n.People
		if n.People < 0 || n.People > c.People {
			return fmt.Errorf("node %q: %d of %d people", cut(n.Value, 64), n.People, c.People)
		}
	}
	if err := checkTrees(c.Nodes, people); err != nil {
		return err
	}
	return checkOverlaps(c, people)
}

func (n ChoiceNode) check(known map[string]int) error {
	_, twice := known[n.Value]
	switch {
	case n.Value == "" || len(n.Value) > maxValueBytes || n.Value != strings.TrimSpace(n.Value) || strings.Contains(n.Value, ","):
		return fmt.Errorf("want 1 to %d bytes, no comma, no spaces around it", maxValueBytes)
	case twice:
		return fmt.Errorf("there twice")
	case n.Label == "":
		return fmt.Errorf("without label")
	}
	return nil
}

// checkTrees: a ring, or a parent that is not there, would make nodes that nobody sees.
func checkTrees(nodes []ChoiceNode, known map[string]int) error {
	var tops []string
	for _, n := range nodes {
		if _, there := known[n.Parent]; !there && n.Parent != "" {
			return fmt.Errorf("node %q: there is no parent %q", cut(n.Value, 64), cut(n.Parent, 64))
		}
		if n.Parent == "" {
			tops = append(tops, n.Value)
		}
	}
	if reached := (Choices{Nodes: nodes}).Scope(tops...); len(reached) < len(nodes) {
		return fmt.Errorf("%d nodes cannot be reached from the top", len(nodes)-len(reached))
	}
	return nil
}

func checkOverlaps(c Choices, people map[string]int) error {
	left := maps.Clone(people) // of each node, who is in no overlap that was looked at
	sets := map[string]bool{}
	for _, o := range c.Overlaps {
		seen := map[string]bool{}
		for _, value := range o.Values {
			if _, there := left[value]; !there || seen[value] {
				return fmt.Errorf("an overlap of %q, which is no node or there twice", cut(value, 64))
			}
			seen[value] = true
			if left[value] -= o.People; left[value] < 0 {
				return fmt.Errorf("more people overlap in %q than are in it", cut(value, 64))
			}
		}
		set := strings.Join(slices.Sorted(slices.Values(o.Values)), ",")
		if len(o.Values) < 2 || o.People <= 0 || sets[set] {
			return fmt.Errorf("an overlap of %d nodes and %d people, or there twice", len(o.Values), o.People)
		}
		sets[set] = true
	}
	everywhere := map[string]bool{}
	for value := range people {
		everywhere[value] = true
	}
	if in := c.PeopleIn(everywhere); in > c.People {
		return fmt.Errorf("%d people are in nodes, of %d", in, c.People)
	}
	return nil
}

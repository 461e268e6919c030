package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"booking/shared/benchreport"
)

// group is some rows that are measured together.
type group struct {
	name    string
	measure func(context.Context, *lab, *benchreport.Report) error
}

func groups() []group {
	return []group{
		{"import", measureImport},
		{"rerun", measureRerun},
		{"scale", measureScale},
		{"reading", measureReading},
		{"faults", measureFaults},
		{"sdk", measureSDK},
	}
}

func groupNames() []string {
	var names []string
	for _, g := range groups() {
		names = append(names, g.name)
	}
	return names
}

func (c config) wants(name string) bool {
	if c.only != "" {
		return slices.Contains(strings.Split(c.only, ","), name)
	}
	return name != "sdk" || c.sdk
}

func measure(ctx context.Context, c config, status io.Writer) (*benchreport.Report, error) {
	l, err := openLab(ctx, c, status)
	if err != nil {
		return nil, err
	}
	defer l.close()
	r := benchreport.New(fmt.Sprintf("%d and %d people, %d repetitions", c.people, c.large, c.reps))
	for _, g := range groups() {
		if !c.wants(g.name) {
			continue
		}
		if err := g.measure(ctx, l, r); err != nil {
			return nil, fmt.Errorf("measure %s: %w", g.name, err)
		}
	}
	return r, nil
}

package rest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/plugin-bitrix24/internal/portalsim"
)

func TestRequestCounts(t *testing.T) {
	t.Parallel()
	for people, want := range map[int]struct{ first, again int }{
		1: {1, 1}, 49: {1, 1}, 50: {1, 1}, 51: {1, 1}, 300: {1, 1}, 2449: {1, 1}, 2450: {2, 2}, 2500: {2, 2}, 2501: {2, 2},
		10_000: {5, 5}, 100_000: {41, 41},
	} {
		t.Run(fmt.Sprint(people), func(t *testing.T) {
			all := portalsim.People(people, 1)
			b := newBench(t, portalsim.Options{People: all})
			for _, most := range []int{want.first, want.again} {
				b.portal.ResetCounters()
				got, complete, err := readAll(context.Background(), b.client(t), Query{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(wanted(all), got); diff != "" {
					t.Fatal(diff)
				}
				if complete.People() != people || complete.Total() != people {
					t.Errorf("complete says %+v", complete)
				}
				if n := b.portal.Requests(); n > most {
					t.Errorf("%d requests, want at most %d", n, most)
				}
			}
			if people <= 100_000 && b.clock.Slept() > 0 && people != 100_000 {
				t.Errorf("waited %s", b.clock.Slept())
			}
		})
	}
}

func TestEveryDialect(t *testing.T) {
	t.Parallel()
	for name, dialect := range portalsim.Dialects() {
		for _, people := range []int{1, 50, 120, 2501} {
			t.Run(fmt.Sprint(name, people), func(t *testing.T) {
				t.Parallel()
				all := portalsim.People(people, 2)
				b := newBench(t, portalsim.Options{People: all, Dialect: dialect})
				got, _, err := readAll(context.Background(), b.client(t), Query{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(wanted(all), got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

package portalsim_test

import (
	"fmt"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
)

func TestPeopleComeAndGoBetweenTwoRequests(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(4)})
	list := func() string {
		a := p.get("user.get?FILTER[ACTIVE]=Y")
		return a.ids("result") + " of " + fmt.Sprint(a.at("total"))
	}
	want(t, "at first", list(), "1 2 3 4 of 4")
	for _, step := range []struct {
		change func(*portalsim.State)
		list   string
	}{
		{func(s *portalsim.State) { s.Remove(2) }, "1 3 4 of 3"},
		{func(s *portalsim.State) { s.Dismiss(4) }, "1 3 of 2"},
		{func(s *portalsim.State) { s.Set(portalsim.Person{Active: true}) }, "1 3 5 of 3"},
		{func(s *portalsim.State) { s.Remove(5) }, "1 3 of 2"},
		{func(s *portalsim.State) { s.Set(portalsim.Person{Active: true}) }, "1 3 6 of 3"},
		{func(s *portalsim.State) { s.Restore(4); s.Set(portalsim.Person{ID: 2, Active: true}) }, "1 2 3 4 6 of 5"},
		{func(s *portalsim.State) { s.Rename(1, "Анна Иванова") }, "1 2 3 4 6 of 5"},
	} {
		p.Update(step.change)
		want(t, "list", list(), step.list)
	}
	want(t, "the new name", p.get("user.get?select[]=NAME&select[]=LAST_NAME").at("result", "0"), "map[LAST_NAME:Иванова NAME:Анна]")
	p.Update(func(s *portalsim.State) {
		want(t, "nobody", []bool{s.Remove(99), s.Dismiss(99), s.Rename(99, "x")}, "[false false false]")
		want(t, "Len", s.Len(), 5)
	})
}

func TestHooksRunBeforeRequestsAndCommands(t *testing.T) {
	t.Parallel()
	var p *portal
	var seen []string
	p = start(t, portalsim.Options{
		People: staff(1),
		OnRequest: func(n int, method string) {
			seen = append(seen, fmt.Sprint(n, " ", method))
			p.Update(func(s *portalsim.State) { s.Set(portalsim.Person{}) })
		},
		OnCommand: func(n, k int, method string) {
			seen = append(seen, fmt.Sprint(n, ".", k, " ", method))
			p.Update(func(s *portalsim.State) { s.Set(portalsim.Person{}) })
		},
	})
	want(t, "one more", p.get("user.get").at("total"), 2)
	a := p.batch("user.get", "user.get")
	want(t, "one more each", a.at("result", "result_total"), "map[c1:4 c2:5]")
	want(t, "seen", seen, "[1 user.get 2 batch 2.1 user.get 2.2 user.get]")
	p.ResetCounters()
	want(t, "counters", p.Stats(), "{0 0 map[] map[]}")
}

package portalsim_test

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"booking/plugin-bitrix24/internal/portalsim"
)

func TestPeopleAreTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	people := portalsim.People(3000, 7)
	if diff := cmp.Diff(people, portalsim.People(3000, 7)); diff != "" {
		t.Error(diff)
	}
	want(t, "fewer people are the beginning of more", cmp.Diff(people[:10], portalsim.People(10, 7)), "")
	want(t, "another seed makes others", cmp.Equal(people[:10], portalsim.People(10, 8)), false)
	addresses, last := map[string]bool{}, int64(0)
	for _, p := range people {
		if p.ID <= last || !p.Active || p.UserType != portalsim.Employee || p.Name == "" || p.LastName == "" || len(p.Departments) == 0 {
			t.Fatalf("not an employee as everybody knows them: %+v", p)
		}
		if _, err := mail.ParseAddress(p.Email); err != nil || addresses[strings.ToLower(p.Email)] {
			t.Fatalf("address %q: %v, or it is taken", p.Email, err)
		}
		addresses[p.Email], last = true, p.ID
	}
}

func TestSprinkleMakesEveryOddity(t *testing.T) {
	t.Parallel()
	people, twin := portalsim.People(400, 1), portalsim.People(400, 1)
	portalsim.Sprinkle(people, 0.25, 1)
	portalsim.Sprinkle(twin, 0.25, 1)
	want(t, "the same ones again", cmp.Diff(people, twin), "")
	odd, noMail, long, guests, gone := 0, 0, 0, 0, 0
	clean := portalsim.People(400, 1)
	for i, p := range people {
		if !cmp.Equal(p, clean[i]) {
			odd++
		}
		noMail += count(p.Email == "")
		long += count(utf8.RuneCountInString(p.Name) == 300)
		guests += count(p.UserType == portalsim.Extranet)
		gone += count(!p.Active)
	}
	want(t, "how many are odd", odd, 99)
	each := 99 / len(portalsim.Oddities())
	for name, n := range map[string]int{"without e-mail": noMail, "with a long name": long, "guests": guests, "dismissed": gone} {
		want(t, name, n >= each, true)
	}
	want(t, "the owner stays", cmp.Diff(people[0], clean[0]), "")
	portalsim.Sprinkle(people[:2], 1, 1)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestDepartmentsAreATree(t *testing.T) {
	t.Parallel()
	known, roots := map[int64]bool{0: true}, 0
	for _, d := range portalsim.Departments() {
		if !known[d.Parent] || known[d.ID] || d.Name == "" {
			t.Errorf("department %+v comes before its parent or twice", d)
		}
		known[d.ID] = true
		roots += count(d.Parent == 0)
	}
	want(t, "roots", roots, 1)
}

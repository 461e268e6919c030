package portalsim

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
)

// Oddity is a way in which a real portal's people differ from a form that everybody
// filled in.
type Oddity struct {
	Name string
	make func(p, other *Person)
}

// Oddities returns every kind there is. Nobody loses the place in the list by one.
func Oddities() []Oddity { return slices.Clone(oddities) }

var oddities = []Oddity{
	{"no e-mail", func(p, _ *Person) { p.Email = "" }},
	{"somebody else's e-mail", func(p, other *Person) { p.Email = other.Email }},
	{"somebody else's e-mail in capitals", func(p, other *Person) { p.Email = strings.ToUpper(other.Email) }},
	{"300 characters of name", func(p, _ *Person) { p.Name = strings.Repeat("Очень-", 50) }},
	{"a guest", func(p, _ *Person) { p.UserType, p.Departments = Extranet, nil }},
	{"dismissed", func(p, _ *Person) { p.Active = false }},
	{"an emoji", func(p, _ *Person) { p.Name += " 🌼" }},
	{"no name", func(p, _ *Person) { p.Name, p.LastName, p.SecondName = "", "", "" }},
	{"spaces around", func(p, _ *Person) { p.Name, p.Email = "  "+p.Name+"\u00a0 ", " "+p.Email+"\t" }},
	{"a line break in the name", func(p, _ *Person) { p.LastName += "\n❌ run failed" }},
	{"markup in the name", func(p, _ *Person) { p.LastName = `<script>alert("1")</script>` }},
	{"a decomposed letter", func(p, _ *Person) { p.Name = "Андре\u0438\u0306" }},
	{"an internationalised address", func(p, _ *Person) { p.Email = "почта" + p.Email }},
	{"empty fields of all sorts", func(p, _ *Person) {
		p.Raw = map[string]json.RawMessage{"SECOND_NAME": json.RawMessage("null"), "WORK_PHONE": json.RawMessage("{}"), "PERSONAL_MOBILE": json.RawMessage("false"), "WORK_POSITION": nil, "UF_DEPARTMENT": json.RawMessage("false")}
	}},
	{"an ID as a number", func(p, _ *Person) {
		p.Raw = map[string]json.RawMessage{"ID": json.RawMessage(fieldByName["ID"].get(p))}
	}},
}

// Sprinkle makes a share (0..1) of the people odd, evenly over all kinds, the same
// ones for the same seed. The first person, the webhook's owner, stays as it is.
func Sprinkle(people []Person, share float64, seed uint64) {
	if len(people) < 3 || share <= 0 {
		return
	}
	random := rand.New(rand.NewPCG(seed, 42))
	for i, at := range random.Perm(len(people) - 1)[:int(min(share, 1)*float64(len(people)-1))] {
		other := (at + 2 + random.IntN(len(people)-2)) % len(people)
		oddities[i%len(oddities)].make(&people[at+1], &people[other])
	}
}

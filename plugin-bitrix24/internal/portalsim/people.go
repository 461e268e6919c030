package portalsim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode"
)

// mailDomain cannot exist (RFC 2606).
const mailDomain = "romashka.example"

// People returns n active employees, the same ones for the same seed: growing IDs
// with gaps, each with a name and an address of their own.
func People(n int, seed uint64) []Person {
	random := rand.New(rand.NewPCG(seed, 24))
	departments := Departments()
	taken := make(map[string]int, n)
	out := make([]Person, n)
	id := int64(1)
	for i := range out {
		p := &out[i]
		p.ID, p.Active, p.UserType = id, true, Employee
		id += 1 + int64(random.IntN(3))
		name(random, p)
		p.Email = address(taken, p)
		p.PersonalMobile = fmt.Sprintf("+7 9%02d %03d-%02d-%02d", random.IntN(100), random.IntN(1000), random.IntN(100), random.IntN(100))
		if random.IntN(3) == 0 {
			p.WorkPhone, p.PersonalMobile = fmt.Sprintf("8 (495) %03d-%02d-%02d", random.IntN(1000), random.IntN(100), random.IntN(100)), ""
		}
		if random.IntN(4) == 0 {
			p.InnerPhone = fmt.Sprint(100 + i%900)
		}
		p.Position, p.City = pick(random, positions), pick(random, cities)
		p.Departments = []int64{pick(random, departments).ID}
		if random.IntN(20) == 0 {
			p.Departments = append(p.Departments, 1)
		}
		p.Registered = time.Date(2019, 1, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
		if random.IntN(5) > 0 {
			p.LastLogin = p.Registered.Add(time.Duration(random.IntN(5000)) * time.Hour)
		}
		p.Online = random.IntN(6) == 0
	}
	return out
}

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

// name gives a name: most people have a Russian one, some a patronymic too.
func name(random *rand.Rand, p *Person) {
	f := families[0]
	if random.IntN(4) == 0 {
		f = pick(random, families[1:])
	}
	form, first, ending := 0, f.male, "ич"
	if random.IntN(2) == 0 {
		form, first, ending = 1, f.female, "на"
	}
	p.Name, p.LastName = pick(random, first), pick(random, f.last)[form]
	if len(f.fathers) > 0 && random.IntN(2) == 0 {
		p.SecondName = pick(random, f.fathers) + ending
	}
}

// address is i.lastname@, with a number when somebody has that already.
func address(taken map[string]int, p *Person) string {
	local := latin(string([]rune(p.Name)[:1])) + "." + latin(p.LastName)
	taken[local]++
	if n := taken[local]; n > 1 {
		local = fmt.Sprintf("%s%d", local, n)
	}
	return local + "@" + mailDomain
}

var cyrillic = map[rune]string{
	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ё': "yo", 'ж': "zh", 'з': "z", 'и': "i", 'й': "y", 'к': "k", 'л': "l", 'м': "m",
	'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "sch", 'ъ': "",
	'ы': "y", 'ь': "", 'э': "e", 'ю': "yu", 'я': "ya", 'ü': "ue", 'é': "e", 'á': "a", 'í': "i", 'å': "a", 'ö': "o", 'ë': "e", 'ś': "s", 'ł': "l",
}

// latin spells a name as addresses do.
func latin(s string) string {
	var b strings.Builder
	for _, r := range s {
		r = unicode.ToLower(r)
		switch spelled, known := cyrillic[r]; {
		case known:
			b.WriteString(spelled)
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || r == '-'):
			b.WriteRune(r)
		}
	}
	return b.String()
}

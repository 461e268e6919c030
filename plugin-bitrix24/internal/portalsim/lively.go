package portalsim

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// livelyPause is how long a lively portal takes for a page of people.
const livelyPause = 2 * time.Second

// Liven changes the company a little, as it would overnight: somebody joins, marries, gets
// another address, or one that a colleague has. The next reading of people takes its time,
// page by page, so that it can be watched; after it the portal is as fast as ever.
func (p *Portal) Liven() {
	p.Update(func(s *State) {
		people := s.People()
		at := func(i int) int64 { return people[i%len(people)].ID }
		if len(people) < 20 {
			return
		}
		for _, hired := range []Person{
			{Active: true, Name: "Вера", LastName: "Новикова", Email: "v.novikova@romashka.example", Position: "Стажёр", Departments: []int64{1}},
			{Active: true, Name: "Тимур", LastName: "Свежев", Email: "t.svezhev@romashka.example", Position: "Стажёр", Departments: []int64{1}},
			{Active: true, Name: "Ольга", LastName: "Безадресная", Departments: []int64{1}},
		} {
			s.Set(hired)
		}
		s.Change(at(12), func(p *Person) { p.LastName = "Замужняя" })
		s.Change(at(13), func(p *Person) { p.Name = "Александра" })
		s.Change(at(14), func(p *Person) { p.Email = "new.address@romashka.example" })
		s.Change(at(15), func(p *Person) { p.Email = people[16%len(people)].Email })
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = livelyPause
}

// pause is what a lively portal adds to a request; batches it does not do then.
func (p *Portal) pause(c *call) (extra time.Duration, noBatch bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.slow == 0:
	case c.method == "batch":
		return 0, true
	case c.method == "user.get":
		return p.slow, false
	}
	return 0, false
}

// watched ends the slow reading with its last page.
func (p *Portal) watched(c *call, a *answer) {
	if c.method == "user.get" && len(a.items) < pageSize {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.slow = 0
	}
}

// obey does what whoever started the simulator writes to it, an order a line
// ([crm.Manifest] has the list), until it writes no more, and says of each that it is
// done. Other words are ignored.
func (p *Portal) obey(orders io.Reader, answers io.Writer, stop context.CancelFunc) {
	defer stop()
	for lines := bufio.NewScanner(orders); lines.Scan(); {
		order, number, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.Atoi(number)
		switch order {
		case "lively":
			p.Liven()
		case "people":
			p.Update(func(s *State) { s.Replace(People(n, 1)) })
		case "change":
			p.Update(func(s *State) { s.changeNames(n) })
		case "unlimited":
			p.mu.Lock()
			p.options.Bucket.Off = true
			p.mu.Unlock()
		default:
			continue
		}
		_, _ = fmt.Fprintln(answers, "done")
	}
}

// changeNames gives the first n people another last name than they have.
func (s *State) changeNames(n int) {
	for _, person := range s.People()[:min(n, s.Len())] {
		s.Change(person.ID, func(p *Person) {
			was, found := strings.CutSuffix(p.LastName, "-Новый")
			if !found {
				was += "-Новый"
			}
			p.LastName = was
		})
	}
}

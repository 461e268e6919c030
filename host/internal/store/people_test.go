package store

import (
	"fmt"
	"strings"
	"testing"
)

// A page goes on where the one before ended: the last one reads no more rows than the
// first. (Oracle MySQL reads and sorts a tenant of 5,000 whole, which it holds to be
// cheaper; it is a larger one's pages that must not grow.)
func TestPeoplesPagesReadNoMoreThanTheyShow(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	const many, page = 20_000, 50
	var rows []string
	for i := range many {
		rows = append(rows, fmt.Sprintf("(%d, 'P %d', 'p%d@x.example', 'x', 'employee', '%d')", m.tenant, i, i, 100+i))
	}
	m.exec(t, "INSERT INTO users (tenant_id, name, email, password, role, "+linkField+") VALUES "+strings.Join(rows, ", "))
	m.exec(t, "ANALYZE TABLE users")
	m.DB().SetMaxOpenConns(1) // the counters are a session's own
	for _, before := range []int64{0, many, 2*page + m.theirs} {
		was := m.rowsRead(t)
		people, _, err := m.People(m.ctx, PeopleFilter{TenantID: m.tenant, Shape: m.shape, Before: before, Limit: page + 1})
		if err != nil || len(people) != page+1 {
			t.Fatalf("before %d: %d people, error %v", before, len(people), err)
		}
		if read := m.rowsRead(t) - was; read > 3*page {
			t.Errorf("before %d: %d rows were read", before, read)
		}
	}
}

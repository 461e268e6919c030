//go:build cluster

package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"booking/migrations"
	"booking/migrations/existing"
	"booking/shared/testdb/cluster"
	"booking/shared/usersync"
)

// site is the existing server, which goes on adding people while the tables change.
type site struct {
	mu     sync.Mutex
	kept   []string       // addresses that were acknowledged
	failed map[string]int // what it was told else
}

// work adds people, in transactions and without, until ctx ends.
func (s *site) work(ctx context.Context, db *bun.DB, who string) {
	for n := 0; ctx.Err() == nil; n++ {
		email := fmt.Sprintf("%s%d@site", who, n)
		err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.ExecContext(ctx, "UPDATE users SET name = CONCAT('N', ?) WHERE id = 1", n); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO users (name, email, password) VALUES ('N', ?, 'x')", email)
			return err
		})
		s.mu.Lock()
		if err == nil {
			s.kept = append(s.kept, email)
		} else if ctx.Err() == nil {
			s.failed[err.Error()]++
			if !usersync.IsContention(err) {
				s.failed["NO CONTENTION"]++
			}
		}
		s.mu.Unlock()
	}
}

// Whoever only looks at a table is not disturbed by others who change it: on Galera an
// ALTER undoes every transaction in its way.
func lookWhileOthersAlter(t *testing.T, look, others *bun.DB) {
	t.Helper()
	altered := make(chan error, 1)
	go func() {
		var err error
		for range 20 {
			for _, change := range []string{"ADD COLUMN filler INT", "DROP COLUMN filler"} {
				if _, failed := others.ExecContext(t.Context(), "ALTER TABLE users "+change); failed != nil {
					err = errors.Join(err, failed)
				}
			}
		}
		altered <- err
	}()
	for looks := 0; ; looks++ {
		select {
		case err := <-altered:
			if err != nil || looks == 0 {
				t.Errorf("%d looks while others altered: %v", looks, err)
			}
			return
		default:
		}
		if there, err := migrations.Bitrix24.Satisfied(t.Context(), look); err != nil || there {
			t.Errorf("look: %v, error %v", there, err)
		}
	}
}

// Two hosts, with Galera on two nodes, migrate at once while the existing server works:
// each step is done once, and nothing that was acknowledged is lost.
func TestClusterMigratesOnce(t *testing.T) {
	for _, kind := range cluster.Kinds(t) {
		t.Run(string(kind), func(t *testing.T) {
			c := cluster.New(t, kind)
			name := c.NewDatabase(t)
			road := func(node int) *bun.DB { return open(t, c.Router(t, node).Through(c.Config(node, name))) }
			existing.Create(t, road(0).DB, existing.Older)
			if err := c.Agree(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			lookWhileOthersAlter(t, road(0), road(1))
			ctx, cancel := context.WithCancel(t.Context())
			s := &site{failed: map[string]int{}}
			var sites, hosts sync.WaitGroup
			for i := range cluster.Nodes {
				sites.Go(func() { s.work(ctx, road(i), fmt.Sprint("s", i, "-")) })
			}
			var mu sync.Mutex
			var applied []string
			for node := range 2 {
				db := road(node)
				hosts.Go(func() {
					for _, set := range []migrations.Set{migrations.Host, migrations.Usersync, migrations.Bitrix24} {
						steps, err := set.Up(t.Context(), db)
						if err != nil {
							t.Errorf("host %d: %v", node, err)
						}
						mu.Lock()
						applied = append(applied, steps...)
						mu.Unlock()
					}
				})
			}
			hosts.Wait()
			cancel()
			sites.Wait()
			slices.Sort(applied)
			if twice := len(applied) - len(slices.Compact(slices.Clone(applied))); twice != 0 || len(applied) == 0 {
				t.Errorf("%d steps were done twice: %v", twice, applied)
			}
			if err := c.Agree(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			for _, set := range []migrations.Set{migrations.Host, migrations.Usersync, migrations.Bitrix24} {
				for node := range cluster.Nodes {
					there, err := set.Satisfied(t.Context(), open(t, c.Config(node, name).FormatDSN()))
					if err != nil || !there {
						t.Errorf("node %d, %s: satisfied %v, error %v", node, set.Name, there, err)
					}
				}
			}
			s.check(t, road(0))
		})
	}
}

// check: what was acknowledged is there; what failed may be tried again.
func (s *site) check(t *testing.T, db *bun.DB) {
	t.Helper()
	var there []string
	if err := db.NewRaw("SELECT email FROM users").Scan(t.Context(), &there); err != nil {
		t.Fatal(err)
	}
	for _, email := range s.kept {
		if !slices.Contains(there, email) {
			t.Errorf("%s was acknowledged and is not there", email)
		}
	}
	t.Logf("%d people were added meanwhile; errors: %v", len(s.kept), s.failed)
	if len(s.kept) == 0 || s.failed["NO CONTENTION"] != 0 {
		t.Errorf("the site could not work")
	}
}

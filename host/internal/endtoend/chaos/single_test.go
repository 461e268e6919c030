//go:build chaos

package chaos

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/mariadbd"
	"booking/shared/testdb/proxy"
)

// single is one MariaDB, which dies and comes back.
type single struct {
	options mariadbd.Options
	config  *mysql.Config
	roads   []*proxy.Proxy

	mu     sync.Mutex
	server *mariadbd.Server
}

func newSingle(t testing.TB) *single {
	t.Helper()
	dir, err := os.MkdirTemp("", "booking-chaos-db-")
	if err != nil {
		t.Fatal(err)
	}
	s := &single{options: mariadbd.Options{Dir: dir, Flags: []string{
		// A killed process loses nothing that it has given to the kernel; a power cut would.
		"--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0", "--innodb-log-file-size=64M", "--max-connections=300",
	}}}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.server != nil {
			s.server.Kill()
		}
		_ = os.RemoveAll(dir)
	})
	if err := s.start(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.config = mysql.NewConfig()
	s.config.User, s.config.Net, s.config.Addr = "root", "unix", s.server.Socket()
	s.config.InterpolateParams, s.config.Logger = true, &mysql.NopLogger{}
	db, err := s.open(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range hosts {
		s.roads = append(s.roads, proxy.New(t, s.config))
		execute(t, db, fmt.Sprintf("CREATE USER %s@localhost", accountName(i)))
		execute(t, db, fmt.Sprintf("GRANT ALL ON *.* TO %s@localhost", accountName(i)))
	}
	return s
}

func (s *single) start(ctx context.Context) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server, err = mariadbd.Start(ctx, s.options)
	return err
}

func (s *single) open(_ context.Context, database string) (*sql.DB, error) {
	return openAs(s.config, database)
}

func (s *single) account(i int, database string) *mysql.Config {
	account := s.config.Clone()
	account.User, account.DBName = accountName(i), database
	return account
}

func (s *single) create(t testing.TB) string {
	t.Helper()
	name := "chaos_" + strings.ToLower(rand.Text()[:10])
	db, err := s.open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	execute(t, db, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
	t.Cleanup(func() {
		if db, err := s.open(context.Background(), ""); err == nil {
			defer db.Close()
			_, _ = db.Exec("DROP DATABASE IF EXISTS " + name)
		}
	})
	return name
}

func (s *single) road(i int) *proxy.Proxy { return s.roads[i] }

func (s *single) lease() time.Duration { return 3 * time.Second }

func (s *single) settle(context.Context, string) error { return nil }

func (s *single) faults() map[string]func(context.Context, fault) error {
	return map[string]func(context.Context, fault) error{"kill -9 database": s.kill}
}

// kill ends the server, and starts it again after a while.
func (s *single) kill(ctx context.Context, f fault) error {
	s.mu.Lock()
	s.server.Kill()
	s.mu.Unlock()
	time.Sleep(f.lasts) // nobody notices at once
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("start the database again: %w", err)
	}
	return nil
}

// TestChaos is issue 7's: ROUNDS rounds, or the one of TEST_SEED, with TENANTS tenants.
func TestChaos(t *testing.T) { newLab(t, newSingle(t), 200).rounds(t) }

package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/host/internal/problem"
	"booking/host/internal/secrets"
	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb"
	"booking/shared/testdb/proxy"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// linkField is the external-id column of these tests.
const linkField = "acme_user_id"

// bundle is a migrated database with its store and box.
type bundle struct {
	*Store
	dsn string
	box *secrets.Box
	ctx context.Context
}

func setup(t *testing.T) bundle {
	t.Helper()
	ctx, dsn := t.Context(), testdb.New(t)
	s, err := Open(ctx, secret.New(dsn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync} {
		if _, err := set.Up(ctx, s.DB()); err != nil {
			t.Fatal(err)
		}
	}
	box, err := secrets.Unlock(ctx, s.DB(), secrets.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return bundle{Store: s, dsn: dsn, box: box, ctx: ctx}
}

func (b bundle) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := b.DB().NewRaw(query, args...).Exec(b.ctx); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (b bundle) tenant(t *testing.T, name string) Tenant {
	t.Helper()
	tenant, err := b.AddTenant(b.ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func wantText(t *testing.T, err error, ru, en string) {
	t.Helper()
	text := problem.TextOf(err)
	if !strings.Contains(text.RU, ru) || !strings.Contains(text.EN, en) {
		t.Errorf("sentences %q / %q, want them to say %q / %q", text.RU, text.EN, ru, en)
	}
}

func TestOpenWaitsForADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	config := testdb.Server(t).Clone()
	config.DBName = "information_schema"
	p := proxy.New(t, config)
	p.Refuse()
	noticed := make(chan crm.Text, 1)
	go func() {
		<-noticed
		p.Accept()
	}()
	s, err := Open(t.Context(), secret.New(p.Through(config)), func(text crm.Text) { noticed <- text })
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestOpenGivesUpAfterItsPatience(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	told := 0
	_, err = open(t.Context(), secret.New("u:hidden@tcp("+address+")/booking"), func(crm.Text) { told++ }, 600*time.Millisecond)
	if crm.CodeOf(err) != crm.CodeDatabase || told != 1 {
		t.Errorf("error %v, told %d times", err, told)
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("the password is in %q", err)
	}
}

func TestOpenRefusesAtOnceWhatWaitingDoesNotMend(t *testing.T) {
	t.Parallel()
	config := testdb.Server(t)
	nobody, nowhere := config.Clone(), config.Clone()
	nobody.User, nobody.Passwd, nobody.DBName = "nobody_here", "hidden-password", "information_schema"
	nowhere.DBName = "t_there_is_none"
	for name, dsn := range map[string]string{
		"wrong account":  nobody.FormatDSN(),
		"wrong database": nowhere.FormatDSN(),
		"no DSN":         "hidden-password",
		"unknown host":   "u:hidden-password@tcp(no-such-host.invalid:3306)/booking",
	} {
		s, err := Open(t.Context(), secret.New(dsn), func(crm.Text) { t.Errorf("%s: it waits", name) })
		if err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		if crm.CodeOf(err) != crm.CodeDatabase || strings.Contains(err.Error(), "hidden-password") {
			t.Errorf("%s: %v", name, err)
		}
		if text := problem.TextOf(err); text.RU == "" || text.EN == "" || strings.Contains(text.EN, "\n") {
			t.Errorf("%s: sentences %+v", name, text)
		}
	}
}

func TestAReadSurvivesABrokenConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tenant(t, "Ромашка")
	killConnections(t, b)
	if tenants, err := b.Tenants(b.ctx); err != nil || len(tenants) != 1 {
		t.Errorf("%d tenants, error %v", len(tenants), err)
	}
	killConnections(t, b)
	if _, err := b.AddTenant(b.ctx, "Вторая"); err != nil {
		t.Errorf("a write right after the break: %v", err)
	}
}

// killConnections ends every connection of the store's pool at the server.
func killConnections(t *testing.T, b bundle) {
	t.Helper()
	admin := testdb.Open(t, testdb.Server(t).FormatDSN())
	rows, err := admin.Query("SELECT id FROM information_schema.processlist WHERE db = (SELECT ?)", databaseName(t, b.dsn))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(ids) == 0 {
		t.Fatal("the pool has no connection to kill")
	}
	for _, id := range ids {
		if _, err := admin.Exec("KILL ?", id); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWriteIsDoneAgainAfterADeadlock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.tenant(t, "one"), b.tenant(t, "two")
	both := make(chan struct{}, 2)
	results := make(chan error, 2)
	cross := func(one, other int64) {
		tries := 0
		results <- b.write(b.ctx, "cross", func(ctx context.Context, tx bunTx) error {
			tries++
			if _, err := tx.NewRaw("UPDATE tenants SET name = CONCAT(name, '+') WHERE id = ?", one).Exec(ctx); err != nil {
				return err
			}
			if tries == 1 { // both hold one row each before either asks for the other
				both <- struct{}{}
				for len(both) < 2 {
					time.Sleep(time.Millisecond)
				}
			}
			_, err := tx.NewRaw("UPDATE tenants SET name = CONCAT(name, '+') WHERE id = ?", other).Exec(ctx)
			return err
		})
	}
	go cross(first.ID, second.ID)
	go cross(second.ID, first.ID)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	tenants, err := b.Tenants(b.ctx)
	if err != nil || tenants[0].Name != "one++" || tenants[1].Name != "two++" {
		t.Errorf("%+v, error %v: each change must be there twice", tenants, err)
	}
}

// roadTo is the test's database by way of a proxy.
func (b bundle) roadTo(t *testing.T) (*Store, *proxy.Proxy) {
	t.Helper()
	config, err := mysql.ParseDSN(b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := proxy.New(t, config)
	s, err := Open(b.ctx, secret.New(p.Through(config)), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, p
}

func TestAWriteIsDoneAgainWhenItsConnectionBreaksBeforeTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, place := range []proxy.Place{proxy.Before, proxy.After} {
		s, p := b.roadTo(t)
		inserts := p.Rule(proxy.Match{Statement: "INSERT INTO `tenants`"}, proxy.CutAt(1, place))
		if _, err := s.AddTenant(b.ctx, "Ромашка"); err != nil || inserts.Count() != 2 {
			t.Errorf("error %v after %d tries", err, inserts.Count())
		}
	}
	if tenants, err := b.Tenants(b.ctx); err != nil || len(tenants) != 2 {
		t.Errorf("%v, error %v", tenants, err)
	}
}

func TestAWriteWhoseCommitIsLostIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, place := range []proxy.Place{proxy.Before, proxy.After} {
		s, p := b.roadTo(t)
		commits := p.Rule(proxy.Match{Statement: "COMMIT"}, proxy.CutAt(1, place))
		if _, err := s.AddTenant(b.ctx, "Ромашка"); crm.CodeOf(err) != crm.CodeDatabase || commits.Count() != 1 {
			t.Errorf("error %v after %d tries", err, commits.Count())
		}
	}
	if tenants, err := b.Tenants(b.ctx); err != nil || len(tenants) != 1 {
		t.Errorf("%v, error %v: only the second one was done", tenants, err)
	}
}

func TestErrorsOfAClusterAreKnown(t *testing.T) {
	t.Parallel()
	for number, want := range map[uint16]string{
		1040: "away", 1047: "away", 1053: "away", 1180: "away", 1290: "away", 1836: "away", 1927: "away", 3032: "away", 3100: "away",
		1205: "contention", 1213: "contention", 3101: "contention", 3572: "contention", 3058: "contention", 1020: "contention", 1142: "",
	} {
		err := fmt.Errorf("exec: %w", &mysql.MySQLError{Number: number})
		got := ""
		if isAway(err) {
			got += "away"
		}
		if Contended(err) {
			got += "contention"
		}
		if got != want {
			t.Errorf("%d is %q, want %q", number, got, want)
		}
	}
}

func TestAnErrorOfTheChangeUndoesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	boom := errors.New("boom")
	err := b.write(b.ctx, "try", func(ctx context.Context, tx bunTx) error {
		if _, err := tx.NewRaw("INSERT INTO tenants (name) VALUES ('ghost')").Exec(ctx); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
	if tenants, err := b.Tenants(b.ctx); err != nil || len(tenants) != 0 {
		t.Errorf("%v, error %v", tenants, err)
	}
}

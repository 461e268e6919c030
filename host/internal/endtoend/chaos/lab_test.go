//go:build chaos || cluster

package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"booking/host/internal/schedule"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/secret"
	"booking/shared/usersync"
)

const (
	hosts = 3
	// spread is how far the tenants' starts lie apart, in compressed time.
	spread = 10 * time.Minute
)

// lab is what rounds have in common: portals, hosts that are not running, and a database
// from which each round's is copied.
type lab struct {
	dir      string
	ground   ground
	tenants  int
	portals  []portal
	hosts    []*host
	template string
	// want is what tables are like after an undisturbed round.
	want tables
}

// number is a knob of the environment.
func number(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// newLab makes one, with so many tenants unless TENANTS says otherwise.
func newLab(t *testing.T, g ground, tenants int) *lab {
	t.Helper()
	dir, err := os.MkdirTemp("", "booking-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		}
	})
	l := &lab{dir: dir, ground: g, tenants: number(t, "TENANTS", tenants)}
	for range (l.tenants + len(leaves) - 1) / len(leaves) {
		l.portals = append(l.portals, startPortal(t))
	}
	l.fillTemplate(t)
	for i := range hosts {
		l.addHost(t, i)
	}
	began := time.Now()
	undisturbed := l.begin(t, "undisturbed")
	undisturbed.play(nil)
	l.want = undisturbed.tables()
	t.Logf("%d tenants, %d slots; undisturbed after %s", l.tenants, len(undisturbed.slots), time.Since(began).Round(100*time.Millisecond))
	return l
}

// at is a tenant's place: a portal, and a department there.
func (l *lab) at(tenant int64) (p portal, department int64) {
	n := int(tenant - 1)
	return l.portals[n/len(leaves)], leaves[n%len(leaves)]
}

// setPortals makes all portals say what they say in an act.
func (l *lab) setPortals(t testing.TB, act int) {
	t.Helper()
	people := map[portal][]person{}
	for tenant := int64(1); tenant <= int64(l.tenants); tenant++ {
		p, department := l.at(tenant)
		people[p] = append(people[p], staff(tenant, department, act)...)
	}
	for p, all := range people {
		p.set(t, all)
	}
}

// fillTemplate makes a database with tenants, connections and schedules.
func (l *lab) fillTemplate(t *testing.T) {
	t.Helper()
	l.template = l.ground.create(t)
	ctx := t.Context()
	db, err := usersync.OpenDB(secret.New(l.ground.road(0).Through(l.ground.account(0, l.template))))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync, migrations.Bitrix24} {
		if _, err := set.Up(ctx, db); err != nil {
			t.Fatal(err)
		}
	}
	box, err := secrets.Unlock(ctx, db, secrets.Options{DataDir: filepath.Join(l.dir, "key")})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(db)
	for n := range l.tenants {
		tenant, err := s.AddTenant(ctx, fmt.Sprint("Company ", n+1))
		if err != nil {
			t.Fatal(err)
		}
		// On a cluster numbers have gaps.
		if _, err := db.Exec("UPDATE tenants SET id = ? WHERE id = ?", n+1, tenant.ID); err != nil {
			t.Fatal(err)
		}
		p, department := l.at(int64(n + 1))
		_, err = s.EditConnection(ctx, box, int64(n+1), func(e *store.ConnectionEdit) error {
			e.UsePlugin(pluginName)
			e.Portal, e.Plain["departments"], e.Plain["rate_limit"] = "127.0.0.1", fmt.Sprint(department), "enterprise"
			e.Secret["webhook_url"] = secret.New(p.webhook)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		first := l.slots(t, int64(n+1), epoch.Add(24*time.Hour))[0]
		_, err = db.Exec("INSERT INTO crm_schedules (tenant_id, rule, zone, slot_at, next_at, updated_at) VALUES (?, ?, 'UTC', ?, ?, UTC_TIMESTAMP(6))",
			n+1, rule(int64(n+1)), first.at, first.start)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// rule is a tenant's schedule: some every hour, some every two.
func rule(tenant int64) string {
	if tenant%2 == 0 {
		return "hourly"
	}
	return "every 2h"
}

// slot is an instant of a tenant's schedule, and when its run is to start.
type slot struct {
	tenant    int64
	at, start time.Time
}

func (s slot) String() string {
	return fmt.Sprintf("%d %s", s.tenant, s.at.UTC().Format(time.DateTime))
}

// slots are those of a tenant that start from the epoch until an instant.
func (l *lab) slots(t testing.TB, tenant int64, until time.Time) (all []slot) {
	t.Helper()
	spec, err := schedule.Parse(schedule.Text{Rule: rule(tenant), Zone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	for at := spec.Next(epoch); ; at = spec.Next(at) {
		start := spec.Start(at, schedule.Offset(tenant, spread))
		if start.After(until) {
			return all
		}
		all = append(all, slot{tenant, at, start})
	}
}

// addHost makes the data of a host, which trusts the plugin.
func (l *lab) addHost(t *testing.T, i int) {
	t.Helper()
	h := &host{number: i, name: fmt.Sprint("host", i), dir: filepath.Join(l.dir, fmt.Sprint("host", i)), road: l.ground.road(i)}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h.env = l.environment(h, l.template, h.dir)
	trust := exec.Command(os.Args[0], "plugins", "trust", pluginName)
	trust.Env, trust.Dir = h.env, h.dir
	if out, err := trust.CombinedOutput(); err != nil {
		t.Fatalf("trust the plugin: %v\n%s", err, out)
	}
	l.hosts = append(l.hosts, h)
}

// environment of a host in a round with a database and a folder.
func (l *lab) environment(h *host, database, folder string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "TMPDIR=" + os.TempDir(),
		"BOOKING_DSN=" + h.road.Through(l.ground.account(h.number, database)),
		"BOOKING_DATA_DIR=" + filepath.Join(h.dir, "data"), "BOOKING_PLUGIN_DIR=" + built,
		"BOOKING_SECRET_KEY_FILE=" + filepath.Join(l.dir, "key", "secret.key"),
		"BOOKING_HTTP_PORTALS=127.0.0.1", "BOOKING_ADDR=127.0.0.1:0",
		"BOOKING_LEASE=" + l.ground.lease().String(), "BOOKING_RUNS_PER_PORTAL=10",
		"BOOKING_TIME_ZONE=UTC", "BOOKING_SPREAD=" + spread.String(),
		"BOOKING_LOG_LEVEL=debug", "BOOKING_LOG_FILE=" + filepath.Join(folder, h.name+".log"), "BOOKING_LOCALE=en",
		envClock + "=" + filepath.Join(l.dir, "clock"),
	}
}

// copyTemplate makes a round's database.
func (l *lab) copyTemplate(ctx context.Context, t testing.TB) string {
	t.Helper()
	name := l.ground.create(t)
	db, err := l.ground.open(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range lines(t, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = '"+l.template+"'") {
		execute(t, db, fmt.Sprintf("CREATE TABLE `%s`.`%s` LIKE `%s`.`%[2]s`", name, table, l.template))
		execute(t, db, fmt.Sprintf("INSERT INTO `%s`.`%s` SELECT * FROM `%s`.`%[2]s`", name, table, l.template))
	}
	return name
}

func execute(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

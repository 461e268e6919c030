package migrations_test

import (
	"testing"

	"github.com/go-sql-driver/mysql"

	"booking/migrations"
	"booking/shared/testdb"
	"booking/shared/testdb/proxy"
)

// The first look begins nothing: a connection that breaks at it is no failure.
func TestTheFirstLookIsTakenAgainWhenItsConnectionBreaks(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	mustUp(t, open(t, dsn), all...)
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []migrations.Set{migrations.Host, migrations.Bitrix24} {
		for _, place := range []proxy.Place{proxy.Before, proxy.After} {
			p := proxy.New(t, config)
			db := open(t, p.Through(config))
			looks := p.Rule(proxy.Match{Statement: "SELECT"}, proxy.CutAt(1, place))
			if applied, err := set.Up(t.Context(), db); err != nil || len(applied) > 0 || looks.Count() < 2 {
				t.Errorf("%s: applied %v, error %v after %d statements", set.Name, applied, err, looks.Count())
			}
		}
	}
}

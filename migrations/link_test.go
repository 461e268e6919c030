package migrations_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/migrations"
	"booking/migrations/existing"
	"booking/shared/testdb"
)

func TestPluginsWithoutADatabaseGetTheirColumns(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	existing.Create(t, testdb.Open(t, dsn), existing.Older)
	db := open(t, dsn)
	for _, set := range []migrations.Set{migrations.Host, migrations.Bitrix24} {
		mustUp(t, db, set)
	}
	long := strings.Repeat("a", 56) + "_user_id"
	columns := []string{"csv_user_id", "directory_user_id", long, "host_user_id"}
	var group sync.WaitGroup
	for _, column := range columns {
		for range 2 { // two hosts at once
			group.Go(func() { mustUp(t, open(t, dsn), migrations.Link(column)) })
		}
	}
	group.Wait()
	table := definitions(t, db)["users"]
	for _, column := range append(columns, "bitrix24_user_id") {
		if strings.Count(table, "`"+column+"` varchar(255)") != 1 || strings.Count(table, ",`"+column+"`)") != 1 {
			t.Errorf("%s wants one column and one index:\n%s", column, table)
		}
		set := migrations.Link(column)
		if satisfied, err := set.Satisfied(t.Context(), db); err != nil || !satisfied {
			t.Errorf("%s: satisfied %v, error %v", column, satisfied, err)
		}
		if applied, err := set.Up(t.Context(), db); err != nil || len(applied) > 0 {
			t.Errorf("%s again: applied %v, error %v", column, applied, err)
		}
	}
	if diff := cmp.Diff(table, definitions(t, db)["users"]); diff != "" {
		t.Errorf("a second time changed something:\n%s", diff)
	}
	got := states(t, db, migrations.Link("csv_user_id"))
	if diff := cmp.Diff(map[string]migrations.State{"csv_user_id_users_link": migrations.StateApplied}, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

package link

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/migrations/internal/schema"
)

const linkColumn = "bitrix24_user_id"

const link Column = linkColumn

func text(name string) schema.Column {
	return schema.Column{Name: name, DataType: "varchar", FullType: "varchar(255)", Length: 255, Nullable: true, HasDefault: true}
}

func users(indexes map[string]schema.Index, columns ...string) *schema.Table {
	t := &schema.Table{Name: "users", Columns: map[string]schema.Column{}, Indexes: indexes}
	for _, name := range append(columns, "id", "tenant_id") {
		t.Columns[strings.ToLower(name)] = text(name)
	}
	return t
}

func index(usable bool, parts ...schema.Part) map[string]schema.Index {
	return map[string]schema.Index{link.indexName(): {Name: link.indexName(), Usable: usable, Parts: parts}}
}

func TestWhatIsMissingIsOneStatementAtATime(t *testing.T) {
	t.Parallel()
	tenant, own := schema.Part{Column: "tenant_id"}, schema.Part{Column: linkColumn}
	short, long := schema.Part{Column: linkColumn, Prefix: 18}, schema.Part{Column: linkColumn, Prefix: 19}
	const (
		columns = "ADD COLUMN `bitrix24_user_id`"
		first   = "ADD INDEX `users_tenant_id_bitrix24_user_id_index` ("
		second  = "ADD INDEX `users_tenant_id_bitrix24_user_id_index_2` ("
	)
	for name, c := range map[string]struct {
		table *schema.Table
		want  string
	}{
		"nothing there":                   {users(nil), columns},
		"names are compared without case": {users(index(true, tenant, own), "BITRIX24_User_ID", "Phone", "Position"), ""},
		"only position missing":           {users(nil, linkColumn, "phone"), "users` ADD COLUMN `position` VARCHAR(255) NULL, ALGORITHM=INSTANT"},
		"columns, no index":               {users(nil, columns3()...), first},
		"composite":                       {users(index(true, tenant, own), columns3()...), ""},
		"link alone":                      {users(index(true, own), columns3()...), ""},
		"link before the tenant":          {users(index(true, own, tenant), columns3()...), ""},
		"more columns":                    {users(index(true, tenant, own, schema.Part{Column: "id"}), columns3()...), ""},
		"prefix of 19":                    {users(index(true, tenant, long), columns3()...), ""},
		"prefix of 18":                    {users(index(true, tenant, short), columns3()...), second},
		"something between":               {users(index(true, tenant, schema.Part{Column: "id"}, own), columns3()...), second},
		"an expression first":             {users(index(true, schema.Part{}, own), columns3()...), second},
		"tenant alone":                    {users(index(true, tenant), columns3()...), second},
		"not usable":                      {users(index(false, tenant, own), columns3()...), second},
	} {
		got := link.next(c.table)
		if c.want == "" && got != nil || c.want != "" && (got == nil || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: %q, wanted %q", name, got, c.want)
		}
	}
}

func columns3() []string { return []string{linkColumn, "phone", "position"} }

func TestTheLastVariantIsOneThatEveryServerUnderstands(t *testing.T) {
	t.Parallel()
	for _, table := range []*schema.Table{users(nil), users(nil, columns3()...)} {
		variants := link.next(table)
		if last := variants[len(variants)-1]; strings.Contains(last, "ALGORITHM") || strings.Contains(last, "LOCK") {
			t.Errorf("the last of %q", variants)
		}
	}
}

func TestAPhoneMayBeAnyTextButTheLinkMayNot(t *testing.T) {
	t.Parallel()
	accepted := map[string]bool{}
	for _, name := range columns3() {
		for _, dataType := range []string{"varchar", "char", "text", "tinytext", "int", "json"} {
			table := users(nil, columns3()...)
			c := text(name)
			c.DataType, c.FullType = dataType, dataType
			table.Columns[name] = c
			if link.refuse(table) == nil {
				accepted[name+" "+dataType] = true
			}
		}
	}
	want := map[string]bool{linkColumn + " varchar": true, linkColumn + " char": true}
	for _, name := range []string{"phone", "position"} {
		for _, dataType := range []string{"varchar", "char", "text", "tinytext"} {
			want[name+" "+dataType] = true
		}
	}
	if diff := cmp.Diff(want, accepted); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}

func TestATableOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	table := users(nil)
	delete(table.Columns, "tenant_id")
	for name, c := range map[string]*schema.Table{"no table": nil, "no tenant": table} {
		if link.refuse(c) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestIndexNamesFitTheServersLimit(t *testing.T) {
	t.Parallel()
	long := Column(strings.Repeat("a", 56) + "_user_id")
	for _, c := range []Column{link, long, "x_user_id", Column(strings.Repeat("a", 33) + "_user_id")} {
		table := users(nil, c.columns()...)
		table.Indexes = map[string]schema.Index{}
		for range 3 {
			name := c.freeName(table)
			if len(name) > 64 {
				t.Errorf("%s: %d characters", name, len(name))
			}
			table.Indexes[name] = schema.Index{}
		}
	}
	if long.indexName() == Column(strings.Repeat("b", 56)+"_user_id").indexName() {
		t.Error("two long columns share the name of an index")
	}
}

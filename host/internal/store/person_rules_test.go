package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/uptrace/bun"
)

func TestPersonsValuesAreChecked(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.exec(t, "ALTER TABLE users MODIFY phone VARCHAR(20) CHARACTER SET latin1 NULL")
	for name, c := range map[string]struct {
		change func(*PersonEdit)
		field  string
		holder int64
	}{
		"no name":                  {func(e *PersonEdit) { e.Name = " \n" }, FieldName, 0},
		"long name":                {func(e *PersonEdit) { e.Name = strings.Repeat("ж", 256) }, FieldName, 0},
		"NUL in the name":          {func(e *PersonEdit) { e.Name = "a\x00b" }, FieldName, 0},
		"broken name":              {func(e *PersonEdit) { e.Name = "a\x00\xff" }, FieldName, 0},
		"no address":               {func(e *PersonEdit) { e.Email = "nobody" }, FieldEmail, 0},
		"address of a colleague":   {func(e *PersonEdit) { e.Email = "SECOND@x.example" }, FieldEmail, m.second},
		"one the database equates": {func(e *PersonEdit) { e.Email = "sécond@x.example" }, FieldEmail, m.second},
		"address of a stranger":    {func(e *PersonEdit) { e.Email = "foreign@x.example" }, FieldEmail, 0},
		"role above":               {func(e *PersonEdit) { e.Role = RoleSuperAdmin }, FieldRole, 0},
		"no role":                  {func(e *PersonEdit) { e.Role = "boss" }, FieldRole, 0},
		"long phone":               {func(e *PersonEdit) { e.Phone = strings.Repeat("1", 256) }, FieldPhone, 0},
		"longer than the column":   {func(e *PersonEdit) { e.Phone = strings.Repeat("1", 21) }, FieldPhone, 0},
		"not in the column's set":  {func(e *PersonEdit) { e.Phone = "сто двенадцать" }, FieldPhone, 0},
		"link with a zero":         {func(e *PersonEdit) { e.Link = "07" }, FieldLink, 0},
		"link zero":                {func(e *PersonEdit) { e.Link = "0" }, FieldLink, 0},
		"negative link":            {func(e *PersonEdit) { e.Link = "-7" }, FieldLink, 0},
		"link beyond 2^63-1":       {func(e *PersonEdit) { e.Link = "9223372036854775808" }, FieldLink, 0},
		"words for a link":         {func(e *PersonEdit) { e.Link = "seven" }, FieldLink, 0},
		"link of a colleague":      {func(e *PersonEdit) { e.Link = " 7 " }, FieldLink, m.anna},
	} {
		e := m.changed(t, m.boss, c.change)
		_, err := m.SavePerson(m.ctx, e)
		wantMistake(t, name, err, c.field, c.holder)
		e.ID, e.Seen = 0, ""
		if c.field != FieldEmail {
			e.Email = "fresh@x.example"
		}
		_, err = m.SavePerson(m.ctx, e)
		wantMistake(t, name+", for somebody new", err, c.field, c.holder)
	}
	if n := len(listUsers(t, m.bundle, UserFilter{})); n != 4 {
		t.Errorf("%d users", n)
	}
	// Another tenant's number is another person's.
	if saved, err := m.SavePerson(m.ctx, m.changed(t, m.boss, func(e *PersonEdit) { e.Link = "8" })); err != nil || saved.Link != "8" {
		t.Errorf("%+v, error %v", saved, err)
	}
	// All of them are told at once.
	_, err := m.SavePerson(m.ctx, m.changed(t, m.anna, func(e *PersonEdit) { e.Name, e.Role, e.Link = "", "boss", "x" }))
	var found *MistakesError
	if !errors.As(err, &found) || len(found.Mistakes) != 3 {
		t.Errorf("%v", err)
	}
}

// Where the link is unique over all tenants, a stranger's is only taken.
func TestPersonsLinkOfAStrangerIsOnlyTakenWhereItIsUnique(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.exec(t, "ALTER TABLE users ADD UNIQUE INDEX users_link_unique ("+linkField+")")
	_, err := m.SavePerson(m.ctx, m.changed(t, m.anna, func(e *PersonEdit) { e.Link = "8" }))
	wantMistake(t, "a stranger's number", err, FieldLink, 0)
	wantText(t, err, "уже занято", "already taken")
}

// A value that breaks a rule today and has been there all the time keeps nobody from
// changing another one.
func TestPersonWithOldOddValuesCanBeChanged(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.exec(t, "UPDATE users SET name = ' two  spaces \r\n', email = 'no address', "+linkField+" = '007', role = 'manager' WHERE id = ?", m.anna)
	e := m.edit(t, m.anna)
	e.Name = strings.NewReplacer("\r", "", "\n", "").Replace(e.Name) // as an input of one line hands it back
	e.Phone = "112"
	saved, err := m.SavePerson(m.ctx, e)
	if err != nil || saved.Name != " two  spaces \r\n" || saved.Email != "no address" || saved.Link != "007" || saved.Phone != "112" {
		t.Errorf("%+v, error %v", saved, err)
	}
}

func TestPersonOfAnotherTenantAndAboveIsOutOfReach(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	super := m.row(t, m.tenant, "Super", "super@x.example", RoleSuperAdmin, nil)
	e := m.edit(t, m.anna)
	e.ID = m.theirs
	if _, err := m.SavePerson(m.ctx, e); !errors.Is(err, ErrNotFound) {
		t.Errorf("another tenant's: %v", err)
	}
	if _, err := m.Person(m.ctx, m.tenant, m.theirs, m.shape); !errors.Is(err, ErrNotFound) {
		t.Errorf("reading another tenant's: %v", err)
	}
	e = m.changed(t, super, func(e *PersonEdit) { e.Name = "x" })
	if _, err := m.SavePerson(m.ctx, e); !errors.Is(err, ErrForbidden) {
		t.Errorf("above: %v", err)
	}
	e.By.Role = RoleSuperAdmin
	if saved, err := m.SavePerson(m.ctx, e); err != nil || saved.Name != "x" || saved.Role != RoleSuperAdmin {
		t.Errorf("their own kind: %+v, error %v", saved, err)
	}
}

func TestPersonThatSomebodyElseChangedIsNotOverwritten(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	for _, change := range []string{"name = 'From The Portal'", "email = 'portal@x.example'", "phone = '113'", linkField + " = '77'", "role = 'manager'", "is_active = 0"} {
		e := m.changed(t, m.anna, func(e *PersonEdit) { e.Phone = "112" })
		m.exec(t, "UPDATE users SET "+change+" WHERE id = ?", m.anna)
		now := m.edit(t, m.anna)
		_, err := m.SavePerson(m.ctx, e)
		var stale *StaleError
		if !errors.As(err, &stale) || !errors.Is(err, ErrStale) || stale.Now.Version() != now.Seen {
			t.Errorf("%s: %v", change, err)
		}
		if m.edit(t, m.anna).Seen != now.Seen {
			t.Errorf("%s: it was overwritten", change)
		}
	}
	// What the form does not show is nobody's conflict: somebody signs in beside us.
	e := m.changed(t, m.anna, func(e *PersonEdit) { e.Phone = "112" })
	m.exec(t, "UPDATE users SET remember_token = 'x', password = 'y', updated_at = NOW() WHERE id = ?", m.anna)
	if _, err := m.SavePerson(m.ctx, e); err != nil {
		t.Error(err)
	}
}

// Neither the words nor the work tell whether it is a colleague's address or a stranger's.
func TestPersonsTakenAddressCostsTheSameWhoeverHoldsIt(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	asked := map[string]int{}
	for _, email := range []string{"second@x.example", "foreign@x.example"} {
		hook := &countingHook{}
		s := New(m.DB().WithQueryHook(hook))
		if _, err := s.SavePerson(m.ctx, m.changed(t, m.anna, func(e *PersonEdit) { e.Email = email })); !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		asked[email] = hook.n
	}
	if asked["second@x.example"] != asked["foreign@x.example"] || asked["foreign@x.example"] < 4 {
		t.Errorf("statements: %v", asked)
	}
}

type countingHook struct{ n int }

func (h *countingHook) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	h.n++
	return ctx
}

func (*countingHook) AfterQuery(context.Context, *bun.QueryEvent) {}

func TestPersonsLastAdministratorStays(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.row(t, m.other, "Foreign Admin", "boss@b.example", RoleAdmin, nil)
	demote, deactivate := func(e *PersonEdit) { e.Role = RoleManager }, func(e *PersonEdit) { e.Active = false }
	if _, err := m.SavePerson(m.ctx, m.changed(t, m.second, deactivate)); err != nil {
		t.Fatalf("one of two: %v", err)
	}
	_, err := m.SavePerson(m.ctx, m.changed(t, m.boss, demote))
	wantMistake(t, "demoted beside an inactive one", err, FieldRole, 0)
	_, err = m.SavePerson(m.ctx, m.changed(t, m.boss, deactivate))
	wantMistake(t, "deactivated beside an inactive one", err, FieldActive, 0)
	wantText(t, err, "последний активный администратор", "last active administrator")
	// The inactive one may go, and everything else of the last one may change.
	if _, err := m.SavePerson(m.ctx, m.changed(t, m.second, demote)); err != nil {
		t.Error(err)
	}
	if _, err := m.SavePerson(m.ctx, m.changed(t, m.boss, func(e *PersonEdit) { e.Name = "Chief" })); err != nil {
		t.Error(err)
	}
}

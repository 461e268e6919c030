package connect

import (
	"context"
	"errors"
	"os"
	"testing"

	"booking/host/internal/hosttest"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/crmtest"
	"booking/shared/secret"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// house is a service on a database of its own, with a plugin in process: what has to
// happen between two statements cannot be made with a real one.
type house struct {
	crmtest.Fake
	*Service
	t       *testing.T
	tenant  int64
	items   []crm.ImportedSettings
	migrate func()
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx := t.Context()
	db := hosttest.Database(t, testdb.New(t))
	box := hosttest.Box(t, db)
	h := &house{t: t, migrate: func() {}}
	h.Service = &Service{Store: store.New(db), Box: box, Plugins: inProcess{h}}
	tenant, err := h.Store.AddTenant(ctx, "Ромашка")
	if err != nil {
		t.Fatal(err)
	}
	h.tenant = tenant.ID
	return h
}

// inProcess is the only plugin of a house.
type inProcess struct{ h *house }

func (p inProcess) Describe(ctx context.Context, _ string) (crm.Plugin, crm.Description, func(), error) {
	d, err := p.h.Describe(ctx)
	return p.h.Fake, d, func() {}, err
}

func (p inProcess) Migrate(context.Context, string) ([]string, error) {
	p.h.migrate()
	return nil, nil
}

func (p inProcess) ImportSettings(_ context.Context, _ string, _ secret.Text, _ int64, out func(crm.ImportedSettings) error) error {
	for _, item := range p.h.items {
		if err := out(item); err != nil {
			return err
		}
	}
	return nil
}

// older is what the older server has for the house's tenant.
func (h *house) older(token string, enabled bool) {
	h.items = []crm.ImportedSettings{{TenantID: h.tenant, Enabled: enabled, Settings: crm.Settings{"portal": secret.New("old.example"), "token": secret.New(token)}}}
}

// byHand changes the connection as somebody in front of a page does.
func (h *house) byHand(token string) {
	h.t.Helper()
	_, err := h.Save(h.t.Context(), Change{TenantID: h.tenant, Plugin: "fake", Secret: map[string]secret.Text{"token": secret.New(token)}})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) imports(i Import) (steps []ImportStep) {
	h.t.Helper()
	i.Plugin = "fake"
	if err := h.Import(h.t.Context(), inProcess{h}, i, func(s ImportStep) error { steps = append(steps, s); return nil }); err != nil {
		h.t.Fatal(err)
	}
	return steps
}

func (h *house) token() string {
	h.t.Helper()
	c, err := h.Store.Connection(h.t.Context(), h.Box, h.tenant)
	if err != nil {
		h.t.Fatal(err)
	}
	return c.Secret["token"].Reveal()
}

// Somebody saves the connection between the look and the import's own saving: it is
// theirs, whether there was one before or not.
func TestAnImportThatIsOvertakenOverwritesNothing(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(h *house){
		"a first connection": func(*house) {},
		"an imported one": func(h *house) {
			h.older("token-1", true)
			if steps := h.imports(Import{Apply: true}); len(steps) != 1 || !steps[0].Done || steps[0].Action != ActionConnect {
				t.Fatalf("%+v", steps)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			before(h)
			h.older("token-2", true)
			h.migrate = func() {
				h.migrate = func() {}
				h.byHand("by hand")
			}
			steps := h.imports(Import{Apply: true})
			if len(steps) != 1 || steps[0].Done || steps[0].Action != ActionKeep || steps[0].Reason != ReasonChangedHere || h.token() != "by hand" {
				t.Errorf("%+v, token %q", steps, h.token())
			}
			if steps := h.imports(Import{Apply: true, Overwrite: true}); !steps[0].Done || h.token() != "token-2" {
				t.Errorf("%+v, token %q", steps, h.token())
			}
		})
	}
}

func TestAnImportLeavesAnotherCRMAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.Store.EditConnection(t.Context(), h.Box, h.tenant, func(e *store.ConnectionEdit) error {
		e.UsePlugin("another")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.older("token-1", true)
	steps := h.imports(Import{Apply: true, Overwrite: true})
	if c, err := h.Store.Connection(t.Context(), h.Box, h.tenant); err != nil || c.Plugin != "another" || steps[0].Action != ActionKeep || steps[0].Reason != ReasonAnotherPlugin {
		t.Errorf("%+v, %+v, %v", steps, c, err)
	}
}

// Who listens to an import may end it; what was saved until then stays.
func TestAnImportEndsWithItsListener(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.older("token-1", false)
	enough := errors.New("enough")
	err := h.Import(t.Context(), inProcess{h}, Import{Plugin: "fake", Apply: true}, func(ImportStep) error { return enough })
	if !errors.Is(err, enough) || h.token() != "token-1" {
		t.Errorf("%v, token %q", err, h.token())
	}
}

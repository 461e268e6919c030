package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/host/internal/secrets"
	"booking/shared/crm"
	"booking/shared/secret"
)

const webhook = "https://portal.example/rest/1/s3cr3t/"

// connect makes a connection as a first `crm connect` does.
func connect(t *testing.T, b bundle, tenant int64) Connection {
	t.Helper()
	c, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
		if !e.New || !e.Enabled {
			t.Errorf("a new connection begins as %+v", e)
		}
		e.UsePlugin("acme")
		e.Plain["departments"] = "1,2"
		e.Secret["webhook_url"] = secret.New(webhook)
		e.Portal, e.LinksPortal = "portal.example", "portal.example"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAConnectionIsKeptWithItsSecretSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	connect(t, b, tenant)
	c, err := b.Connection(b.ctx, b.box, tenant)
	if err != nil {
		t.Fatal(err)
	}
	if c.Plugin != "acme" || !c.Enabled || c.Portal != "portal.example" || c.LinksPortal != "portal.example" || c.CreatedAt.IsZero() {
		t.Errorf("%+v", c)
	}
	settings := c.Settings()
	if settings.Get("webhook_url") != webhook || settings.Get("departments") != "1,2" || len(settings) != 2 {
		t.Errorf("settings %v", settings)
	}
	for _, query := range []string{"SELECT sealed FROM crm_secrets", "SELECT settings FROM crm_connections"} {
		var stored []byte
		if err := b.DB().QueryRowContext(b.ctx, query).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(stored, []byte("s3cr3t")) {
			t.Errorf("the secret is readable: %s", query)
		}
	}
}

func TestConnectAgainChangesWhatIsGivenAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	before := connect(t, b, tenant)
	sealed := sealedSecret(t, b, tenant)
	_, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
		if e.New {
			t.Error("the connection is not new")
		}
		e.UsePlugin("acme")
		e.Enabled = false
		e.Plain["sync_phone"] = "true"
		e.Plain["departments"] = "" // given empty: back to its default
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Connection(b.ctx, b.box, tenant)
	if err != nil {
		t.Fatal(err)
	}
	if c.Enabled || c.Portal != "portal.example" || c.Settings().Get("webhook_url") != webhook || !c.CreatedAt.Equal(before.CreatedAt) {
		t.Errorf("%+v", c)
	}
	if diff := cmp.Diff(map[string]string{"sync_phone": "true"}, c.Plain); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(sealed, sealedSecret(t, b, tenant)) {
		t.Error("a secret that nobody changed was sealed anew")
	}
}

func sealedSecret(t *testing.T, b bundle, tenant int64) []byte {
	t.Helper()
	var sealed []byte
	if err := b.DB().QueryRowContext(b.ctx, "SELECT sealed FROM crm_secrets WHERE tenant_id = ?", tenant).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestASecretIsReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	connect(t, b, tenant)
	for _, value := range []string{"https://portal.example/rest/1/another/", ""} {
		_, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
			e.Secret["webhook_url"] = secret.New(value)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := b.Connection(b.ctx, b.box, tenant)
		if err != nil || c.Settings().Get("webhook_url") != value {
			t.Errorf("error %v, or not the value that was set", err)
		}
	}
	if n := count(t, b, "crm_secrets"); n != 0 {
		t.Errorf("%d secrets are left", n)
	}
}

func count(t *testing.T, b bundle, table string) int {
	t.Helper()
	var n int
	if err := b.DB().QueryRowContext(b.ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnotherPluginForgetsTheFormerOnesSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	connect(t, b, tenant)
	c, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
		e.UsePlugin("other")
		return nil
	})
	if err != nil || c.Plugin != "other" || c.Portal != "" || c.LinksPortal != "" || len(c.Settings()) != 0 {
		t.Errorf("%+v, error %v", c, err)
	}
	if n := count(t, b, "crm_secrets"); n != 0 {
		t.Errorf("%d secrets are left", n)
	}
}

// From acme to another CRM and back: acme's links are still in their column, and
// mean people of the portal that they came from, whichever is connected now.
func TestATenantThatComesBackKeepsWhoseItsLinksAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	connect(t, b, tenant)
	for _, run := range []struct {
		portal string
		mode   crm.Mode
		status Status
	}{
		{"first.example", crm.ModeApply, StatusSucceeded},
		{"preview.example", crm.ModePreview, StatusSucceeded},
		{"refused.example", crm.ModeApply, StatusFailed}, // portal_changed: nothing was written
	} {
		r := Run{TenantID: tenant, Plugin: "acme", Portal: run.portal, Mode: run.mode, Trigger: "cli"}
		if err := b.StartRun(b.ctx, &r, time.Minute); err != nil {
			t.Fatal(err)
		}
		r.Status = run.status
		if err := b.FinishRun(b.ctx, &r); err != nil {
			t.Fatal(err)
		}
	}
	for _, move := range []struct{ plugin, want string }{{"other", ""}, {"acme", "first.example"}} {
		c, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
			e.UsePlugin(move.plugin)
			return nil
		})
		if err != nil || c.LinksPortal != move.want {
			t.Errorf("%s: links of %q, want %q, error %v", move.plugin, c.LinksPortal, move.want, err)
		}
	}
}

func TestARefusedEditSavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	refusal := errors.New("unknown key")
	_, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
		e.UsePlugin("acme")
		e.Secret["webhook_url"] = secret.New(webhook)
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("error %v", err)
	}
	if n := count(t, b, "crm_connections") + count(t, b, "crm_secrets"); n != 0 {
		t.Errorf("%d rows were written", n)
	}
	if _, err := b.Connection(b.ctx, b.box, tenant); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if _, err := b.EditConnection(b.ctx, b.box, 999, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown tenant: %v", err)
	}
}

func TestEditsAtOnceKeepEachOthersChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	const editors = 6
	var wait sync.WaitGroup
	for i := range editors {
		wait.Go(func() {
			_, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
				e.UsePlugin("acme")
				e.Plain[fmt.Sprintf("key%d", i)] = "x"
				e.Secret[fmt.Sprintf("secret%d", i)] = secret.New("y")
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	c, err := b.Connection(b.ctx, b.box, tenant)
	if err != nil || len(c.Plain) != editors || len(c.Secret) != editors {
		t.Errorf("%d settings, %d secrets, error %v", len(c.Plain), len(c.Secret), err)
	}
}

func TestASecretOfAnotherTenantDoesNotOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, other := b.tenant(t, "A").ID, b.tenant(t, "B").ID
	connect(t, b, one)
	connect(t, b, other)
	b.exec(t, "UPDATE crm_secrets a JOIN crm_secrets b ON b.tenant_id = ? SET a.sealed = b.sealed WHERE a.tenant_id = ?", one, other)
	_, err := b.Connection(b.ctx, b.box, other)
	if !errors.Is(err, secrets.ErrDoesNotOpen) {
		t.Fatalf("error %v", err)
	}
	wantText(t, err, "не расшифровывается", "cannot be decrypted")
}

func TestAfterARotationTheFormerKeySealsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	b.exec(t, "DELETE FROM booking_keys")
	old, err := secrets.Unlock(b.ctx, b.DB(), secrets.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	b.box = old
	tenant := b.tenant(t, "A").ID
	connect(t, b, tenant)
	if n, err := secrets.Rotate(b.ctx, b.DB(), secrets.Options{DataDir: dir}, secret.Text{}); n != 1 || err != nil {
		t.Fatalf("%d secrets, error %v", n, err)
	}
	_, err = b.EditConnection(b.ctx, old, tenant, func(*ConnectionEdit) error {
		t.Error("the edit runs")
		return nil
	})
	if !errors.Is(err, ErrKeyChanged) {
		t.Errorf("error %v", err)
	}
	fresh, err := secrets.Unlock(b.ctx, b.DB(), secrets.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := b.Connection(b.ctx, fresh, tenant); err != nil || c.Settings().Get("webhook_url") != webhook {
		t.Errorf("after the rotation: error %v", err)
	}
}

func TestLinksAreDroppedTogetherWithTheChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant, other := people(t, b)
	connect(t, b, tenant)
	_, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
		e.LinksPortal, e.DropLinks = "", linkField
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for want, id := range map[int]int64{0: tenant, 1: other} {
		if n, err := b.LinkCount(b.ctx, id, linkField); n != want || err != nil {
			t.Errorf("tenant %d: %d links, error %v", id, n, err)
		}
	}
	if err := b.RememberLinksPortal(b.ctx, tenant, "new.example"); err != nil {
		t.Fatal(err)
	}
	if c, err := b.Connection(b.ctx, b.box, tenant); err != nil || c.LinksPortal != "new.example" {
		t.Errorf("%+v, error %v", c, err)
	}
}

func TestASecretThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.EditConnection(b.ctx, b.box, b.tenant(t, "A").ID, func(e *ConnectionEdit) error {
		e.UsePlugin("acme")
		e.Secret["webhook_url"] = secret.New(strings.Repeat("x", 8200))
		return nil
	})
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
	if n := count(t, b, "crm_connections"); n != 0 {
		t.Errorf("%d connections were written", n)
	}
}

// A mark of an import is there until somebody saves the connection here, be it with a
// program that does not know of marks.
func TestAConnectionIsAsImportedUntilItIsSavedHere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	save := func(imported bool, found bool) {
		t.Helper()
		_, err := b.EditConnection(b.ctx, b.box, tenant, func(e *ConnectionEdit) error {
			if e.WasImported != found {
				t.Errorf("found as imported: %v, want %v", e.WasImported, found)
			}
			e.UsePlugin("acme")
			e.Imported = imported
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if as, err := b.AsImported(b.ctx, tenant); err != nil || as != imported {
			t.Errorf("as imported: %v, %v", as, err)
		}
	}
	save(true, false)
	save(true, true)
	save(false, true) // within the same second
	save(false, false)
	save(true, false)
	if err := b.RememberLinksPortal(b.ctx, tenant, "portal.example"); err != nil { // a run does not count
		t.Fatal(err)
	}
	if as, err := b.AsImported(b.ctx, tenant); err != nil || !as {
		t.Errorf("after a run: %v, %v", as, err)
	}
	for _, change := range []string{"updated_at = updated_at + INTERVAL 1 SECOND", "plugin = 'other', updated_at = updated_at - INTERVAL 1 SECOND"} {
		if _, err := b.DB().ExecContext(b.ctx, "UPDATE crm_connections SET "+change); err != nil {
			t.Fatal(err)
		}
		if as, err := b.AsImported(b.ctx, tenant); err != nil || as {
			t.Errorf("%s: %v, %v", change, as, err)
		}
	}
}

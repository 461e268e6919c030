package plugins

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"booking/shared/crm"
	"booking/shared/crmtest"
)

func TestPluginIsMigratedAndDescribeIsNot(t *testing.T) {
	t.Parallel()
	var granted atomic.Int64
	k, _ := newKeeper(t, "", func(o *Options) {
		o.Grant = func(_ context.Context, column string) error {
			if column != "fake_user_id" {
				t.Errorf("rights for the column %q", column)
			}
			granted.Add(1)
			return nil
		}
	})
	_, d, release, err := k.Describe(t.Context(), "fake")
	if err != nil || d.Name != "fake" || granted.Load() != 0 {
		t.Fatalf("%+v, %v, granted %d times", d, err, granted.Load())
	}
	release()
	for range 2 {
		_, _, release, err := k.Plugin(t.Context(), "fake")
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	if granted.Load() != 1 {
		t.Errorf("granted %d times", granted.Load())
	}
	if _, err := k.Migrate(t.Context(), "fake"); err != nil || granted.Load() != 2 {
		t.Errorf("%v, granted %d times", err, granted.Load())
	}
}

func TestAMigrationThatFailsIsTold(t *testing.T) {
	t.Parallel()
	k, folder := newKeeper(t, "migrate fail")
	if _, _, _, err := k.Plugin(t.Context(), "fake"); crm.CodeOf(err) != crm.CodeDatabase {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, crmtest.FaultFile), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Reload(t.Context(), "fake"); err != nil {
		t.Errorf("reload of a mended plugin: %v", err)
	}
}

func TestAClosedKeeperStartsNothing(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t, "")
	k.Close(t.Context())
	for _, name := range []string{"fake", "never"} {
		if _, _, _, err := k.Plugin(t.Context(), name); crm.CodeOf(err) != crm.CodePluginLost {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnUnknownNameLeavesNothing(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t, "")
	var missing *crm.Error
	if _, err := k.Reload(t.Context(), "nobody"); !errors.As(err, &missing) || missing.Code != crm.CodePluginMissing {
		t.Errorf("got %v", err)
	}
	if got := k.Status(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

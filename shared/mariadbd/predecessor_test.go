package mariadbd

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A server that hears no signal must not keep its folder for ever.
func TestADeafPredecessorIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	deaf, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := deaf.process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := waitForPredecessor(ctx, filepath.Join(dir, "data"), 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	<-deaf.Done()
	next, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatalf("after the deaf one: %v", err)
	}
	if err := next.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

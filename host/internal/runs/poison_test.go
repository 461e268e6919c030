package runs

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"booking/host/internal/store"
)

// hostPoison names the tenant whose run kills the host that carries it out; the process
// of the test binary is then a host that carries out whatever else there is (main_test).
const hostPoison = "RUNS_TEST_HOST_POISON"

// poisoned starts hosts, one after the other, until the tenant's run is left alone, as
// systemd would, and returns how many died.
func (f *fixture) poisoned(tenant, run int64) (dead int) {
	f.t.Helper()
	for {
		host := exec.Command(os.Args[0])
		host.Env = append(os.Environ(), hostDSN+"="+f.dsn, hostData+"="+f.data, fmt.Sprintf("%s=%d", hostPoison, tenant))
		host.Stderr = os.Stderr
		if err := host.Start(); err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(func() { _ = host.Process.Kill() })
		died := make(chan error, 1)
		go func() { died <- host.Wait() }()
		over := false
		f.wait("the host dies, or the run is left alone and the others are done", func() bool {
			select {
			case <-died:
				return true
			default:
			}
			over = f.number(fmt.Sprintf("SELECT COUNT(*) FROM crm_runs WHERE id = %d AND status = 'interrupted'", run)) == 1 &&
				f.number("SELECT COUNT(*) FROM crm_runs WHERE retry = 0 AND status IN ('queued', 'running')") == 0
			return over
		})
		if over {
			_ = host.Process.Kill()
			return dead
		}
		dead++
		// Nobody waits for a lease here.
		if _, err := f.Store.DB().Exec("UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE active_tenant IS NOT NULL"); err != nil {
			f.t.Fatal(err)
		}
	}
}

func TestARunThatKeepsKillingItsHostHoldsUpNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	poison := f.queue(f.tenant("poison"), "schedule")
	var innocent []store.Run
	for range 12 {
		innocent = append(innocent, f.queue(f.tenant("innocent"), "schedule"))
	}
	dead := f.poisoned(poison.TenantID, poison.ID)
	for _, run := range innocent {
		if end := f.until(run.ID, store.StatusSucceeded); end.Lost > 3 {
			t.Errorf("an innocent run lost its host %d times", end.Lost)
		}
	}
	end := f.until(poison.ID, store.StatusInterrupted)
	if dead != end.Attempt || dead > 5 {
		t.Errorf("%d hosts died of it in %d attempts", dead, end.Attempt)
	}
	attempts, err := f.Store.Attempts(t.Context(), end)
	if err != nil || len(attempts) != end.Attempt {
		t.Fatalf("%+v, error %v", attempts, err)
	}
	for _, attempt := range attempts[:len(attempts)-1] {
		if attempt.Reason != store.AttemptLost || !strings.HasPrefix(attempt.Host, "sleeper") {
			t.Errorf("%+v", attempt)
		}
	}
}

// Package endtoend drives the real programs, booking-host and a CRM plugin,
// against a real database and a simulated portal, and checks what
// design/contract.md promises to people and scripts outside.
//
// The scripts in testdata read like documentation: one file for each part of the
// contract. What needs two processes at once, a kill at a certain statement or a
// database that goes away is Go code here: killed_test.go, database_test.go and so on.
//
// When all tests are done, everything they wrote is searched for every secret they
// used (leak_test.go).
package endtoend

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"booking/shared/testdb"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Many of these tests wait (for a lease, for a silent plugin) and need no processor
	// meanwhile: more of them at once than there are processors.
	_ = flag.Set("test.parallel", "6")
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if built, err = build("", dir); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	if collected, err = newEvidence(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	stop := collected.watchProcesses()
	code := testdb.Main(m)
	stop()
	if err := collected.noSecrets(); err != nil {
		fmt.Fprintln(os.Stderr, "--- FAIL: a secret in what the tests wrote")
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

package crmhost_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"booking/shared/crmhost"
)

// roleVariable makes the test binary play another program.
const (
	roleVariable = "CRMHOST_TEST_ROLE"
	rootVariable = "CRMHOST_TEST_ROOT"
)

var roles = map[string]func() int{"host": playHost}

// playHost starts the plugin below rootVariable, prints its pid and waits to be
// killed.
func playHost() int {
	root := os.Getenv(rootVariable)
	found, err := crmhost.Find(filepath.Join(root, "plugins"), "fake")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p, err := crmhost.Start(context.Background(), crmhost.Options{Found: found, Trust: crmhost.Trust{Path: filepath.Join(root, "data", "trust.json")}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(p.PID())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

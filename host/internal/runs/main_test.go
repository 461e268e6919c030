package runs

import (
	"os"
	"testing"

	"booking/shared/testdb"
)

func TestMain(m *testing.M) {
	if os.Getenv(hostDSN) != "" {
		os.Exit(asHost())
	}
	os.Exit(testdb.Main(m))
}

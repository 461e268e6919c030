package mail

import (
	"os"
	"testing"

	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

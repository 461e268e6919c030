package ddl

import (
	"database/sql/driver"
	"errors"
	"io"
	"regexp"
	"slices"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// Number returns the server's error number, 0 when err did not come from it.
func Number(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// IsDuplicate reports that what was to be made is there already (table 1050,
// column 1060, index 1061) or what was to go is gone (1091): look again.
func IsDuplicate(err error) bool {
	return slices.Contains([]uint16{1050, 1060, 1061, 1091}, Number(err))
}

// IsLockWait reports that another transaction held the table for longer than we
// are willing to make everybody else queue behind us.
func IsLockWait(err error) bool { return Number(err) == 1205 }

// IsUndone reports that the server has rolled the transaction back because somebody
// else went first.
func IsUndone(err error) bool { return Number(err) == 1213 }

// IsTransient reports a failure after which the same statement may succeed:
// lock waits and deadlocks in all their numbers, a cluster node that is between
// two states, a lost connection (facts/mysql-oracle.md 4).
func IsTransient(err error) bool {
	if slices.Contains([]uint16{1047, 1205, 1213, 3058, 3101, 3572}, Number(err)) {
		return true
	}
	return lost(err)
}

func lost(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF)
}

// IsAway reports that there is no connection to the server, or none any more.
func IsAway(err error) bool {
	return lost(err) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
}

// IsMissingTable reports that a statement named a table that does not exist.
func IsMissingTable(err error) bool { return Number(err) == 1146 }

// MissingRight returns the right that the account lacks, as in a GRANT, when
// that is why err happened.
func MissingRight(err error) (right string, missing bool) {
	var e *mysql.MySQLError
	if !errors.As(err, &e) || !slices.Contains([]uint16{1044, 1142, 1143, 1227}, e.Number) {
		return "", false
	}
	if m := deniedCommand.FindStringSubmatch(e.Message); m != nil {
		return m[1], true
	}
	return "CREATE, ALTER, INDEX", true
}

// Both servers begin the message of 1142 with the right: "ALTER command denied to user".
var deniedCommand = regexp.MustCompile(`^([A-Z]+(?:, ?[A-Z]+)*) command denied`)

// unsupported reports that the server cannot do it this way, but perhaps another:
// algorithm or lock not possible (1845, 1846, any state 0A000), unknown (1800,
// 1801), LOCK with INSTANT (1221), too many INSTANT changes of one table (4092).
func unsupported(err error) bool {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return false
	}
	return string(e.SQLState[:]) == "0A000" || slices.Contains([]uint16{1221, 1800, 1801, 1845, 1846, 4092}, e.Number)
}

// tooLong reports an index that the table's row format has no room for.
func tooLong(err error) bool { return slices.Contains([]uint16{1071, 1709}, Number(err)) }

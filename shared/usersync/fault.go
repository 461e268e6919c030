package usersync

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// fault is what an error of the database means for the work that met it.
type fault int

const (
	faultNone fault = iota
	// faultContention: somebody else won; the same work may succeed right away.
	faultContention
	// faultAway: the connection is gone or the server takes no writes at present.
	// If it happened at a COMMIT, nobody knows whether that was done.
	faultAway
	// faultCollision: a unique key refuses a row.
	faultCollision
	// faultValue: a value does not fit its column.
	faultValue
	// faultFatal: anything else.
	faultFatal
)

// faults by server error number. Sources: the MySQL 9 and MariaDB error
// references; those of the first line were measured, see facts/mysql-oracle.md 4.
var faults = map[uint16]fault{
	1205: faultContention, 1213: faultContention, 3572: faultContention, 3058: faultContention, 3101: faultContention,
	1020: faultContention, // MariaDB: record has changed since last read (innodb_snapshot_isolation)
	1040: faultAway,       // too many connections
	1047: faultAway,       // Galera: no quorum, or not ready yet
	1180: faultAway,       // Galera: the quorum was lost while a transaction ended
	3032: faultAway,       // MySQL: offline mode, for example of a member that was put out
	3100: faultAway,       // Group Replication: put out while a transaction ended
	1053: faultAway,       // server shutdown in progress
	1290: faultAway,       // read-only: a secondary, until it takes over
	1836: faultAway,       // running in read-only mode
	1317: faultAway,       // query was killed
	1927: faultAway,       // MariaDB: connection was killed
	4031: faultAway,       // MySQL: disconnected for inactivity
	1062: faultCollision,
	1264: faultValue, 1265: faultValue, 1292: faultValue, 1366: faultValue, 1406: faultValue,
	3669: faultValue, // MySQL: out of range for a JSON_TABLE column
	3819: faultValue, // MySQL: check constraint
	3988: faultValue, // MySQL: impossible conversion of a character
	4025: faultValue, // MariaDB: check constraint
}

// IsAway reports whether the database did not answer, or only "not now": the connection
// is gone or the server takes no writes at present. If it happened at a COMMIT, nobody
// knows whether that was done; anything before it was not.
func IsAway(err error) bool { return faultOf(err) == faultAway }

// IsWorthWaiting is IsAway, but for a host name that nobody knows: that is a mistake, not
// an absence.
func IsWorthWaiting(err error) bool {
	var name *net.DNSError
	if errors.As(err, &name) {
		return name.IsTemporary
	}
	return IsAway(err)
}

// IsContention reports whether somebody else was faster and the server undid the
// statement or the whole transaction: the same work may succeed right away.
func IsContention(err error) bool { return faultOf(err) == faultContention }

// undone reports whether the server says that it has rolled the transaction back.
func undone(err error) bool {
	number := serverError(err)
	return number == 1213 || number == 3101
}

func faultOf(err error) fault {
	var answer *mysql.MySQLError
	var network net.Error
	switch {
	case err == nil:
		return faultNone
	case errors.As(err, &answer):
		if f, ok := faults[answer.Number]; ok {
			return f
		}
		return faultFatal
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded), errors.As(err, &network):
		return faultAway
	}
	return faultFatal
}

var namedCulprit = regexp.MustCompile(`(?s)^.*for (?:key|column) (\S+?)(?: at row \d+)?$`)

// Culprit returns the key (faultCollision) or column (faultValue) that an error
// names, "" when it names none. MySQL writes 'users.users_email_unique' where
// MariaDB writes 'users_email_unique', and MariaDB writes `db`.`users`.`name`
// where MySQL writes 'name'.
func Culprit(err error) string {
	var answer *mysql.MySQLError
	if !errors.As(err, &answer) {
		return ""
	}
	words := namedCulprit.FindStringSubmatch(answer.Message)
	if words == nil {
		return ""
	}
	word := words[1][strings.LastIndexByte(words[1], '.')+1:]
	return strings.Trim(word, "'`")
}

// serverError returns the number of an error that a server sent, or 0.
func serverError(err error) uint16 {
	var answer *mysql.MySQLError
	if errors.As(err, &answer) {
		return answer.Number
	}
	return 0
}

package secrets

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// ErrWrongKey says that the key does not fit the database.
var ErrWrongKey = errors.New("wrong key")

// checkPlace is where the check value is sealed; no tenant has the id 0.
var checkPlace = Place{Field: "check"}

// checkText is what the check value says.
const checkText = "this key fits"

// Options say where the host's key comes from.
type Options struct {
	// DataDir holds the key's file; it is made with mode 0700 when it is not there.
	DataDir string
	// Key is that of BOOKING_SECRET_KEY; empty: the file in DataDir.
	Key secret.Text
}

// Unlock finds the key that fits the database and returns its Box. On a database
// without a check value the key (generated in Dir, unless one is given) becomes the
// database's key; any number of hosts may do that at once, all get the same answer
// or ErrWrongKey. It also ends a rotation that was killed halfway.
//
// A key that does not fit is ErrWrongKey with a sentence that says what to do.
func Unlock(ctx context.Context, db *bun.DB, o Options) (*Box, error) {
	if !o.Key.Empty() {
		key, err := ParseKey(o.Key)
		if err != nil {
			return nil, err
		}
		return settle(ctx, db, o, key)
	}
	ring, err := openKeyring(ctx, o.DataDir)
	if err != nil {
		return nil, err
	}
	defer ring.close()
	return ring.unlock(ctx, db, o)
}

// unlock takes the key of the ring that fits, and puts it in its place.
func (r *keyring) unlock(ctx context.Context, db *bun.DB, o Options) (*Box, error) {
	current, next, err := r.read()
	if err != nil {
		return nil, err
	}
	// A killed rotation may still be committing at the server: its lock says when it is done.
	check, err := readCheck(ctx, db, next != nil)
	if err != nil {
		return nil, err
	}
	if next != nil && check != nil && fits(*next, check) {
		if err := r.promote(); err != nil {
			return nil, err
		}
		current = next
	}
	if current == nil && check != nil {
		return nil, wrongKey(o)
	}
	if current == nil {
		fresh, err := NewKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		if err := r.create(fresh); err != nil {
			return nil, err
		}
		current = &fresh
	}
	return settle(ctx, db, o, *current)
}

// settle makes the key the database's when that has none, and checks that it fits.
func settle(ctx context.Context, db *bun.DB, o Options, key Key) (*Box, error) {
	box, err := NewBox(key, rand.Reader)
	if err != nil {
		return nil, err
	}
	check, err := readCheck(ctx, db, false)
	if err == nil && check == nil {
		check, err = writeCheck(ctx, db, box)
	}
	if err != nil {
		return nil, err
	}
	if _, err := box.Open(checkPlace, check); err != nil {
		return nil, wrongKey(o)
	}
	box.check = check
	return box, nil
}

// Check is the check value of the database that the Box was unlocked for.
func (b *Box) Check() []byte { return b.check }

// fits reports whether a key opens a check value.
func fits(key Key, check []byte) bool {
	box, err := NewBox(key, rand.Reader)
	if err != nil {
		return false
	}
	_, err = box.Open(checkPlace, check)
	return err == nil
}

// readCheck returns nil when the database has no check value. With wait it comes
// after a rotation that is going on.
func readCheck(ctx context.Context, db bun.IDB, wait bool) ([]byte, error) {
	query := db.NewSelect().Table("booking_keys").Column("check_value").Where("id = 1")
	if wait {
		query.For("UPDATE")
	}
	var check []byte
	err := query.Scan(ctx, &check)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return check, database("read the check value of the key", err)
}

// database explains an error of the database to people; nil, and what is explained
// already, stay as they are.
func database(doing string, err error) error {
	var said *problem.Error
	if err == nil || errors.As(err, &said) {
		return err
	}
	return usersync.DatabaseError(fmt.Errorf("%s: %w", doing, err))
}

// duplicateKey is the server's error number when another host was faster.
const duplicateKey = 1062

// writeCheck gives the database the box's check value and returns the one that is
// there now: another host's, if that was faster. Secrets whose check value is lost
// keep the right to say whose key it is.
func writeCheck(ctx context.Context, db *bun.DB, box *Box) ([]byte, error) {
	if err := probe(ctx, db, box); err != nil {
		return nil, err
	}
	check, err := box.Seal(checkPlace, secret.New(checkText))
	if err != nil {
		return nil, err
	}
	_, err = db.NewRaw("INSERT INTO booking_keys (id, check_value, created_at) VALUES (1, ?, ?)", check, time.Now().UTC()).Exec(ctx)
	var server *mysql.MySQLError
	if err != nil && (!errors.As(err, &server) || server.Number != duplicateKey) {
		return nil, database("write the check value of the key", err)
	}
	return readCheck(ctx, db, false)
}

// probe opens one stored secret, if there are any.
func probe(ctx context.Context, db *bun.DB, box *Box) error {
	var row sealedRow
	err := db.NewSelect().Model(&row).Column("tenant_id", "plugin", "field", "sealed").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return database("read a stored secret", err)
	}
	if _, err := box.Open(row.place(), row.Sealed); err != nil {
		return wrongKey(Options{})
	}
	return nil
}

// sealedRow is a row of crm_secrets.
type sealedRow struct {
	bun.BaseModel `bun:"table:crm_secrets"`

	TenantID int64  `bun:"tenant_id,pk"`
	Plugin   string `bun:"plugin,pk"`
	Field    string `bun:"field,pk"`
	Sealed   []byte `bun:"sealed"`
}

func (r sealedRow) place() Place {
	return Place{TenantID: r.TenantID, Plugin: r.Plugin, Field: r.Field}
}

func wrongKey(o Options) error {
	text := crm.Text{
		RU: "Ключ шифрования не подходит к этой базе данных: проверьте BOOKING_SECRET_KEY или папку данных BOOKING_DATA_DIR",
		EN: "The encryption key does not fit this database: check BOOKING_SECRET_KEY or the data directory BOOKING_DATA_DIR",
	}
	switch {
	case !o.Key.Empty():
		text = crm.Text{
			RU: "BOOKING_SECRET_KEY не подходит к этой базе данных: верните прежний ключ или укажите базу, для которой этот ключ создан",
			EN: "BOOKING_SECRET_KEY does not fit this database: put the former key back, or name the database that this key was made for",
		}
	case o.DataDir != "":
		text = crm.Text{
			RU: fmt.Sprintf("Ключ из папки данных %s не подходит к этой базе данных (или его там нет): укажите прежнюю папку (BOOKING_DATA_DIR) или прежний ключ (BOOKING_SECRET_KEY)", o.DataDir),
			EN: fmt.Sprintf("The key in the data directory %s does not fit this database (or is not there): name the former directory (BOOKING_DATA_DIR) or the former key (BOOKING_SECRET_KEY)", o.DataDir),
		}
	}
	return problem.New(ErrWrongKey, text, nil)
}

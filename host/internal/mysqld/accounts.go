package mysqld

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Names in the private database. PluginUser is an account as GRANT takes it
// (usersync.Grants).
const (
	Database   = "booking"
	PluginUser = "'" + pluginUser + "'@'localhost'"
)

const (
	rootUser   = "root"
	hostUser   = "booking"
	pluginUser = "booking_plugin"
)

// accounts are the passwords of the private database. They are hexadecimal, so
// that no statement and no DSN has to quote them.
type accounts struct {
	Root   string `json:"root"`
	Host   string `json:"host"`
	Plugin string `json:"plugin"`
}

// makeAccounts reads the passwords, or makes them: the server is given them at each
// start, so that a lost file heals itself. Only the owner calls it.
func makeAccounts(path string) (accounts, error) {
	a, err := readAccounts(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errAccounts) {
		return a, err
	}
	for _, password := range []*string{&a.Root, &a.Host, &a.Plugin} {
		random := make([]byte, 24)
		if _, err := rand.Read(random); err != nil {
			return accounts{}, fmt.Errorf("draw a password: %w", err)
		}
		*password = hex.EncodeToString(random)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return accounts{}, err
	}
	return a, writePrivate(path, string(text))
}

var errAccounts = errors.New("the file of the passwords is damaged")

func readAccounts(path string) (accounts, error) {
	var a accounts
	text, err := os.ReadFile(path)
	if err != nil {
		return a, err
	}
	if json.Unmarshal(text, &a) != nil || a.Root == "" || a.Host == "" || a.Plugin == "" {
		return accounts{}, errAccounts
	}
	return a, nil
}

// statements bring the accounts and the database to what they should be, from
// whatever they are; one statement a line, as an init file wants it. A fresh owner
// starts the plugins' account without privileges; when the server is only started
// again under running plugins, they keep theirs.
func (a accounts) statements(fresh bool) string {
	lines := []string{
		// Root from elsewhere, without a password: unreachable without a network, gone all the same.
		"DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'",
		"FLUSH PRIVILEGES",
		fmt.Sprintf("ALTER USER 'root'@'localhost' IDENTIFIED BY '%s'", a.Root),
		"CREATE DATABASE IF NOT EXISTS `" + Database + "` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'localhost' IDENTIFIED BY '%s'", hostUser, a.Host),
		fmt.Sprintf("ALTER USER '%s'@'localhost' IDENTIFIED BY '%s'", hostUser, a.Host),
		fmt.Sprintf("GRANT ALL PRIVILEGES ON `%s`.* TO '%s'@'localhost'", Database, hostUser),
		fmt.Sprintf("CREATE USER IF NOT EXISTS %s IDENTIFIED BY '%s'", PluginUser, a.Plugin),
		fmt.Sprintf("ALTER USER %s IDENTIFIED BY '%s'", PluginUser, a.Plugin),
	}
	if fresh {
		lines = append(lines, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM "+PluginUser)
	}
	return strings.Join(lines, ";\n") + ";\n"
}

// writePrivate puts a file there whole, mode 0600.
func writePrivate(path, text string) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// EnsurePluginAccount gives the account of plugins these privileges; the statements
// are those of usersync.Grants for PluginUser and Database. Those of several plugins
// add up. The account begins with none each time that an owner starts, so what a
// plugin no longer asks for does not stay.
func (i *Instance) EnsurePluginAccount(ctx context.Context, grants []string) error {
	db, err := openAccount(i.account(rootUser, i.accounts.Root, ""))
	if err != nil {
		return fmt.Errorf("open the private database: %w", err)
	}
	defer db.Close()
	for _, grant := range grants {
		if _, err := db.ExecContext(ctx, grant); err != nil {
			return fmt.Errorf("give plugins their privileges: %w", err)
		}
	}
	return nil
}

// check signs in as the host.
func (i *Instance) check(ctx context.Context) error {
	db, err := openAccount(i.account(hostUser, i.accounts.Host, Database))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.PingContext(ctx)
}

// openAccount keeps the driver from writing to standard error.
func openAccount(c *mysql.Config) (*sql.DB, error) {
	c.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

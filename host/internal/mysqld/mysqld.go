// Package mysqld runs the private MariaDB of a host that was given no DSN.
//
// Everything lies in the folder mysql of the data directory (0700): data, socket,
// log, passwords. One process owns the server: it starts it, starts it again when
// it dies, and stops it. Other processes on the same data directory attach to the
// running one. Who owns and who uses is decided by locks of the kernel (flock),
// which no kill can leave behind.
package mysqld

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/secret"
)

// Role is how a process comes to the private database.
type Role string

// The roles.
const (
	// Owner is for a process that stays (serve): no other owner may be there.
	Owner Role = "owner"
	// Attach is for a command: it uses the server that runs, or owns one for the
	// time it lives.
	Attach Role = "attach"
)

const (
	// startPatience is how long Open waits for another process that starts, stops,
	// or owns the server only for the length of a command.
	startPatience = time.Minute
	// stopPatience is how long an Owner waits for commands that still use the server.
	stopPatience = 30 * time.Second
	// commandPatience is the same for a command that owns: it has nothing else to do,
	// and the others should end well.
	commandPatience = 15 * time.Minute
	// poll is the time between two looks at a lock.
	poll = 50 * time.Millisecond
)

// Options of Open.
type Options struct {
	// DataDir is the host's data directory; it is made with mode 0700.
	DataDir string
	Role    Role
	// Log is told what takes long; nil: nobody.
	Log *slog.Logger
	// Locale of the log lines, "ru" or "en".
	Locale string
	// StopPatience is how long Close waits for other processes that use the server;
	// 0: 30 seconds for an Owner, 15 minutes for a command.
	StopPatience time.Duration
}

// Instance is the running private database as one process uses it.
type Instance struct {
	options  Options
	folder   folder
	socket   string
	accounts accounts
	// users is held shared by a process that attached, nil for the owner.
	users *lock
	// owned is nil for a process that attached.
	owned *owned

	closing  sync.Once
	closeErr error
}

// Open gives the private database: started, or attached to. The first start takes
// about two seconds. Errors are sentences for people: ErrOwned, ErrDiskFull,
// ErrUnwritable, mariadbd.ErrNotInstalled.
func Open(ctx context.Context, o Options) (*Instance, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f, err := makeFolder(o.DataDir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	w := waiter{log: o.Log, locale: o.Locale}
	for {
		instance, err := try(ctx, o, f, &w)
		if instance != nil || err != nil {
			return instance, err
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return nil, f.owner().stillOwned(ctx.Err())
		}
	}
}

// try makes one attempt; nil and no error mean: not now.
func try(ctx context.Context, o Options, f folder, w *waiter) (*Instance, error) {
	mine, err := tryLock(f.ownerLock(), exclusive)
	if err != nil {
		return nil, unwritable(f.path, err)
	}
	if mine != nil {
		return own(ctx, o, f, mine)
	}
	other := f.owner()
	if o.Role == Owner {
		if other.Role == Owner && !other.Stopping {
			return nil, other.owns()
		}
		w.waitFor(other)
		return nil, nil
	}
	return attach(ctx, o, f, other)
}

// attach joins a server that is ready; nil and no error mean: not now.
func attach(ctx context.Context, o Options, f folder, owner ownerState) (*Instance, error) {
	if !owner.Ready || owner.Stopping {
		return nil, nil
	}
	users, err := tryLock(f.usersLock(), shared)
	if err != nil {
		return nil, unwritable(f.path, err)
	}
	if users == nil {
		return nil, nil // the owner is stopping
	}
	i := &Instance{options: o, folder: f, socket: owner.Socket, users: users}
	if i.accounts, err = readAccounts(f.accounts()); err == nil {
		err = i.check(ctx)
	}
	// Between the look at its state and our lock the owner may have begun to stop.
	if again := f.owner(); err != nil || again != owner {
		users.release()
		return nil, ignoreAway(err)
	}
	return i, nil
}

// DSN is the account of the host: everything in the database "booking".
func (i *Instance) DSN() secret.Text { return i.dsn(hostUser, i.accounts.Host, Database) }

// PluginDSN is the account of plugins, which may do what EnsurePluginAccount granted.
func (i *Instance) PluginDSN() secret.Text { return i.dsn(pluginUser, i.accounts.Plugin, Database) }

// Close ends the use of the server. Its owner waits for other processes that use
// it, within bounds, and stops it cleanly. Close may be called more than once.
func (i *Instance) Close() error {
	i.closing.Do(func() {
		if i.owned == nil {
			i.users.release()
			return
		}
		i.closeErr = i.stop()
	})
	return i.closeErr
}

func (i *Instance) dsn(user, password, database string) secret.Text {
	return secret.New(i.account(user, password, database).FormatDSN())
}

func (i *Instance) account(user, password, database string) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName = user, password, "unix", i.socket, database
	return c
}

// folder is the place of everything.
type folder struct{ path string }

func makeFolder(dataDir string) (folder, error) {
	absolute, err := filepath.Abs(dataDir)
	if err != nil {
		return folder{}, err
	}
	f := folder{filepath.Join(absolute, "mysql")}
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		return folder{}, unwritable(absolute, err)
	}
	// The socket and the passwords are in there, whoever made the folder.
	if err := os.Chmod(f.path, 0o700); err != nil {
		return folder{}, unwritable(f.path, err)
	}
	return f, nil
}

func (f folder) ownerLock() string { return filepath.Join(f.path, "owner.lock") }
func (f folder) usersLock() string { return filepath.Join(f.path, "users.lock") }
func (f folder) accounts() string  { return filepath.Join(f.path, "accounts.json") }
func (f folder) initFile() string  { return filepath.Join(f.path, "init.sql") }
func (f folder) socket() string    { return filepath.Join(f.path, "mariadb.sock") }
func (f folder) data() string      { return filepath.Join(f.path, "data") }

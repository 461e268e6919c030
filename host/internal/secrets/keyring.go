package secrets

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/secret"
)

// Names in the data directory.
const (
	keyFile  = "secret.key"
	nextFile = "secret.key.new" // the key that a rotation is changing to
	lockFile = "secret.lock"
)

// keyring is the data directory's keys, locked against every other process. The
// lock is the kernel's: it ends with its holder.
type keyring struct {
	dir  string
	lock *os.File
}

func openKeyring(ctx context.Context, dir string) (*keyring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unwritable(dir, err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unwritable(dir, err)
	}
	for {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return &keyring{dir: dir, lock: lock}, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			lock.Close()
			return nil, fmt.Errorf("lock the key: %w", err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			lock.Close()
			return nil, fmt.Errorf("wait for the key, which another process is changing: %w", ctx.Err())
		}
	}
}

func (r *keyring) close() { r.lock.Close() }

// read returns the key in use and the one a rotation was changing to; nil for none.
func (r *keyring) read() (current, next *Key, err error) {
	if current, err = readKey(filepath.Join(r.dir, keyFile)); err != nil {
		return nil, nil, err
	}
	next, err = readKey(filepath.Join(r.dir, nextFile))
	return current, next, err
}

// create writes the first key. The lock makes it the only one.
func (r *keyring) create(key Key) error { return r.place(key, keyFile) }

// propose writes the key that a rotation is changing to. One that a failed rotation
// left there is overwritten by the next rotation only: until then it may be the key.
func (r *keyring) propose(key Key) error { return r.place(key, nextFile) }

// promote makes the proposed key the one in use.
func (r *keyring) promote() error {
	if err := os.Rename(filepath.Join(r.dir, nextFile), filepath.Join(r.dir, keyFile)); err != nil {
		return unwritable(r.dir, err)
	}
	return syncDir(r.dir)
}

// place puts a key file there whole and on disk, or not at all.
func (r *keyring) place(key Key, name string) error {
	suffix := make([]byte, 6)
	if _, err := rand.Read(suffix); err != nil {
		return fmt.Errorf("name a temporary file: %w", err)
	}
	temporary := filepath.Join(r.dir, name+"."+hex.EncodeToString(suffix))
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return unwritable(r.dir, err)
	}
	defer os.Remove(temporary)
	_, err = file.WriteString(key.Text().Reveal() + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return unwritable(r.dir, err)
	}
	if err := os.Rename(temporary, filepath.Join(r.dir, name)); err != nil {
		return unwritable(r.dir, err)
	}
	return syncDir(r.dir)
}

// readKey returns nil when there is no file. A file that others may read holds no secret.
func readKey(path string) (*Key, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, problem.New(nil, crm.Text{
			RU: fmt.Sprintf("Файл ключа %s открыт другим пользователям: chmod 600 %s", path, path),
			EN: fmt.Sprintf("The key file %s is open to other users: chmod 600 %s", path, path),
		}, nil)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	key, err := ParseKey(secret.New(string(content)))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return &key, nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the data directory: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("write the data directory: %w", err)
	}
	return nil
}

func unwritable(dir string, err error) error {
	return problem.New(nil, crm.Text{
		RU: fmt.Sprintf("В папку данных %s нельзя записать (BOOKING_DATA_DIR): %v", dir, reason(err)),
		EN: fmt.Sprintf("The data directory %s cannot be written to (BOOKING_DATA_DIR): %v", dir, reason(err)),
	}, err)
}

func unreadable(path string, err error) error {
	return problem.New(nil, crm.Text{
		RU: fmt.Sprintf("Файл ключа %s не читается: %v", path, reason(err)),
		EN: fmt.Sprintf("The key file %s cannot be read: %v", path, reason(err)),
	}, err)
}

// reason is the bare cause of a file error, without the path that is named already.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

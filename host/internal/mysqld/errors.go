package mysqld

import (
	"errors"
	"fmt"
	"io/fs"
	"net"

	"golang.org/x/sys/unix"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/mariadbd"
)

// Kinds of errors, for errors.Is; beside them mariadbd.ErrNotInstalled.
var (
	ErrOwned      = errors.New("another host owns the data directory")
	ErrUnwritable = errors.New("the data directory cannot be written to")
	ErrDiskFull   = errors.New("the disk is full")
)

const (
	// roomToStart is what a server needs to come up at all, roomToInstall what a new
	// database takes (90 MB were measured) with something to live on.
	roomToStart   = 16 << 20
	roomToInstall = 256 << 20
)

// enoughRoom refuses to begin what a full disk would end in the middle.
func enoughRoom(f folder) error {
	needed := uint64(roomToStart)
	if !exists(f.data()) {
		needed = roomToInstall
	}
	free, err := freeBytes(f.path)
	if err != nil || free >= needed {
		return nil // a file system that does not tell is not in the way
	}
	return diskFull(f.path, needed, nil)
}

// explain turns an error of the start into a sentence for people.
func explain(f folder, err error) error {
	var said *problem.Error
	switch {
	case errors.As(err, &said):
		return err
	case errors.Is(err, mariadbd.ErrNotInstalled):
		return problem.New(mariadbd.ErrNotInstalled, crm.Text{
			RU: "На этой машине нет сервера MariaDB. Установите его (apt-get install mariadb-server-core mariadb-client-core) или укажите свою базу в BOOKING_DSN",
			EN: "There is no MariaDB server on this machine. Install one (apt-get install mariadb-server-core mariadb-client-core) or name your database in BOOKING_DSN",
		}, nil)
	case errors.Is(err, unix.ENOSPC):
		return diskFull(f.path, roomToStart, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return unwritable(f.path, err)
	}
	if free, statErr := freeBytes(f.path); statErr == nil && free < roomToStart {
		return diskFull(f.path, roomToStart, err)
	}
	return problem.New(nil, crm.Text{
		RU: fmt.Sprintf("Собственная база данных не запустилась: %v", err),
		EN: fmt.Sprintf("The private database did not start: %v", err),
	}, err)
}

func explainText(f folder, err error) crm.Text { return problem.TextOf(explain(f, err)) }

func diskFull(path string, needed uint64, cause error) error {
	return problem.New(ErrDiskFull, crm.Text{
		RU: fmt.Sprintf("Мало места на диске для собственной базы данных (%s): освободите хотя бы %d МБ", path, needed>>20),
		EN: fmt.Sprintf("Too little disk space for the private database (%s): free at least %d MB", path, needed>>20),
	}, cause)
}

func unwritable(path string, err error) error {
	var detail *fs.PathError
	bare := err
	if errors.As(err, &detail) {
		bare = detail.Err
	}
	return problem.New(ErrUnwritable, crm.Text{
		RU: fmt.Sprintf("В папку данных %s нельзя записать (BOOKING_DATA_DIR): %v", path, bare),
		EN: fmt.Sprintf("The data directory %s cannot be written to (BOOKING_DATA_DIR): %v", path, bare),
	}, err)
}

// owns says that a host which stays owns the server.
func (s ownerState) owns() error {
	return problem.New(ErrOwned, crm.Text{
		RU: fmt.Sprintf("Эту папку данных уже использует другой booking-host (процесс %d): остановите его или укажите другую папку в BOOKING_DATA_DIR", s.PID),
		EN: fmt.Sprintf("Another booking-host (process %d) uses this data directory: stop it or name another one in BOOKING_DATA_DIR", s.PID),
	}, nil)
}

// stillOwned says that somebody did not let go, or did not get ready, in time.
func (s ownerState) stillOwned(cause error) error {
	return problem.New(ErrOwned, crm.Text{
		RU: fmt.Sprintf("Собственная база данных занята другим процессом (%d) и не освободилась: подождите, пока он закончит, или остановите его", s.PID),
		EN: fmt.Sprintf("Another process (%d) holds the private database and did not let go: wait for it to end, or stop it", s.PID),
	}, cause)
}

// ignoreAway drops the error of a server that is going away just now.
func ignoreAway(err error) error {
	var dial *net.OpError
	if err == nil || errors.As(err, &dial) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

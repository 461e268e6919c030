package mysqld

import (
	"encoding/json"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	shared    = unix.LOCK_SH
	exclusive = unix.LOCK_EX
)

// lock is a lock of the kernel on a file, which ends with its holder.
type lock struct{ file *os.File }

// tryLock returns nil and no error when somebody else's lock is in the way.
func tryLock(path string, how int) (*lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(file.Fd()), how|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err == nil {
		return &lock{file}, nil
	}
	file.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, err
}

func (l *lock) release() { l.file.Close() }

// ownerState is what an owner tells others, in the file that it has locked.
type ownerState struct {
	PID      int    `json:"pid"`
	Role     Role   `json:"role"`
	Socket   string `json:"socket"`
	Ready    bool   `json:"ready"`
	Stopping bool   `json:"stopping"`
}

// tell writes the state. Readers have no lock: they see the old text, the new one,
// or something that is no JSON yet and counts as "not ready".
func (l *lock) tell(s ownerState) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(text, 0)
	return err
}

// owner reads what the owner tells; the zero state while it tells nothing.
func (f folder) owner() ownerState {
	text, err := os.ReadFile(f.ownerLock())
	if err != nil {
		return ownerState{}
	}
	var s ownerState
	if json.Unmarshal(text, &s) != nil {
		return ownerState{}
	}
	return s
}

// lockWithin takes an exclusive lock, or returns nil after the time given.
func lockWithin(path string, patience time.Duration, waiting func()) *lock {
	deadline := time.Now().Add(patience)
	for {
		l, err := tryLock(path, exclusive)
		if l != nil || err != nil || !time.Now().Before(deadline) {
			return l
		}
		waiting()
		time.Sleep(poll)
	}
}

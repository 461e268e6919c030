package mariadbd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// patience is how long a server that is shutting down may take.
	patience = time.Minute
	// deafAfter is how long one may go on after it was told to end. A server that was
	// told at a bad moment of its start waits for itself for ever (seen: 10.11); the
	// next one recovers what a killed one leaves.
	deafAfter = 20 * time.Second
)

// ErrInUse says that another server works in the folder and does not end.
var ErrInUse = errors.New("another database server works in this folder")

// waitForPredecessor waits until no server has data open. A server whose parent
// was killed gets SIGTERM from the kernel and needs some time to write its pages;
// one that had only begun to start swallows that signal (measured: 10.11), so it is
// sent again. The folder is the caller's alone: nobody else's server is in there.
func waitForPredecessor(ctx context.Context, data string, deafAfter time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begun, told := time.Now(), time.Time{}
	for {
		pid := holder(data)
		if pid == 0 {
			return nil
		}
		if time.Since(told) > time.Second {
			told = time.Now()
			_ = unix.Kill(int(pid), unix.SIGTERM)
			if time.Since(begun) > deafAfter {
				_ = unix.Kill(int(pid), unix.SIGKILL)
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%w (process %d): %w", ErrInUse, pid, ctx.Err())
		}
	}
}

// holder is the process that has the data locked, 0 for none. Aria's control file
// is locked first and InnoDB's system tablespace next, both by fcntl, so the
// kernel knows by whom: no pid file that could be stale.
func holder(data string) int32 {
	for _, name := range []string{"aria_log_control", "ibdata1"} {
		file, err := os.Open(filepath.Join(data, name))
		if err != nil {
			continue
		}
		lock := unix.Flock_t{Type: unix.F_WRLCK}
		err = unix.FcntlFlock(file.Fd(), unix.F_GETLK, &lock)
		file.Close()
		if err == nil && lock.Type != unix.F_UNLCK {
			return lock.Pid
		}
	}
	return 0
}

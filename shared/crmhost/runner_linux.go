package crmhost

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// executable makes the child execute the open file itself: its first extra file is
// descriptor 3, and stays open so that an interpreter can read a script from it.
func executable(file *os.File, _ string) (string, []*os.File) {
	return "/proc/self/fd/3", []*os.File{file}
}

// attributes: a process group of its own, and death with the host.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// reap waits for the process. Its group is killed while it is still a zombie: its
// pid cannot be anybody else's before Wait has returned.
func (c *child) reap() {
	for {
		err := unix.Waitid(unix.P_PID, c.pid(), nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	c.killGroup()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = c.cmd.Wait()
	c.reaped = true
}

// changeTime is the inode's: unlike the time of modification nobody can set it.
func changeTime(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return info.ModTime()
}

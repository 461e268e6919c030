//go:build !linux

package crmhost

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// executable is the path: between the check and the execution it could be
// replaced. Only Linux can execute an open file.
func executable(_ *os.File, path string) (string, []*os.File) { return path, nil }

// attributes: a process group of its own. Without a parent-death signal the end of
// standard input tells the plugin that its host is gone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// reap waits for the process and then kills what is left of its group.
func (c *child) reap() {
	err := c.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.reaped = err, true
	_ = syscall.Kill(-c.pid(), syscall.SIGKILL)
}

func changeTime(info fs.FileInfo) time.Time { return info.ModTime() }

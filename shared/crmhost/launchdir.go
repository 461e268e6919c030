package crmhost

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	launchPrefix = "crm-plugin-"
	// maxTempDir leaves room for the rest of a socket's path: sockaddr_un holds
	// 107 bytes on Linux and 103 elsewhere.
	maxTempDir = 40
	// sweepAge keeps a sweep away from a folder that is just being made.
	sweepAge = time.Minute
)

// launchDir is the folder (0700) of one run of a plugin: its working folder, with
// its socket and its TMPDIR. Nothing of it outlives the plugin. The lock on it
// ends with this process: a folder without one is left over from a host that was
// killed.
type launchDir struct {
	path   string
	lock   *os.File
	remove sync.Once
}

func newLaunchDir() (*launchDir, error) {
	base := os.TempDir()
	if len(base) > maxTempDir {
		base = "/tmp"
	}
	sweep(base, time.Now())
	path, err := os.MkdirTemp(base, launchPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the plugin's socket: %w", err)
	}
	d := &launchDir{path: path}
	if err := d.prepare(); err != nil {
		d.Remove()
		return nil, fmt.Errorf("make a folder for the plugin's socket: %w", err)
	}
	return d, nil
}

func (d *launchDir) prepare() (err error) {
	if d.lock, err = os.Open(d.path); err != nil {
		return err
	}
	if err := flock(d.lock, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	return os.Mkdir(d.temp(), 0o700)
}

func (d *launchDir) temp() string { return filepath.Join(d.path, "tmp") }

// Remove is safe to call more than once.
func (d *launchDir) Remove() {
	d.remove.Do(func() {
		_ = os.RemoveAll(d.path)
		if d.lock != nil {
			d.lock.Close()
		}
	})
}

// sweep removes the launch folders of this user's hosts that are gone.
func sweep(base string, now time.Time) {
	left, _ := filepath.Glob(filepath.Join(base, launchPrefix+"*"))
	for _, path := range left {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || now.Sub(info.ModTime()) < sweepAge {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
			continue
		}
		folder, err := os.Open(path)
		if err != nil {
			continue
		}
		if flock(folder, syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(path)
		}
		folder.Close()
	}
}

package crmhost

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// niceness is what a plugin has at least: people who wait for a page go before it when the
// processors are short. One who ends a sync alone loses nothing by it.
const niceness = 10

// limit bounds a process that has just been started, and what it starts. Data is
// what counts as memory: the address space of a Go program says nothing about
// what it uses. A core dump would write its secrets to disk.
func limit(pid int, l Limits) error {
	for resource, most := range map[int]uint64{unix.RLIMIT_DATA: l.Memory, unix.RLIMIT_NOFILE: l.Files, unix.RLIMIT_CORE: 0} {
		var now unix.Rlimit
		if err := unix.Prlimit(pid, resource, nil, &now); err != nil {
			return err
		}
		most = min(most, now.Max) // only root may go above what this process may
		if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
			return err
		}
	}
	return nil
}

// yield gives the calling thread its niceness, and what it starts from now on. It is the
// thread's for good: only root can take it back. (A process that runs cannot be given one:
// each thread has its own, and the next is made meanwhile. setpriority(2), "C library/kernel
// differences".)
func yield() error {
	const self = 0
	// The system call answers with 20 less the niceness, so that it is never negative.
	now, err := unix.Getpriority(unix.PRIO_PROCESS, self)
	if err == nil && 20-now < niceness { // what is nicer already may stay so
		err = unix.Setpriority(unix.PRIO_PROCESS, self, niceness)
	}
	if err != nil {
		return fmt.Errorf("give the process its niceness: %w", err)
	}
	return nil
}

package crmhost

import "golang.org/x/sys/unix"

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

package mariadbd

import "syscall"

// childAttributes: a process group of its own, and an orderly end when the parent dies.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

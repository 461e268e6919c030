package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// keeper ends every process that names the folder, and removes the folder, as soon as
// standard input ends: when the test is over, or its process is dead, whatever killed
// it. (Servers make themselves daemons and start scripts, so no parent-death signal and no
// process group reaches them all.)
const keeper = `
[ -d "$FOLDER" ] || exit 1
trap '' INT TERM HUP
cat >/dev/null
while
	found=$(printf '%s/' "$FOLDER" | grep -laF -f - /proc/[0-9]*/cmdline 2>/dev/null | sed 's,/proc/,,; s,/cmdline,,')
	[ -n "$found" ]
do
	kill -9 $found 2>/dev/null
	sleep 0.1
done
rm -rf "$FOLDER"
`

// keptFolder makes the cluster's folder; its name is in the arguments of every process
// of the cluster and of no other.
func keptFolder(t testing.TB) (string, error) {
	folder, err := os.MkdirTemp("", "booking-cluster-")
	if err != nil {
		return "", err
	}
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return "", err
	}
	cmd := exec.Command("/bin/sh", "-c", keeper) //nolint:noctx // it must outlive every context
	cmd.Env = append(os.Environ(), "FOLDER="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	life, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start the keeper: %w", err)
	}
	t.Cleanup(func() {
		_ = life.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("end the cluster's processes: %v", err)
		}
	})
	return folder, nil
}

// processes are those that name the folder.
func processes(folder string) (pids []int) {
	if !filepath.IsAbs(folder) {
		panic("every process names this")
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(folder+"/")) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func signal(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s)
	}
}

// gone reports whether a killed process holds nothing any more. Its arguments go first,
// its connections and locks up to seconds later; a zombie that nobody waits for stays.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	return len(threads) <= 1 && bytes.Contains(stat, []byte(") Z "))
}

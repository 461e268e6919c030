package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"booking/shared/crm"
)

// startFaults happen before the handshake.
var startFaults = map[string]func(){
	"true":   func() { os.Exit(0) },
	"exit":   func() { stderr("cannot read my configuration\n"); os.Exit(3) },
	"panic":  func() { panic("no CRM at https://fake.example/rest/1/0123456789abcdef/ today") },
	"signal": func() { _ = syscall.Kill(os.Getpid(), syscall.SIGTERM); forever() },
	"silent": func() { writePID(); forever() },
	"freeze": func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) },
	"usage":  func() { fmt.Println("usage: something else"); forever() },
	"long":   func() { fmt.Print(strings.Repeat("x", 1<<20)); forever() },

	"protocol 0":  func() { shake("0", "unix", socket(), "grpc") },
	"protocol 99": func() { shake("99", "unix", socket(), "grpc") },
	"netrpc":      func() { shake("1", "unix", socket(), "netrpc") },
	"elsewhere":   func() { shake("1", "tcp", "127.0.0.1:9", "grpc") },
	"nobody":      func() { shake("1", "unix", socket(), "grpc") },
	"garbage": func() {
		listener, err := net.Listen("unix", socket())
		if err != nil {
			return
		}
		go shake("1", "unix", socket(), "grpc")
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n\x00\xff\xfegarbage"))
			_ = conn.Close()
		}
	},
	"mute": func() {
		if _, err := net.Listen("unix", socket()); err == nil {
			shake("1", "unix", socket(), "grpc")
		}
	},
	"leave": func() { go shake("1", "unix", socket(), "grpc"); time.Sleep(time.Millisecond); os.Exit(0) },
}

// writePID leaves this process's id in a file beside the executable.
func writePID() {
	path, err := os.Executable()
	if err != nil {
		os.Exit(1)
	}
	_ = os.WriteFile(filepath.Join(filepath.Dir(path), "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600)
}

// shake writes a handshake and serves nothing.
func shake(protocol, network, address, kind string) {
	fmt.Printf("1|%s|%s|%s|%s|\n", protocol, network, address, kind)
	forever()
}

func socket() string { return filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "plugin-none") }

func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

// stderr writes past the pipe that go-plugin puts in the place of os.Stderr.
func stderr(text string) {
	for b := []byte(text); len(b) > 0; {
		n, err := syscall.Write(2, b)
		if err != nil {
			return
		}
		b = b[n:]
	}
}

// die ends the process as a plugin's own goroutine would: out of Serve's reach.
func die(words string) {
	go panic(words)
	forever()
}

// callFaults happen in a call: the fault "configure panic", or the setting "do".
var callFaults = map[string]func(call string) error{
	"panic":   func(call string) error { die("lost in " + call); return nil },
	"exit":    func(string) error { os.Exit(4); return nil },
	"hang":    func(string) error { forever(); return nil },
	"freeze":  func(string) error { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP); forever(); return nil },
	"leak":    func(string) error { leak(); return nil },
	"flood":   func(string) error { flood("20000"); return nil },
	"garbage": func(string) error { garbage(); return nil },
	"fail": func(call string) error {
		return crm.NewError(crm.CodeDatabase, crm.Text{RU: call + " не удался", EN: call + " failed"}, nil)
	},
}

// streamFaults are runs: "changes 1000" is a good one, the others lie or have no end.
var streamFaults = map[string]func(ctx context.Context, argument string, events crm.Events) (crm.SyncResult, error){
	"changes": changes,
	"endless": func(ctx context.Context, _ string, events crm.Events) (crm.SyncResult, error) {
		for ctx.Err() == nil {
			if _, err := changes(ctx, "1000", events); err != nil {
				return crm.SyncResult{}, err
			}
		}
		return crm.SyncResult{}, ctx.Err()
	},
	"lie": func(context.Context, string, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{Counts: crm.Counts{Fetched: 1, Created: 7}}, nil
	},
}

// changes reports so many people as created.
func changes(_ context.Context, count string, events crm.Events) (crm.SyncResult, error) {
	n, _ := strconv.Atoi(count)
	for from := 1; from <= n; from += 500 {
		batch := make([]crm.Change, 0, 500)
		for id := from; id < from+500 && id <= n; id++ {
			text := strconv.Itoa(id)
			batch = append(batch, crm.Change{ExternalID: text, UserID: int64(id), Name: "Person " + text, Email: text + "@example.com", Action: crm.ActionCreated})
		}
		if err := events.Changes(batch); err != nil {
			return crm.SyncResult{}, err
		}
	}
	return crm.SyncResult{Counts: crm.Counts{Fetched: n, Created: n}}, nil
}

// leaked keeps what leak has taken.
var leaked [][]byte

// leak takes memory until there is no more. Without the collector: where that meets the end
// first it dies of a nil pointer, which says nothing of memory.
func leak() {
	debug.SetGCPercent(-1)
	for {
		block := make([]byte, 16<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		leaked = append(leaked, block)
	}
}

// garbage writes what no reader of lines expects.
func garbage() {
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i*i>>3 ^ i)
	}
	stderr(string(noise))
	_, _ = os.Stdout.Write(noise)
}

// requestFaults answer a CheckConnection whose setting "do" is "word argument".
// What they return becomes findings.
var requestFaults = map[string]func(argument string) []string{
	"environ": func(string) []string { return os.Environ() },
	"where": func(string) []string {
		exe, _ := os.Executable()
		dir, _ := os.Getwd()
		return []string{"exe=" + exe, "dir=" + dir, "tmp=" + os.TempDir(), "args=" + strings.Join(os.Args, " ")}
	},
	"stderr":     func(text string) []string { stderr(text + "\n"); return []string{"written"} },
	"stdout":     func(text string) []string { fmt.Println(text); return []string{"written"} },
	"say":        func(text string) []string { return []string{text} },
	"flood":      flood,
	"panic":      func(words string) []string { die(words); return nil },
	"hang":       func(string) []string { forever(); return nil },
	"leak":       func(string) []string { leak(); return nil },
	"garbage":    func(string) []string { garbage(); return []string{"written"} },
	"exit":       func(status string) []string { n, _ := strconv.Atoi(status); os.Exit(n); return nil },
	"freeze":     func(string) []string { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP); forever(); return nil },
	"grandchild": func(string) []string { return grandchild(&syscall.SysProcAttr{}) },
	"runaway":    func(string) []string { return grandchild(&syscall.SysProcAttr{Setsid: true}) },
	"litter": func(string) []string {
		_ = os.WriteFile(filepath.Join(os.TempDir(), "litter"), []byte("x"), 0o600)
		return []string{os.TempDir()}
	},
}

func flood(lines string) []string {
	n, _ := strconv.Atoi(lines)
	for i := range n {
		stderr(`{"@level":"info","@message":"line ` + strconv.Itoa(i) + `"}` + "\n")
	}
	return []string{lines}
}

// standardError stays: a file that the collector takes closes descriptor 2.
var standardError = os.NewFile(2, "stderr")

// grandchild starts a process that holds this one's standard error.
func grandchild(attr *syscall.SysProcAttr) []string {
	cmd := exec.CommandContext(context.Background(), "sleep", "60")
	cmd.Stderr, cmd.SysProcAttr = standardError, attr
	if err := cmd.Start(); err != nil {
		return []string{err.Error()}
	}
	return []string{strconv.Itoa(cmd.Process.Pid)}
}

func findings(lines []string) crm.ConnectionCheck {
	var check crm.ConnectionCheck
	for _, line := range lines {
		check.Findings = append(check.Findings, crm.Finding{Code: "fake", OK: true, Message: crm.Text{RU: line, EN: line}})
	}
	return check
}

package endtoend

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// evidence is everything that the tests wrote or made somebody write, in one
// folder, and the secrets that must not be in it.
type evidence struct {
	dir   string
	count atomic.Int64

	mu      sync.Mutex
	secrets map[string]string // value -> what it is
	samples map[string]bool   // arguments and environments of processes
}

var collected *evidence

func newEvidence(dir string) (*evidence, error) {
	e := &evidence{dir: filepath.Join(dir, "evidence"), secrets: map[string]string{}, samples: map[string]bool{}}
	return e, os.Mkdir(e.dir, 0o700)
}

// secret registers a value that may stand nowhere.
func (e *evidence) secret(what, value string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secrets[value] = what
	return value
}

// add keeps a text.
func (e *evidence) add(name, content string) {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == ' ' || r == 0 {
			return '_'
		}
		return r
	}, name)
	if len(name) > 100 {
		name = name[:100]
	}
	path := filepath.Join(e.dir, fmt.Sprintf("%05d-%s", e.count.Add(1), name))
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		panic("keep what a test wrote: " + err.Error())
	}
}

// private are files that may hold secrets: what an operator would hold them in, and
// the private database's own (its content is dumped by SELECT).
func private(path string) bool {
	switch filepath.Base(path) {
	case "secret.key", "secret.key.new", "accounts.json", "demo-password":
		return true
	}
	return strings.Contains(path, "/secret/") || strings.Contains(path, "/mysql/data/")
}

// addFolder keeps every file of a test's working folder; of those that may hold
// secrets it registers the content as secrets.
func (e *evidence) addFolder(name, dir string) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.Contains(path, "/mysql/data/") {
			return nil
		}
		if info, err := entry.Info(); err != nil || info.Size() > 64<<20 {
			return nil // the plugin's own executable is no larger
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		if private(path) {
			e.registerFile(path, string(content))
			return nil
		}
		if filepath.Base(path) != pluginName { // the executable: its words are the source's
			e.add(name+"-"+filepath.Base(path), string(content))
		}
		return nil
	})
}

// registerFile takes the secrets out of a file that holds them. Addresses and DSN are
// registered by who makes them.
func (e *evidence) registerFile(path, content string) {
	switch filepath.Base(path) {
	case "accounts.json":
		for _, part := range strings.Split(content, `"`) {
			if len(part) >= 32 {
				e.secret("a password of the private database", part)
			}
		}
	default:
		if line := strings.TrimSpace(content); len(line) >= 8 && !strings.ContainsAny(line, "/\n@") {
			e.secret(filepath.Base(path), line)
		}
	}
}

// dump keeps every row of every table of a database.
func (e *evidence) dump(t testing.TB, name string, db *sql.DB) {
	t.Helper()
	var text strings.Builder
	for _, table := range query(t, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()") {
		rows := query(t, db, "SELECT * FROM `"+table+"`")
		fmt.Fprintf(&text, "== %s\n%s\n", table, strings.Join(rows, "\n"))
	}
	e.add(name+"-dump", text.String())
}

// watchProcesses looks at the arguments and environments of all descendants of this
// process, again and again, until the function returned is called.
func (e *evidence) watchProcesses() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		for {
			e.sample(os.Getpid())
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func (e *evidence) sample(parent int) {
	for _, pid := range children(parent) {
		for _, file := range []string{"cmdline", "environ"} {
			before := program(pid)
			content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err != nil || len(content) == 0 {
				continue
			}
			// What the operator puts into the host's own environment the kernel shows for as
			// long as it runs (config.ForgetSecrets): a child of it has not, once it has begun
			// to be a program of its own.
			if now := program(pid); file == "environ" && (now == "" || now != before || now == built.host) {
				continue
			}
			text := strings.ReplaceAll(string(content), "\x00", "\n")
			e.mu.Lock()
			known := e.samples[text]
			e.samples[text] = true
			e.mu.Unlock()
			if !known {
				e.add(file+"-"+filepath.Base(before), text)
			}
		}
		e.sample(pid)
	}
}

// program is what a process executes, "" when it is just ending.
func program(pid int) string {
	path, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return path
}

// children are the processes that a process has started and that live.
func children(parent int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	for _, task := range tasks {
		list, _ := os.ReadFile(task)
		for _, word := range strings.Fields(string(list)) {
			if pid, err := strconv.Atoi(word); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}

// noSecrets is the last test of all.
func (e *evidence) noSecrets() error {
	found, err := findSecrets(e.dir, e.secrets)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return errors.New(strings.Join(found, "\n"))
	}
	return nil
}

// Package mariadbd runs a private MariaDB server as a child process: the
// database of a host that was given no DSN, and the database of the tests.
//
// The server listens on a unix socket only (unless told otherwise), in a folder nobody
// else may enter, and ends when its parent ends, by whatever death.
package mariadbd

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// MaxSocketPath is what fits into sockaddr_un on Linux, with its closing NUL.
const MaxSocketPath = 107

// stopGrace is how long a clean shutdown may take before Stop kills the server.
const stopGrace = 30 * time.Second

// Options say where the server keeps its data and how it is tuned.
type Options struct {
	// Dir holds data, log and (when the path is short enough) the socket.
	// It is made with mode 0700 when it is not there, and belongs to the caller alone.
	Dir string
	// Flags are further mariadbd options, for example "--innodb-buffer-pool-size=256M".
	Flags []string
	// Socket is the path of the unix socket; empty: in Dir, or in a temporary folder
	// when that path is too long for one.
	Socket string
	// Address, for example "127.0.0.1:3307", makes the server listen there as well. Only
	// tests want that: the accounts of a new server have no passwords.
	Address string
	// Path are folders that the server looks for its own scripts in, before PATH.
	Path string
}

// Server is a running mariadbd.
type Server struct {
	socket  string
	tempDir string // holds the socket when Dir is too long for one
	process *os.Process
	done    chan struct{}
	waitErr error
	stop    sync.Once
	logPath string
}

// Start makes the data folder when there is none, starts the server and waits
// until it answers. A folder that a kill left half-made is made again; one that
// holds data is recovered by the server itself. A server that a dead process
// left in the folder is told to stop and waited for, up to a minute (ErrInUse).
func Start(ctx context.Context, o Options) (*Server, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the database folder: %w", err)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("locate the database folder: %w", err)
	}
	data := filepath.Join(dir, "data")
	if err := bin.install(ctx, data); err != nil {
		return nil, err
	}
	for {
		if err := waitForPredecessor(ctx, data, deafAfter); err != nil {
			return nil, err
		}
		s, err := start(ctx, bin, dir, o)
		if err == nil {
			return s, nil
		}
		// A predecessor that had only begun to start held no lock yet when it was looked for.
		if holder(data) == 0 {
			return nil, err
		}
	}
}

// start launches one server and waits until it answers.
func start(ctx context.Context, bin Binaries, dir string, o Options) (*Server, error) {
	s := &Server{socket: o.Socket, done: make(chan struct{}), logPath: filepath.Join(dir, "mariadb.log")}
	if s.socket == "" {
		s.socket = filepath.Join(dir, "mariadb.sock")
	}
	if o.Socket == "" && len(s.socket) > MaxSocketPath {
		var err error
		if s.tempDir, err = os.MkdirTemp("", "mariadb-"); err != nil {
			return nil, fmt.Errorf("make a folder for the database socket: %w", err)
		}
		s.socket = filepath.Join(s.tempDir, "mariadb.sock")
	}
	if err := s.launch(bin, dir, o); err != nil {
		return nil, err
	}
	if err := s.waitReady(ctx); err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}

// Socket is the path of the server's unix socket.
func (s *Server) Socket() string { return s.socket }

// Done is closed when the server has ended, wanted or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// PID is the server's process id.
func (s *Server) PID() int { return s.process.Pid }

// Stop shuts the server down cleanly and waits for it; after 30 seconds it is
// killed. Stop may be called more than once.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		// Told more than once: a server that has only begun to start swallows the signal.
		again := time.NewTicker(time.Second)
		defer again.Stop()
		grace := time.After(stopGrace)
		for ended := false; !ended; {
			_ = s.process.Signal(syscall.SIGTERM)
			select {
			case <-s.done:
				ended = true
			case <-again.C:
			case <-grace:
				_ = s.process.Kill()
				<-s.done
				ended = true
			}
		}
		if s.tempDir != "" {
			_ = os.RemoveAll(s.tempDir)
		}
	})
	<-s.done
	return s.waitErr
}

// Kill ends the server at once, as a power cut would.
func (s *Server) Kill() {
	_ = s.process.Kill()
	<-s.done
}

func (s *Server) launch(bin Binaries, dir string, o Options) error {
	log, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the database log: %w", err)
	}
	defer log.Close()
	temp, err := ownTemp(dir)
	if err != nil {
		return err
	}
	args, err := s.arguments(dir, temp, o)
	if err != nil {
		return err
	}
	// Stop ends it, in order; a context would kill it.
	cmd := exec.CommandContext(context.Background(), bin.Server, args...)
	cmd.Env = environment()
	if o.Path != "" {
		cmd.Env = append(cmd.Env, "PATH="+o.Path+":"+os.Getenv("PATH"))
	}
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: Ctrl-C is for the host, which then stops the database in order.
	cmd.SysProcAttr = childAttributes()
	started := make(chan error)
	go func() {
		// The kernel sends the parent-death signal when the creating thread ends,
		// so that thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		s.process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		s.waitErr = cmd.Wait()
		close(s.done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", bin.Server, err)
	}
	return nil
}

// environment is ours without the service manager's address: the server would tell it
// that it is ready, and is not the service.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "NOTIFY_SOCKET=") })
}

// arguments are the server's command line; the caller's flags come last and win.
func (s *Server) arguments(dir, temp string, o Options) ([]string, error) {
	args := []string{
		"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--socket=" + s.socket,
		"--pid-file=" + filepath.Join(dir, "mariadb.pid"), "--tmpdir=" + temp,
		"--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
	}
	if o.Address == "" {
		args = append(args, "--skip-networking")
	} else {
		host, port, err := net.SplitHostPort(o.Address)
		if err != nil {
			return nil, fmt.Errorf("read the database's address: %w", err)
		}
		args = append(args, "--bind-address="+host, "--port="+port)
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	return append(args, o.Flags...), nil
}

// ownTemp makes the server's own folder for temporary files. A starting server (and the
// installer's) deletes every #sql* file in its tmpdir: in a shared /tmp those of every
// other MariaDB, whose queries then fail with error 6.
func ownTemp(dir string) (string, error) {
	temp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return "", fmt.Errorf("make the database's folder for temporary files: %w", err)
	}
	return temp, nil
}

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answers(ctx, s.socket) {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.done:
			return fmt.Errorf("the private database did not start: %s (whole log: %s)", lastError(s.logPath), s.logPath)
		case <-ctx.Done():
			return fmt.Errorf("wait for the private database: %w", ctx.Err())
		}
	}
}

// lastError is the first error the server logged: the later ones follow from it.
func lastError(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(b)) {
		if _, text, found := strings.Cut(line, "[ERROR]"); found {
			return strings.TrimSpace(text)
		}
	}
	return "it says no reason"
}

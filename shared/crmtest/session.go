package crmtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"booking/shared/crm"
)

// session is one process of the plugin, started as a host does and looked at closer
// than a host would.
type session struct {
	x      *exam
	dir    string // below it: sock, tmp and cwd
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *capture
	stderr *capture
	exited chan struct{}
	// hello is the handshake; the rest is there once connect was called.
	hello  hello
	pair   tls.Certificate
	conn   *grpc.ClientConn
	client *crm.Client
	gone   context.CancelFunc // ends the client's done context
	wanted bool               // this side ended it
}

// launch is how to start a process differently.
type launch struct {
	cookie   string // "": none
	versions string
}

// asAHost is what crmhost does.
func asAHost() launch { return launch{cookie: crm.Handshake.MagicCookieValue, versions: "1"} }

// spawn starts the process and waits for nothing.
func (x *exam) spawn(l launch) (*session, error) {
	dir, err := os.MkdirTemp(x.dir, "s")
	if err != nil {
		return nil, x.fault(err)
	}
	s := &session{x: x, dir: dir, exited: make(chan struct{}), stdout: newCapture(), stderr: newCapture()}
	for _, folder := range []string{"sock", "tmp", "cwd"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			return nil, x.fault(err)
		}
	}
	certificate, pair, err := clientCertificate()
	if err != nil {
		return nil, x.fault(err)
	}
	s.pair = pair
	file := x.File
	if file == nil {
		if file, err = os.Open(x.Executable); err != nil {
			return nil, x.fault(err)
		}
		defer file.Close()
	}
	path := x.Executable
	s.cmd = &exec.Cmd{Args: []string{path}, Dir: filepath.Join(dir, "cwd"), SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, Stdout: s.stdout, Stderr: s.stderr}
	if runtime.GOOS == "linux" { // as crmhost: what was hashed is what runs
		path, s.cmd.ExtraFiles = "/proc/self/fd/3", []*os.File{file}
	}
	s.cmd.Path, s.cmd.Env = path, s.environment(l, certificate)
	// A grandchild that holds the pipes must not hold up the examination.
	s.cmd.WaitDelay = x.within(2 * time.Second)
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, x.fault(err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the executable does not start: %w", err)
	}
	x.all = append(x.all, s)
	go func() {
		_ = s.cmd.Wait()
		s.stdout.end()
		close(s.exited)
	}()
	return s, nil
}

// environment is what a host lets a plugin see.
func (s *session) environment(l launch, certificate []byte) []string {
	env := []string{
		"TMPDIR=" + filepath.Join(s.dir, "tmp"), "PLUGIN_UNIX_SOCKET_DIR=" + filepath.Join(s.dir, "sock"),
		"PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000", "PLUGIN_PROTOCOL_VERSIONS=" + l.versions, "PLUGIN_CLIENT_CERT=" + string(certificate),
	}
	if l.cookie != "" {
		env = append(env, crm.Handshake.MagicCookieKey+"="+l.cookie)
	}
	for _, key := range []string{"PATH", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	return env
}

// start brings a process to the point where it can be asked.
func (x *exam) start(ctx context.Context) (*session, error) {
	s, err := x.spawn(asAHost())
	if err != nil {
		return nil, err
	}
	if err := s.shake(ctx); err != nil {
		s.kill()
		return nil, err
	}
	if err := s.connect(); err != nil {
		s.kill()
		return nil, err
	}
	return s, nil
}

// fresh is a configured process of its own; the caller ends it.
func (x *exam) fresh(ctx context.Context) (*session, error) {
	s, err := x.start(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.client.Describe(ctx)
	if err != nil {
		s.kill()
		return nil, fmt.Errorf("Describe: %w", err)
	}
	if x.description.Name == "" {
		x.description = d
		for _, f := range d.Fields {
			if f.Secret {
				x.canaries.promote(f.Key)
			}
		}
	}
	if err := s.configure(ctx); err != nil {
		s.kill()
		return nil, err
	}
	return s, nil
}

// session is the shared process.
func (x *exam) session(ctx context.Context) (*session, error) {
	if x.shared != nil && !x.shared.hasExited() {
		return x.shared, nil
	}
	s, err := x.fresh(ctx)
	if err != nil {
		return nil, err
	}
	x.shared = s
	return s, nil
}

// shake waits for the handshake.
func (s *session) shake(ctx context.Context) error {
	line, err := s.stdout.firstLine(ctx, s.x.within(10*time.Second))
	if err != nil {
		return fmt.Errorf("no handshake: %w; the plugin said: %s", err, s.lastWords())
	}
	s.hello, err = parseHello(line)
	return err
}

func (s *session) hasExited() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// ends waits for the end of the process.
func (s *session) ends(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-s.exited:
		return true
	case <-timer.C:
		return false
	}
}

// disconnect closes this side's connection.
func (s *session) disconnect() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.gone()
	}
}

// kill ends the process and everything it started.
func (s *session) kill() {
	s.wanted = true
	s.disconnect()
	if !s.hasExited() {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	}
	<-s.exited
}

func (s *session) signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// lastWords is how the process ended, if it did, and the end of what it said.
func (s *session) lastWords() string {
	words := strings.TrimSpace(s.stderr.String())
	if i := strings.LastIndexByte(words, '\n'); i >= 0 {
		words = words[i+1:]
	}
	if s.hasExited() && s.cmd.ProcessState != nil {
		words = s.cmd.ProcessState.String() + ": " + words
	}
	return printable(words)
}

// fault is a failure of this machine.
func (x *exam) fault(err error) error {
	x.broken = fmt.Errorf("examine the plugin: %w", err)
	return x.broken
}

// capture keeps what a process writes, up to a limit.
type capture struct {
	mu    sync.Mutex
	b     bytes.Buffer
	ended bool
	news  chan struct{}
}

const captureLimit = 64 << 20

func newCapture() *capture { return &capture{news: make(chan struct{}, 1)} }

// Write implements io.Writer.
func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.b.Len() < captureLimit {
		c.b.Write(p)
	}
	c.mu.Unlock()
	c.tell()
	return len(p), nil
}

func (c *capture) tell() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

func (c *capture) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.tell()
}

func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}

func (c *capture) firstLine(ctx context.Context, within time.Duration) (string, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		c.mu.Lock()
		line, _ := bufio.NewReader(bytes.NewReader(c.b.Bytes())).ReadString('\n')
		ended := c.ended
		c.mu.Unlock()
		switch {
		case strings.HasSuffix(line, "\n"):
			return strings.TrimSpace(line), nil
		case ended:
			return "", fmt.Errorf("the process ended, its standard output holds %q", printable(line))
		}
		select {
		case <-c.news:
		case <-timer.C:
			return "", fmt.Errorf("not within %s", within)
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// clientCertificate is made as go-plugin makes a host's: ECDSA on P-521, which not
// every TLS library takes.
func clientCertificate() (certificate []byte, pair tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		return nil, pair, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, pair, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost", Organization: []string{"booking"}}, DNSNames: []string{"localhost"},
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageCertSign,
		BasicConstraintsValid: true, SerialNumber: serial, IsCA: true,
		NotBefore: time.Now().Add(-30 * time.Second), NotAfter: time.Now().Add(262980 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, pair, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

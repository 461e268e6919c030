package crm

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// How long a plugin waits at its end. A host that shuts a plugin down kills it
// after 2 s (go-plugin); one that died is not to leave anything behind for more
// than a second.
const (
	firstConnection = 30 * time.Second
	reconnect       = 200 * time.Millisecond
	lastChunk       = 500 * time.Millisecond // for calls when the host is gone
	shutdownChunk   = 1500 * time.Millisecond
	termPatience    = time.Second     // SIGTERM: time for the host to end its calls itself
	termChunk       = 5 * time.Second // SIGTERM: time to stop between two chunks
	termFlush       = 250 * time.Millisecond
)

const exitByHand = 2

// Serve serves the plugin to the host that started this process and never
// returns. It is the last line of a plugin's main:
//
//	func main() { crm.Serve(&bitrix24.Plugin{}) }
//
// It makes [NewLogger] slog's default, turns a panic of a call into
// [CodeInternal], ignores SIGINT (Ctrl-C is the host's to handle), ends after
// SIGTERM with running calls stopped between two chunks, and ends at once when
// the host does, by whatever death. Started by hand it says what it is, exit
// status 2.
func Serve(impl Plugin) {
	if os.Getenv(Handshake.MagicCookieKey) != Handshake.MagicCookieValue {
		fmt.Fprintf(os.Stderr, "%s: это плагин, его запускает booking-host / this is a plugin, booking-host starts it\n", moduleName())
		os.Exit(exitByHand)
	}
	signal.Ignore(os.Interrupt)
	slog.SetDefault(NewLogger())
	p := newProcess()
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go p.watchStdin(os.Stdin)
	go p.watchTerm(term)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{ProtocolVersion: {PluginName: &grpcPlugin{impl: impl, calls: p.calls}}},
		GRPCServer:       p.newServer,
		Logger:           hclog.New(&hclog.LoggerOptions{Name: moduleName(), Level: hclog.Info, Output: processStderr, JSONFormat: true}),
	})
	p.leave(p.connections.exitStatus(), shutdownChunk) // the host said Shutdown, or nothing could be served
}

// process is this plugin's process while it serves, and the one way out of it.
type process struct {
	calls       *calls
	connections *connections
	once        sync.Once
	mu          sync.Mutex
	server      *grpc.Server
}

func newProcess() *process {
	p := &process{calls: newCalls()}
	p.connections = watchConnections(firstConnection, reconnect, func(seen bool) {
		if !seen {
			slog.Error("no host has connected: the plugin exits", "waited", firstConnection.String())
			p.leave(1, 0)
		}
		p.leave(0, lastChunk)
	})
	return p
}

// newServer is go-plugin's factory. The keepalive policy lets a host ping often
// enough to notice a frozen plugin; gRPC's own would hang up on it.
func (p *process) newServer(opts []grpc.ServerOption) *grpc.Server {
	opts = append(opts,
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(MaxMessageBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.StatsHandler(p.connections),
	)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = grpc.NewServer(opts...)
	return p.server
}

// leave stops what runs, waits for it up to patience and ends the process. The
// server is stopped for its socket's sake, which is a file.
func (p *process) leave(status int, patience time.Duration) {
	p.once.Do(func() {
		p.calls.stop()
		p.calls.wait(patience)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.server != nil {
			p.server.Stop()
		}
		os.Exit(status)
	})
}

// watchStdin: a host that starts plugins with shared/crmhost holds the other end
// of standard input and never writes; the end of it is the end of the host. Any
// other standard input (a terminal, /dev/null) is somebody else's.
func (p *process) watchStdin(stdin *os.File) {
	info, err := stdin.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return
	}
	_, _ = io.Copy(io.Discard, stdin)
	p.leave(0, lastChunk)
}

// watchTerm is patient first: when a service manager stops host and plugin with
// one signal, the host ends its own runs, and they are cancelled, not lost.
func (p *process) watchTerm(term <-chan os.Signal) {
	<-term
	if !p.calls.wait(termPatience) {
		p.calls.stop()
		p.calls.wait(termChunk)
		p.flush()
	}
	p.leave(0, 0)
}

// flush gives the last answers time to get out: gRPC cannot say when they have.
func (p *process) flush() {
	p.mu.Lock()
	server := p.server
	p.mu.Unlock()
	done := make(chan struct{})
	go func() {
		server.GracefulStop()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(termFlush):
	}
}

package crmhost_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"booking/shared/crm"
)

// playBare is a plugin with nothing but go-plugin.
func playBare() int {
	fmt.Fprintln(os.Stderr, "pid", os.Getpid())
	plugin.Serve(&plugin.ServeConfig{HandshakeConfig: crm.Handshake, VersionedPlugins: map[int]plugin.PluginSet{1: {"kv": nothing{}}}, GRPCServer: plugin.DefaultGRPCServer})
	return 0
}

// nothing is what playBare serves.
type nothing struct {
	plugin.NetRPCUnsupportedPlugin
}

func (nothing) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (nothing) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

// bareCommand starts playBare. The variable is set for this process: go-plugin puts
// its environment behind the command's own, and the last one counts.
func bareCommand() (*exec.Cmd, error) {
	return exec.Command("/proc/self/exe"), os.Setenv(roleVariable, "bare")
}

// plain is a started client.
type plain struct {
	*plugin.Client
	crm crm.Plugin
	cmd *exec.Cmd
	log *journal
}

func startPlain(change ...func(*plugin.ClientConfig)) (*plain, error) {
	p := &plain{cmd: exec.Command(os.Getenv(rootVariable)), log: &journal{}}
	config := &plugin.ClientConfig{
		StartTimeout:    patience,
		HandshakeConfig: crm.Handshake, VersionedPlugins: crm.VersionedPlugins(), AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Cmd: p.cmd,
		Logger: hclog.New(&hclog.LoggerOptions{Output: p.log, JSONFormat: true, Level: hclog.Trace}),
	}
	for _, c := range change {
		c(config)
	}
	p.Client = plugin.NewClient(config)
	protocol, err := p.Client.Client()
	if err != nil {
		return p, err
	}
	served, err := protocol.Dispense(crm.PluginName)
	if err != nil {
		return p, err
	}
	p.crm = served.(crm.Plugin)
	return p, nil
}

func (p *plain) pid() int { return p.cmd.Process.Pid }

func (p *plain) do(what string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	check, err := p.crm.CheckConnection(ctx, request(what))
	var lines []string
	for _, f := range check.Findings {
		lines = append(lines, f.Message.EN)
	}
	return lines, err
}

// hangs says that f does not return in a long time.
func hangs(f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return false
	case <-time.After(long):
		return true
	}
}

func soon(is func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}

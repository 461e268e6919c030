// Package crmhost is what a server needs to use CRM plugins: find them, know which
// of them the operator trusts, and run one as a process of its own.
//
// [Discover] and [Find] read folders and execute nothing. [Trust] pins what an
// operator has looked at. [Start] runs a trusted plugin and returns a [Process],
// whose [Process.Plugin] is the crm.Plugin on the other side. Everything a plugin
// says is cleaned and bounded, and its end, by whatever cause, is the end of its
// calls and of nothing else. [Supervise] keeps a plugin for a server that runs for
// long: it starts it again when it dies and puts a new version in its place.
//
// Errors are crm.Errors: plugin_missing, plugin_untrusted, plugin_answer (it does
// not speak the contract) or plugin_lost (it died or is silent).
package crmhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"booking/shared/crm"
)

// Options say which plugin to start and how patient to be. Zero durations are the
// defaults.
type Options struct {
	Found Found
	Trust Trust
	// Log receives the plugin's log lines and what happens to its process;
	// slog.Default() when nil.
	Log *slog.Logger
	// Locale of this package's own log lines: "en", or Russian.
	Locale string
	// StartTimeout bounds the time to the first answer (10 s).
	StartTimeout time.Duration
	// StopGrace is what a plugin gets to end after it was told to (5 s).
	StopGrace time.Duration
	// HealthInterval is the time between two questions about its health (3 s).
	HealthInterval time.Duration
	// Silence is how long a question may stay unanswered before the plugin is
	// killed (15 s).
	Silence time.Duration
	// CallTimeout bounds every call but Migrate and a run (3 min); a caller's own
	// deadline may be earlier. The plugin is not killed for being late.
	CallTimeout time.Duration
	// Limits of the process and of what it says.
	Limits Limits
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&o.StartTimeout, 10 * time.Second}, {&o.StopGrace, 5 * time.Second},
		{&o.HealthInterval, 3 * time.Second}, {&o.Silence, 15 * time.Second}, {&o.CallTimeout, 3 * time.Minute},
	} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Limits = o.Limits.withDefaults()
	return o
}

// errStartTimeout is the cause of a start that was given up.
var errStartTimeout = errors.New("no answer within the start timeout")

// Start runs a trusted plugin and asks it to describe itself. The context bounds
// the start only; end the plugin with Stop or Kill. After an error nothing of it
// is left.
func Start(ctx context.Context, o Options) (*Process, error) {
	o = o.withDefaults()
	file, err := o.Trust.open(o.Found)
	if err != nil {
		return nil, err
	}
	return run(ctx, o, file)
}

// run executes the file that was verified.
func run(ctx context.Context, o Options, file *hashedFile) (*Process, error) {
	defer file.Close()
	p, err := prepare(o, file)
	if err != nil {
		return nil, err
	}
	startCtx, cancel := context.WithTimeoutCause(ctx, o.StartTimeout, errStartTimeout)
	defer cancel()
	if err := p.connect(startCtx, file); err != nil {
		died := p.diedUnasked(err)
		p.child.kill()
		p.release()
		return nil, &earlyDeath{error: p.notStarted(startCtx, err, died), words: p.LastWords()}
	}
	go p.follow()
	go p.watchHealth()
	p.log.Info(p.say("плагин запущен", "plugin started"), "version", o.Found.Manifest.Version, "pid", p.PID())
	return p, nil
}

// prepare puts everything in place that a run needs; nothing is executed.
func prepare(o Options, file *hashedFile) (*Process, error) {
	dir, err := newLaunchDir()
	if err != nil {
		return nil, err
	}
	log := o.Log.With("plugin", o.Found.Name)
	secrets := &redactor{}
	words := &lastWords{polish: func(line string) string { return clean(secrets.mask(line), maxValue) }}
	p := &Process{
		options: o, log: log, words: words, secrets: secrets, dir: dir, done: make(chan struct{}), released: make(chan struct{}),
		bridge: &logBridge{log: log, name: o.Found.Name, locale: o.Locale, secrets: secrets, words: words, rate: throttle{clock: time.Now}},
	}
	p.child = newChild(file.File, dir.path, o.Limits, p.bridge.line)
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  crm.Handshake,
		VersionedPlugins: crm.VersionedPlugins(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		// Ours ends first: it knows how to end what go-plugin waits for.
		StartTimeout:     o.StartTimeout + time.Second,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir.path},
		Logger:           hclog.NewNullLogger(),
		SyncStdout:       p.bridge.stray("stdout"),
		SyncStderr:       p.bridge.stray("stderr"),
		GRPCDialOptions:  p.conns.dialOptions(),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			p.child.env = environment(os.Environ(), dir.temp(), cmd.Env)
			return p.child, nil
		},
	})
	return p, nil
}

// connect starts the process, shakes hands and asks for the description. The end
// of ctx kills the process, and with it whatever waits for an answer.
func (p *Process) connect(ctx context.Context, file *hashedFile) error {
	giveUp := context.AfterFunc(ctx, p.child.kill)
	defer giveUp()
	protocol, err := p.client.Client()
	if err != nil {
		return fmt.Errorf("shake hands with the plugin: %w", err)
	}
	p.protocol = protocol
	if !file.unchanged() {
		return untrusted(nil, "программу плагина «%s» изменили во время запуска: проверьте её и выполните booking-host plugins trust %[1]s",
			"the executable of plugin %q was written to while it was being started: look at it and run booking-host plugins trust %[1]s", p.options.Found.Name)
	}
	served, err := protocol.Dispense(crm.PluginName)
	if err != nil {
		return fmt.Errorf("dispense the plugin: %w", err)
	}
	p.remote = served.(crm.Plugin)
	d, err := p.remote.Describe(ctx)
	if err != nil {
		return err
	}
	if p.description, err = checkDescription(d, p.options.Found.Manifest); err != nil {
		return err
	}
	return nil
}

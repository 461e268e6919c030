package crmhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"

	"github.com/hashicorp/go-plugin"

	"booking/shared/crm"
)

// Process is a running plugin. All its methods may be called at any time, from
// any goroutine.
type Process struct {
	options     Options
	log         *slog.Logger
	dir         *launchDir
	child       *child
	client      *plugin.Client
	protocol    plugin.ClientProtocol // nil until hands were shaken
	conns       conns
	remote      crm.Plugin
	description crm.Description
	bridge      *logBridge
	words       *lastWords
	secrets     *redactor

	mu     sync.Mutex
	wanted bool  // under mu: Stop or Kill was called
	cause  error // under mu: why this package killed the plugin

	stop     sync.Once
	done     chan struct{} // the process has ended, all it said has been read
	released chan struct{} // and nothing is left of it
}

// Plugin is the plugin's side of the contract. Its calls fail with plugin_lost
// once the process has ended.
func (p *Process) Plugin() crm.Plugin { return calls{p} }

// Description is what the plugin said about itself at the start.
func (p *Process) Description() crm.Description { return p.description }

// PID is the plugin's process id.
func (p *Process) PID() int { return p.child.pid() }

// Done is closed when the process has ended, wanted or not.
func (p *Process) Done() <-chan struct{} { return p.done }

// LastWords are the text of the plugin's panic, or the last lines it wrote outside
// of its log: cleaned, addresses cut off behind the host's name, known secrets masked.
func (p *Process) LastWords() string { return p.words.String() }

// Err says why the process ended: nil while it runs and after Stop or Kill,
// plugin_lost otherwise.
func (p *Process) Err() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted {
		return nil
	}
	return p.ended()
}

// Stop asks the plugin to end and waits until nothing of it is left. One that has
// not ended after the grace, or when ctx is over, is killed with everything it
// started. Let running calls end first: they are cut off.
func (p *Process) Stop(ctx context.Context) {
	p.setWanted()
	ctx, cancel := context.WithTimeout(ctx, p.options.StopGrace)
	defer cancel()
	// Close blocks for as long as the plugin does not answer.
	p.stop.Do(func() { go func() { _ = p.protocol.Close() }() })
	select {
	case <-p.done:
	case <-ctx.Done():
		p.log.Warn(p.say("плагин не завершился сам, остановлен принудительно", "plugin did not end by itself and was killed"))
		p.child.kill()
	}
	<-p.released
}

// Kill ends the plugin at once, with everything it started.
func (p *Process) Kill() {
	p.setWanted()
	p.child.kill()
	<-p.released
}

func (p *Process) setWanted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done: // it had died before
	default:
		p.wanted = true
	}
}

// killFor kills the plugin for a reason that its calls then fail with.
func (p *Process) killFor(cause error) {
	p.because(cause)
	p.child.kill()
}

// because is the reason that calls fail with which the end of the process cuts
// off; the first one counts.
func (p *Process) because(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cause == nil {
		p.cause = cause
	}
}

// follow waits for the end of the process and cleans up behind it.
func (p *Process) follow() {
	<-p.child.done
	p.bridge.flush()
	close(p.done)
	if err := p.Err(); err != nil {
		p.log.Error(p.say("плагин завершился сам", "plugin ended by itself"), "status", p.status(), "last_words", p.words.brief())
	} else {
		p.log.Debug(p.say("плагин остановлен", "plugin stopped"), "status", p.status())
	}
	p.release()
	close(p.released)
}

// release gives back what go-plugin and this package hold for an ended, or killed,
// process.
func (p *Process) release() {
	if p.child.started() {
		<-p.child.done
	}
	p.conns.close() // before Kill, which would wait for the plugin's answer
	p.client.Kill()
	p.conns.close() // what Kill has opened
	p.dir.Remove()
}

// ended is the error of calls after the end; p.mu is held.
func (p *Process) ended() error {
	if p.cause != nil {
		return p.cause
	}
	name, status, words := p.options.Found.Name, p.status(), p.words.brief()
	if words == "" {
		return lost(nil, "процесс плагина «%s» завершился (%s): повторите запуск, причина — в журнале",
			"the process of plugin %q has ended (%s): try again, the log says why", name, status)
	}
	return lost(nil, "процесс плагина «%s» завершился (%s), его последние слова: %s",
		"the process of plugin %q has ended (%s), its last words: %s", name, status, words)
}

// status is how the process ended: "exit status 3", "signal: killed".
func (p *Process) status() string {
	if p.child.cmd.ProcessState == nil {
		return "unknown"
	}
	return p.child.cmd.ProcessState.String()
}

// say picks the language of a log line of this package.
func (p *Process) say(ru, en string) string { return crm.Text{RU: ru, EN: en}.In(p.options.Locale) }

// notStarted explains a failed start to people. Nothing is left of the process;
// died says that it ended by itself.
func (p *Process) notStarted(ctx context.Context, err error, died bool) error {
	name := p.options.Found.Name
	cause := fmt.Errorf("%s", clean(p.secrets.mask(err.Error()), maxValue))
	switch cancelled := context.Cause(ctx); {
	case crm.CodeOf(err) == crm.CodePluginUntrusted, crm.CodeOf(err) == crm.CodePluginAnswer:
		return err
	case errors.Is(cancelled, errStartTimeout):
		return contradiction(nil, "плагин «%s» не ответил за %s после запуска: проверьте, что это плагин booking-host",
			"plugin %q did not answer within %s of its start: make sure that it is a plugin of booking-host", name, p.options.StartTimeout)
	case cancelled != nil:
		return fmt.Errorf("start plugin %s: %w", name, cancelled)
	case !p.child.started():
		return contradiction(cause, "программа плагина «%s» не запускается: проверьте права (chmod 755) и что она собрана для этой машины",
			"the executable of plugin %q does not start: check its mode (chmod 755) and that it is built for this machine", name)
	case died:
		return p.endedError()
	case p.wrongProtocol():
		protocol, _ := p.child.stdout.protocol()
		return wrongProtocol(protocol)
	case p.child.stdout.spoke.Load():
		return contradiction(cause, "программа «%s» не ответила как плагин: проверьте, что это плагин booking-host, и его версию",
			"the program %q did not answer as a plugin: make sure that it is a plugin of booking-host, and of the right version", name)
	default:
		return contradiction(nil, "программа «%s» завершилась (%s), не представившись как плагин: проверьте, что это плагин booking-host. Её последние слова: %s",
			"the program %q ended (%s) without a plugin's handshake: make sure that it is a plugin of booking-host. Its last words: %s", name, p.status(), p.words.brief())
	}
}

// wrongProtocol: the manifest may say what it likes, the program speaks another one.
func (p *Process) wrongProtocol() bool {
	protocol, ok := p.child.stdout.protocol()
	return ok && protocol != crm.ProtocolVersion
}

// diedUnasked says, after a failed start, that a plugin ended and not that a
// program is no plugin: it crashed, was killed by somebody else, or was gone
// after the handshake.
func (p *Process) diedUnasked(err error) bool {
	if !p.child.started() {
		return false
	}
	if crm.CodeOf(err) == crm.CodePluginLost {
		return p.child.exitsWithin(lossWait)
	}
	p.child.kill()
	<-p.child.done
	status, ok := p.child.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || p.words.sawPanic() {
		return true
	}
	return status.Signaled() && status.Signal() != syscall.SIGKILL
}

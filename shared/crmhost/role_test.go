package crmhost_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"booking/shared/crm"
	"booking/shared/crmhost"
)

// roleVariable makes the test binary play another program.
const (
	roleVariable = "CRMHOST_TEST_ROLE"
	rootVariable = "CRMHOST_TEST_ROOT"
)

var roles = map[string]func() int{"host": playHost, "plain": playPlain}

// playPlain starts the plugin with nothing but go-plugin and makes it write a
// hostile line. It prints to its end unless go-plugin panics.
func playPlain() int {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: crm.Handshake, VersionedPlugins: crm.VersionedPlugins(), AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd: exec.Command(os.Getenv(rootVariable)), Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	served, err := protocol.Dispense(crm.PluginName)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, err := served.(crm.Plugin).CheckConnection(context.Background(), request(`stderr {"@message":42}`)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	client.Kill() // returns when the whole of standard error has been read
	fmt.Fprintln(os.Stderr, "go-plugin has survived the line")
	return 0
}

// playHost starts the plugin below rootVariable, leaves its pid in its folder and
// waits to be killed.
func playHost() int {
	root := os.Getenv(rootVariable)
	found, err := crmhost.Find(filepath.Join(root, "plugins"), "fake")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p, err := crmhost.Start(context.Background(), crmhost.Options{Found: found, Trust: crmhost.Trust{Path: filepath.Join(root, "data", "trust.json")}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.WriteFile(filepath.Join(found.Dir, "pid"), []byte(strconv.Itoa(p.PID())), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

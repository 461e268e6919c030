package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"

	"booking/plugin-bitrix24/internal/provider"
	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/benchreport"
)

// readerCommand is how this program runs itself to measure the memory of a reading:
// the webhook comes on standard input, the answer is one readerResult.
const readerCommand = "read-only"

type readerResult struct{ Idle, Peak, People int }

// readerMemory adds the row about the client alone, in a process of its own that reads want people.
func readerMemory(ctx context.Context, portal *simulator, want int, r *benchreport.Report, what string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, readerCommand)
	cmd.Stdin, cmd.Stderr = strings.NewReader(portal.webhook.Reveal()), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("read in a process of its own: %w", err)
	}
	var got readerResult
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("read in a process of its own: %w", err)
	}
	if got.People != want {
		return fmt.Errorf("read in a process of its own: %d people instead of %d", got.People, want)
	}
	r.Add("scale", what+"memory of the reading alone, above idle", float64(got.Peak-got.Idle)/mebi, "MB", benchreport.AtMost, 64,
		fmt.Sprintf("VmHWM %d MB, idle %d MB", got.Peak/mebi, got.Idle/mebi))
	return nil
}

func readerMain(in io.Reader, out io.Writer) error {
	address, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the webhook: %w", err)
	}
	client, err := newClient(string(address), rest.Options{})
	if err != nil {
		return err
	}
	provider.TuneMemory() // as in the plugin
	debug.FreeOSMemory()
	var got readerResult
	if got.Idle, err = peak(os.Getpid()); err != nil {
		return err
	}
	complete, err := client.ReadPeople(context.Background(), rest.Query{}, nil, func(rest.Person) error { return nil })
	if err != nil {
		return fmt.Errorf("read the people: %w", err)
	}
	got.People = complete.People()
	if got.Peak, err = peak(os.Getpid()); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(got)
}

// newClient makes a client of a simulated portal that nobody has called before.
func newClient(address string, o rest.Options) (*rest.Client, error) {
	var err error
	if o.Webhook, err = rest.ParseWebhook(address); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if o.Transport, err = rest.NewTransport(rest.Policy{HTTPPortals: []string{"127.0.0.1"}}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	o.Portals = rest.NewPortals()
	client, err := rest.New(o)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return client, nil
}

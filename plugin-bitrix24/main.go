// Command bitrix24 is the Bitrix24 plugin of booking-host, which starts it without
// arguments. `bitrix24 simulate` serves a simulated portal for tests and the demo,
// `bitrix24 manifest` prints the plugin.json of this executable.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/plugin-bitrix24/internal/provider"
	"booking/shared/crm"
)

func main() {
	if len(os.Args) < 2 {
		// A company of 100,000 is some 150 MB at its peak; what the collector would leave
		// lying about on top of that is not worth another host's memory.
		debug.SetMemoryLimit(140 << 20)
		// Below that memory is cheaper than collecting: a first import of 10,000 takes a
		// quarter less CPU time than with the default of 100 (make bench).
		debug.SetGCPercent(400)
		crm.Serve(provider.New())
		return
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "bitrix24:", err)
		os.Exit(1)
	}
}

func run(command string, args []string) error {
	switch command {
	case "simulate":
		return portalsim.Command(args, os.Stdout)
	case "manifest":
		return crm.WriteManifest(os.Stdout, provider.Description(), provider.Extra())
	}
	return fmt.Errorf("unknown command %q; there are: simulate, manifest", command)
}

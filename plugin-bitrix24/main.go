// Command bitrix24 is the Bitrix24 plugin of booking-host, which starts it without
// arguments. `bitrix24 simulate` serves a simulated portal for tests and the demo,
// `bitrix24 manifest` prints the plugin.json of this executable.
package main

import (
	"fmt"
	"os"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/plugin-bitrix24/internal/provider"
	"booking/shared/crm"
)

func main() {
	if len(os.Args) < 2 {
		provider.TuneMemory()
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

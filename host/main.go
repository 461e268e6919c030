// Command booking-host owns sign-in, schedule and settings of a booking
// calendar and runs the CRM plugins that keep its users in step.
package main

import (
	"os"

	"booking/host/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

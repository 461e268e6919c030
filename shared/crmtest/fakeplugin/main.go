// Command fakeplugin is a CRM plugin without a CRM that misbehaves on request.
//
// What goes wrong at the start stands in a file called "fault" beside the
// executable (startFaults, describe); what goes wrong later comes as the setting
// "do" of a request (requestFaults, SyncUsers).
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"booking/shared/crm"
	"booking/shared/crmtest"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "manifest" {
		extra := crm.Manifest{Aliases: map[string]string{"fake:sync-users": "sync-users"}}
		if err := crm.WriteManifest(os.Stdout, crmtest.FakeDescription(), extra); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	fault := startFault()
	if misbehave, ok := startFaults[fault]; ok {
		misbehave()
	}
	crm.Serve(&plugin{fault: fault})
}

func startFault() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(path), crmtest.FaultFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

package crmhost_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"booking/shared/crm"
	"booking/shared/crmhost"
)

// How any Go server loads a CRM plugin. In production the plugin lies below
// "plugins" already and an operator has trusted it once.
func Example() {
	root, err := os.MkdirTemp("", "server-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	if _, err := fake.Install(filepath.Join(root, "plugins"), ""); err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	found, err := crmhost.Find(filepath.Join(root, "plugins"), "fake")
	if err != nil {
		fmt.Println(err)
		return
	}
	trust := crmhost.Trust{Path: filepath.Join(root, "trust.json")}
	if err := trust.Pin(found); err != nil { // once, by hand
		fmt.Println(err)
		return
	}
	process, err := crmhost.Start(ctx, crmhost.Options{Found: found, Trust: trust})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer process.Stop(ctx)
	check, err := process.Plugin().CheckConnection(ctx, crm.ConnectionRequest{Tenant: crm.Tenant{ID: 1}})
	if err != nil {
		fmt.Println(err)
		return
	}

	fmt.Println(process.Description().Title.EN, process.Description().ExternalIDColumn)
	fmt.Println(check.OK(), check.Findings[0].Message.EN)
	// Output:
	// Example CRM fake_user_id
	// true Connected.
}

// A server that runs for long supervises its plugins: one that dies is started
// again, and a new version takes over without a restart of the server.
func ExampleSupervise() {
	root, err := os.MkdirTemp("", "server-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	plugins, trust := filepath.Join(root, "plugins"), crmhost.Trust{Path: filepath.Join(root, "trust.json")}
	if err := installTrusted(plugins, trust); err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	supervisor := crmhost.Supervise(crmhost.Supervision{Dir: plugins, Name: "fake", Process: crmhost.Options{Trust: trust, Log: discard()}})
	defer supervisor.Close(ctx)
	for range 2 {
		hold, err := supervisor.Use(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		check, err := hold.Plugin.CheckConnection(ctx, crm.ConnectionRequest{Tenant: crm.Tenant{ID: 1}})
		hold.Release()
		fmt.Println(check.OK(), err, supervisor.Status().State)
		if err := supervisor.Reload(ctx); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// true <nil> ready
	// true <nil> ready
}

// installTrusted is what an operator does once.
func installTrusted(plugins string, trust crmhost.Trust) error {
	if _, err := fake.Install(plugins, ""); err != nil {
		return err
	}
	found, err := crmhost.Find(plugins, "fake")
	if err != nil {
		return err
	}
	return trust.Pin(found)
}

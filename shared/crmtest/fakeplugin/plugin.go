package main

import (
	"context"
	"os"
	"strings"

	"booking/shared/crm"
	"booking/shared/crmtest"
)

// plugin is crmtest.Fake with faults.
type plugin struct {
	crmtest.Fake
	fault string
}

// Describe implements crm.Plugin.
func (p *plugin) Describe(ctx context.Context) (crm.Description, error) {
	d, err := p.Fake.Describe(ctx)
	switch p.fault {
	case "describe exit":
		os.Exit(4)
	case "describe panic":
		die("lost in Describe")
	case "describe hang":
		forever()
	case "describe name":
		d.Name = "another"
	case "describe version":
		d.Version = "9.9.9"
	case "describe column":
		d.ExternalIDColumn = "password"
	case "describe dirt":
		d.Title.EN = "Example\x1b[31m\nCRM"
		d.Capabilities = append(d.Capabilities, "teleport")
	}
	return d, err
}

// CheckConnection implements crm.Plugin.
func (p *plugin) CheckConnection(ctx context.Context, r crm.ConnectionRequest) (crm.ConnectionCheck, error) {
	word, argument, _ := strings.Cut(r.Settings.Get("do"), " ")
	if word == "fail" {
		return crm.ConnectionCheck{}, crm.NewError(crm.CodeUnauthorized, crm.Text{RU: argument, EN: argument}, nil)
	}
	if misbehave, ok := requestFaults[word]; ok {
		return findings(misbehave(argument)), nil
	}
	return p.Fake.CheckConnection(ctx, r)
}

// SyncUsers implements crm.Plugin. With the setting "do" it reports one change and
// goes on until the host gives up.
func (p *plugin) SyncUsers(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
	if r.Settings.Get("do") == "" {
		return p.Fake.SyncUsers(ctx, r, events)
	}
	if err := events.Changes([]crm.Change{{ExternalID: "1", Action: crm.ActionCreated}}); err != nil {
		return crm.SyncResult{}, err
	}
	// Progress carries the change over the wire.
	if err := events.Progress(crm.Progress{Stage: crm.StageWriting, Done: 1, Total: 2}); err != nil {
		return crm.SyncResult{}, err
	}
	<-ctx.Done()
	return crm.SyncResult{}, ctx.Err()
}

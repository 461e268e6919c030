package runs

import (
	"context"
	"fmt"

	"booking/shared/crm"
	"booking/shared/usersync"
)

// sync lets the plugin do the run, or does it here for a plugin that only streams
// people: the rules, the history and the fence are the same engine's.
func (s *Service) sync(ctx context.Context, plugin crm.Plugin, d crm.Description, request crm.SyncRequest, portal string, events crm.Events) (crm.SyncResult, error) {
	if !d.HostSyncs() {
		return plugin.SyncUsers(ctx, request, events)
	}
	source, ok := plugin.(crm.PeopleSource)
	if !ok {
		return crm.SyncResult{}, fmt.Errorf("run the engine for the plugin %s: %T does not stream people", d.Name, plugin)
	}
	people := &usersync.People{Plugin: source, Events: events, Request: crm.PeopleRequest{
		Tenant: request.Tenant, Settings: request.Settings, RunID: request.RunID,
	}}
	engine := usersync.Engine{DB: s.Store.DB(), Column: d.ExternalIDColumn}
	result, err := engine.Run(ctx, usersync.Request{
		Tenant: request.Tenant, Mode: request.Mode, PersonID: request.PersonID, RunID: request.RunID, Fence: request.Fence,
		PlanHash: request.PlanHash, Portal: portal,
		// A plugin that was not asked for a phone or a position does not send one, and
		// an empty value changes nothing (rule 4).
		Options: usersync.Options{Phone: true, Position: true},
	}, people, events)
	result.Requests = people.Requests()
	return result, err
}

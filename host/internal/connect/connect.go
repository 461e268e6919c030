// Package connect changes and checks a tenant's connection to a CRM. The command line
// and the settings page are its two doors; both go by what the plugin's Describe says,
// and neither knows a CRM by name.
package connect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"booking/host/internal/runs"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
)

// Plugins starts plugins and lets their migrations run.
type Plugins interface {
	Describe(ctx context.Context, name string) (plugin crm.Plugin, d crm.Description, release func(), err error)
	Migrate(ctx context.Context, name string) ([]string, error)
}

// Service changes and checks connections.
type Service struct {
	Store   *store.Store
	Box     *secrets.Box
	Plugins Plugins
}

// Links is what becomes of the links when the portal has changed (rule 12).
type Links string

// The answers to a changed portal; the zero value leaves the question open.
const (
	LinksKeep Links = "keep"
	LinksDrop Links = "drop"
)

// Change is what is to be changed of a connection; what is not named stays.
type Change struct {
	TenantID int64
	Plugin   string
	// Plain and Secret are settings by key; an empty value removes one.
	Plain  map[string]string
	Secret map[string]secret.Text
	// Enabled is nil to leave it as it is; a new connection is enabled.
	Enabled *bool
	Links   Links
	// edit comes first, when nobody else can save any more; its error saves nothing.
	edit func(*store.ConnectionEdit) error
}

// problems holds what is to be changed, and nothing else, against the description: a
// value that is empty is removed, and so is never wrong.
func (c Change) problems(d crm.Description) []crm.FieldProblem {
	given := crm.Settings{}
	for key, value := range c.Plain {
		given[key] = secret.New(value)
	}
	maps.Copy(given, c.Secret)
	return slices.DeleteFunc(d.SettingsProblems(given), func(p crm.FieldProblem) bool { return given[p.Key].Empty() })
}

// RefusedError says which values cannot be right; nothing was saved.
type RefusedError struct{ Problems []crm.FieldProblem }

// Error implements error, in English.
func (e *RefusedError) Error() string { return e.In("en") }

// In is all of it in one line.
func (e *RefusedError) In(locale string) string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Key + ": " + p.Message.In(locale)
	}
	return strings.Join(lines, "; ")
}

func (e *RefusedError) text() crm.Text { return crm.Text{RU: e.In("ru"), EN: e.In("en")} }

// Save checks the change against the plugin's description, and by the plugin itself,
// and saves it. The portal is not called. A *RefusedError says what is wrong with
// which value; what is only missing yet is no mistake.
func (s *Service) Save(ctx context.Context, c Change) (store.Connection, error) {
	plugin, description, release, err := s.Plugins.Describe(ctx, c.Plugin)
	if err != nil {
		return store.Connection{}, err
	}
	defer release()
	if problems := c.problems(description); len(problems) > 0 {
		return store.Connection{}, &RefusedError{problems}
	}
	// The first connection brings the plugin's columns up, so that the first run,
	// and people entering links by hand before it, find them.
	if _, err := s.Plugins.Migrate(ctx, c.Plugin); err != nil {
		return store.Connection{}, err
	}
	return s.Store.EditConnection(ctx, s.Box, c.TenantID, func(e *store.ConnectionEdit) error {
		if c.edit != nil {
			if err := c.edit(e); err != nil {
				return err
			}
		}
		e.UsePlugin(c.Plugin)
		for key, value := range c.Plain {
			e.Plain[key] = strings.TrimSpace(value)
		}
		for key, value := range c.Secret {
			e.Secret[key] = value
		}
		if c.Enabled != nil {
			e.Enabled = *c.Enabled
		}
		return settle(ctx, plugin, description, c.Links, e)
	})
}

// settle asks the plugin whether the settings can be right and which portal they
// speak of, and holds what the administrator said of the links.
func settle(ctx context.Context, plugin crm.Plugin, d crm.Description, links Links, e *store.ConnectionEdit) error {
	settings := e.Settings()
	check, err := plugin.CheckSettings(ctx, settings)
	if err != nil {
		return err
	}
	var problems []crm.FieldProblem
	for _, p := range check.Problems {
		// What is not set yet may come later: until then a run is not_configured.
		if settings.Get(p.Key) != "" {
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return &RefusedError{problems}
	}
	e.Portal = check.Portal
	switch links {
	case LinksKeep:
		e.LinksPortal = e.Portal
	case LinksDrop:
		e.LinksPortal, e.DropLinks = e.Portal, d.ExternalIDColumn
	}
	return nil
}

// Check says what is true of a tenant's connection: what the host knows by itself
// first, then what the plugin found out by asking the portal.
func (s *Service) Check(ctx context.Context, tenantID int64) ([]crm.Finding, error) {
	connection, err := s.Store.Connection(ctx, s.Box, tenantID)
	if err != nil {
		return nil, err
	}
	tenant, err := s.Store.Tenant(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	if err := tenant.Refusal(); err != nil {
		return nil, err
	}
	plugin, description, release, err := s.Plugins.Describe(ctx, connection.Plugin)
	if err != nil {
		return nil, err
	}
	defer release()
	findings, err := s.portalChanged(ctx, connection, description)
	if err != nil {
		return nil, err
	}
	if connection.Portal == "" {
		return append(findings, missing(description, connection)...), nil
	}
	result, err := plugin.CheckConnection(ctx, crm.ConnectionRequest{Tenant: tenant.CRM(), Settings: connection.Settings()})
	if err != nil {
		return nil, err
	}
	return append(findings, result.Findings...), nil
}

// portalChanged is rule 12 as a finding.
func (s *Service) portalChanged(ctx context.Context, c store.Connection, d crm.Description) ([]crm.Finding, error) {
	linked, err := s.ForeignLinks(ctx, c, d)
	if err != nil || linked == 0 {
		return nil, err
	}
	return []crm.Finding{{Code: string(crm.CodePortalChanged), Message: runs.PortalChanged(c, linked)}}, nil
}

// ForeignLinks counts the tenant's links that came from another portal than the one
// that is connected now.
func (s *Service) ForeignLinks(ctx context.Context, c store.Connection, d crm.Description) (int, error) {
	if c.LinksPortal == "" || c.LinksPortal == c.Portal {
		return 0, nil
	}
	return s.Store.LinkCount(ctx, c.TenantID, d.ExternalIDColumn)
}

func missing(d crm.Description, c store.Connection) []crm.Finding {
	var findings []crm.Finding
	settings := c.Settings()
	for _, field := range d.Fields {
		if field.Required && settings.Get(field.Key) == "" {
			findings = append(findings, crm.Finding{Code: string(crm.CodeNotConfigured), Message: crm.Text{
				RU: fmt.Sprintf("Webhook not configured: не задано «%s» (%s). %s", field.Label.RU, field.Key, field.Help.RU),
				EN: fmt.Sprintf("Webhook not configured: %q (%s) is not set. %s", field.Label.EN, field.Key, field.Help.EN),
			}})
		}
	}
	return findings
}

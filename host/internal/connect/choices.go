package connect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"booking/host/internal/problem"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// ErrNotListable is the kind of a question about a setting without a list of values.
var ErrNotListable = errors.New("the values of the setting cannot be listed")

// Choices are the values that can be chosen for a setting, and which are.
type Choices struct {
	crm.Choices
	Field crm.Field
	// Chosen are the values that are stored, of the portal or not.
	Chosen []string
}

// Choices asks the tenant's portal which values a setting can have. When the portal does
// not answer, the rest of it is there beside the error.
func (s *Service) Choices(ctx context.Context, tenantID int64, key string) (Choices, error) {
	connection, plugin, description, release, err := s.connected(ctx, tenantID)
	if err != nil {
		return Choices{}, err
	}
	defer release()
	field, err := listable(description, key)
	c := Choices{Field: field, Chosen: crm.Chosen(connection.Plain[key])}
	if err != nil {
		return c, err
	}
	source, ok := plugin.(crm.ChoicesSource)
	if !ok {
		return c, fmt.Errorf("list choices of the plugin %s: %T has none", description.Name, plugin)
	}
	tenant, err := s.Store.Tenant(ctx, tenantID)
	if err == nil {
		err = tenant.Refusal()
	}
	if err != nil {
		return c, err
	}
	c.Choices, err = source.Choices(ctx, crm.ChoicesRequest{Tenant: tenant.CRM(), Settings: connection.Settings(), Field: key})
	return c, err
}

// Choose saves which values are chosen for a setting whose values can be listed. It
// returns the connection as it was and as it is.
func (s *Service) Choose(ctx context.Context, tenantID int64, key, value string) (before, after store.Connection, d crm.Description, err error) {
	before, _, d, release, err := s.connected(ctx, tenantID)
	if err != nil {
		return before, after, d, err
	}
	release()
	if _, err = listable(d, key); err == nil {
		after, err = s.Save(ctx, Change{TenantID: tenantID, Plugin: d.Name, Plain: map[string]string{key: value}})
	}
	return before, after, d, err
}

// connected is a tenant's connection with its plugin. One that lacks what it needs is
// CodeNotConfigured.
func (s *Service) connected(ctx context.Context, tenantID int64) (c store.Connection, plugin crm.Plugin, d crm.Description, release func(), err error) {
	if c, err = s.Store.Connection(ctx, s.Box, tenantID); err != nil {
		return c, nil, d, nil, err
	}
	if plugin, d, release, err = s.Plugins.Describe(ctx, c.Plugin); err != nil {
		return c, nil, d, nil, err
	}
	if lacks := missing(d, c); c.Portal == "" && len(lacks) > 0 {
		release()
		return c, nil, d, nil, crm.NewError(crm.CodeNotConfigured, lacks[0].Message, nil)
	}
	return c, plugin, d, release, nil
}

// Listable reports whether the values of a field can be listed.
func Listable(d crm.Description, f crm.Field) bool {
	return f.Listable && d.Has(crm.CapabilityChoices)
}

func listable(d crm.Description, key string) (crm.Field, error) {
	at := slices.IndexFunc(d.Fields, func(f crm.Field) bool { return f.Key == key })
	if at < 0 || !Listable(d, d.Fields[at]) {
		return crm.Field{}, problem.New(ErrNotListable, crm.Text{
			RU: fmt.Sprintf("У настройки «%s» нет списка значений: задайте её текстом", key),
			EN: fmt.Sprintf("The values of the setting %q cannot be listed: type it", key),
		}, nil)
	}
	return d.Fields[at], nil
}

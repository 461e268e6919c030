package crmhost

import (
	"context"

	"booking/shared/crm"
)

var _ crm.SettingsImporter = calls{}

// ImportSettings implements crm.SettingsImporter. The settings that come are secrets
// from then on, wherever the plugin repeats them.
func (c calls) ImportSettings(ctx context.Context, q crm.ImportRequest, out func(crm.ImportedSettings) error) error {
	importer, err := capable[crm.SettingsImporter](c, crm.CapabilityImportSettings)
	if err != nil {
		return err
	}
	c.p.secrets.add(q.DSN)
	c.p.secrets.add(q.Key)
	bounded := &meter{name: c.p.options.Found.Name, limits: c.p.options.Limits}
	return c.guard(ctx, func() error {
		return importer.ImportSettings(ctx, q, func(i crm.ImportedSettings) error {
			bytes := 0
			for key, value := range i.Settings {
				bytes += len(key) + len(value.Reveal())
			}
			if err := bounded.count(1, int64(bytes)); err != nil {
				return err
			}
			c.remember(i.Settings)
			i.Message = c.text(i.Message)
			return out(i)
		})
	})
}

package plugins

import (
	"context"
	"fmt"

	"booking/shared/crm"
	"booking/shared/secret"
)

// ImportSettings lets a plugin read what an older server keeps in the database that the
// two share, with the host's own account: the narrow one sees nothing of that server.
// The plugin gets it for this call only.
func (k *Keeper) ImportSettings(ctx context.Context, name string, key secret.Text, tenantID int64, out func(crm.ImportedSettings) error) error {
	plugin, _, release, err := k.Describe(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	importer, ok := plugin.(crm.SettingsImporter)
	if !ok {
		return fmt.Errorf("import by the plugin %s: %T imports no settings", name, plugin)
	}
	return importer.ImportSettings(ctx, crm.ImportRequest{DSN: k.options.DSN, Key: key, TenantID: tenantID}, out)
}

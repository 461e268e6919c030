package provider

import (
	"context"
	"database/sql"
	"fmt"

	"booking/plugin-bitrix24/internal/laravel"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/usersync"
)

var _ crm.SettingsImporter = (*Provider)(nil)

// ImportSettings implements [crm.SettingsImporter]: it reads what the older booking
// server (Laravel) keeps for its own Bitrix24 integration. The server itself sees to it
// that nothing is changed: the transaction is read-only.
func (p *Provider) ImportSettings(ctx context.Context, r crm.ImportRequest, out func(crm.ImportedSettings) error) error {
	keys, err := laravel.ParseKeys(r.Key.Reveal())
	if err != nil {
		return crm.NewError(crm.CodeNotConfigured, textAppKey, nil)
	}
	rows, err := readOlder(ctx, r)
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		same := 1
		for same < len(rows) && rows[same].tenant == rows[0].tenant {
			same++
		}
		if err := out(newImported(rows[:same], keys)); err != nil {
			return err
		}
		rows = rows[same:]
	}
	return nil
}

// readOlder reads the older server's table, ordered by tenant.
func readOlder(ctx context.Context, r crm.ImportRequest) ([]olderRow, error) {
	db, err := usersync.OpenDB(r.DSN)
	if err != nil {
		return nil, fmt.Errorf("set up the database for the import: %w", err)
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, usersync.DatabaseError(err)
	}
	defer func() { _ = tx.Rollback() }()
	form, err := readOlderForm(ctx, tx.Tx)
	if err != nil {
		return nil, usersync.DatabaseError(err)
	}
	rows, err := form.read(ctx, tx.Tx, r.TenantID)
	return rows, usersync.DatabaseError(err)
}

// newImported is what the rows of one tenant say. Rows without a webhook say nothing.
func newImported(rows []olderRow, keys laravel.Keys) crm.ImportedSettings {
	item := crm.ImportedSettings{TenantID: rows[0].tenant}
	said := false
	for _, row := range rows {
		webhook, reason := openWebhook(row.webhook, keys)
		switch {
		case reason == crm.ImportNoSettings:
			continue
		case said:
			return refuse(crm.ImportedSettings{TenantID: item.TenantID}, crm.ImportAmbiguous)
		case reason != "":
			item = refuse(item, reason)
		default:
			item.Settings = crm.Settings{keyWebhook: secret.New(webhook)}
		}
		item.Enabled, item.LastSync, said = row.enabled, row.lastSync, true
	}
	if !said {
		return refuse(item, crm.ImportNoSettings)
	}
	return item
}

func refuse(item crm.ImportedSettings, reason crm.ImportReason) crm.ImportedSettings {
	item.Reason, item.Message = reason, textImport[reason]
	return item
}

package provider

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"booking/shared/crm"
)

// olderTable is where the older server keeps a company's Bitrix24 settings.
const olderTable = "tenant_bitrix24_settings"

// What its columns may be called, the likeliest first: webhook_url and enabled in its own
// migration, the others in copies of it. (README says the same.)
var (
	olderWebhook  = []string{"webhook_url", "webhook", "settings"}
	olderEnabled  = []string{"enabled", "is_enabled", "is_active", "sync_enabled"}
	olderLastSync = []string{"last_sync_at", "last_synced_at"}
)

// olderForm is how this copy of the table is made; a column that is not there is "".
type olderForm struct{ webhook, enabled, lastSync string }

// olderRow is one row, its webhook as it is stored.
type olderRow struct {
	tenant   int64
	webhook  string
	enabled  bool
	lastSync time.Time
}

// readOlderForm asks which columns there are.
func readOlderForm(ctx context.Context, tx *sql.Tx) (olderForm, error) {
	rows, err := tx.QueryContext(ctx, "SELECT LOWER(column_name) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?", olderTable)
	if err != nil {
		return olderForm{}, err
	}
	defer rows.Close()
	var there []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return olderForm{}, err
		}
		there = append(there, name)
	}
	if err := rows.Err(); err != nil {
		return olderForm{}, err
	}
	first := func(names []string) string {
		for _, name := range names {
			if slices.Contains(there, name) {
				return name
			}
		}
		return ""
	}
	f := olderForm{first(olderWebhook), first(olderEnabled), first(olderLastSync)}
	switch {
	case len(there) == 0:
		return f, crm.NewError(crm.CodeNotConfigured, textNoOlderTable, nil)
	case f.webhook == "" || !slices.Contains(there, "tenant_id"):
		return f, crm.NewError(crm.CodeNotConfigured, textNoOlderColumn, nil)
	}
	return f, nil
}

// read returns the rows of one tenant, or of all (0), ordered by tenant.
func (f olderForm) read(ctx context.Context, tx *sql.Tx, tenant int64) ([]olderRow, error) {
	enabled, lastSync := "'1'", "NULL" // what cannot be switched off is on
	if f.enabled != "" {
		enabled = "`" + f.enabled + "`"
	}
	if f.lastSync != "" {
		lastSync = "DATE_FORMAT(`" + f.lastSync + "`, '%Y-%m-%d %H:%i:%s')"
	}
	rows, err := tx.QueryContext(ctx, "SELECT tenant_id, `"+f.webhook+"`, "+enabled+", "+lastSync+" FROM `"+olderTable+
		"` WHERE tenant_id > 0 AND (? = 0 OR tenant_id = ?) ORDER BY tenant_id", tenant, tenant)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []olderRow
	for rows.Next() {
		var row olderRow
		var webhook, enabled, lastSync sql.NullString
		if err := rows.Scan(&row.tenant, &webhook, &enabled, &lastSync); err != nil {
			return nil, err
		}
		row.webhook = webhook.String
		row.enabled = slices.Contains([]string{"1", "y", "yes", "true", "on"}, strings.ToLower(enabled.String))
		row.lastSync, _ = time.Parse(time.DateTime, lastSync.String) // in UTC, as Laravel writes; none stays none
		all = append(all, row)
	}
	return all, rows.Err()
}

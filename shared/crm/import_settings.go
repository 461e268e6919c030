package crm

import (
	"context"
	"time"

	"booking/shared/secret"
)

// SettingsImporter is what a plugin of the capability import_settings is beside
// [Plugin]: it knows where an older server keeps the settings of the same CRM.
type SettingsImporter interface {
	// ImportSettings hands what each tenant has there to out, in ascending order of
	// tenants, each once, and changes nothing. nil means that nobody is missing; it
	// stops at out's first error and returns it. What is wrong with one tenant is an
	// item with a reason, not an error.
	ImportSettings(ctx context.Context, r ImportRequest, out func(ImportedSettings) error) error
}

// ImportRequest says where an older server keeps its settings. DSN and key are used
// for this call only.
type ImportRequest struct {
	// DSN of the database that both servers share.
	DSN secret.Text
	// Key with which the older server encrypts, as its configuration writes it.
	Key secret.Text
	// TenantID restricts the import to one tenant; 0: all.
	TenantID int64
}

// ImportReason says why a tenant's settings cannot be taken over. Newer words may
// come; ImportedSettings.Message says each of them to people.
type ImportReason string

// The reasons of protocol 1.
const (
	// ImportNoSettings: the tenant never set the CRM up there.
	ImportNoSettings ImportReason = "no_settings"
	// ImportWrongKey: the value was sealed with another key, or changed since.
	ImportWrongKey ImportReason = "wrong_key"
	// ImportCannotDecrypt: the key fits and the value is broken all the same.
	ImportCannotDecrypt ImportReason = "cannot_decrypt"
	// ImportAmbiguous: there are several settings for the tenant.
	ImportAmbiguous ImportReason = "ambiguous"
	// ImportUnknownForm: this is no form in which the older server is known to write.
	ImportUnknownForm ImportReason = "unknown_form"
)

// ImportedSettings is what the older server knows of a tenant's connection: settings,
// or a reason why there are none.
type ImportedSettings struct {
	TenantID int64
	Settings Settings
	// Enabled: the connection is in use there.
	Enabled bool
	// LastSync is when people were last synced there; zero when it does not say.
	LastSync time.Time
	Reason   ImportReason
	// Message says the reason, and what to do. It shows nothing of a value.
	Message Text
}

// Package crm is the contract between a booking host and a CRM plugin, in plain
// Go: what a plugin author implements ([Plugin], served by [Serve]) and what a
// host calls (the same interface, from the other side of a process boundary).
//
// The wire format (gRPC, protocol version 1) lives in internal/ and is seen by
// neither side. Errors cross as an [Error] with a [Code] of a closed list.
package crm

import (
	"context"
	"time"

	"booking/shared/secret"
)

// Plugin is a CRM plugin. One process serves all tenants, so every request
// carries its own; calls may come in parallel. A call ends soon after its
// context does.
type Plugin interface {
	// Describe says what the plugin is and which settings it wants. It needs no
	// Configure before it and never fails for a sound plugin.
	Describe(ctx context.Context) (Description, error)

	// Configure is called once after the start, before any call below. A second
	// call replaces the first one's values for the calls that come after it.
	Configure(ctx context.Context, c Configuration) error

	// Migrate brings the plugin's own columns and indexes up; it changes nothing
	// when they are there already, in any usable form.
	Migrate(ctx context.Context, m Migration) (MigrationResult, error)

	// CheckSettings looks at a tenant's settings without calling anybody: which
	// values cannot be right, and which portal they speak of.
	CheckSettings(ctx context.Context, s Settings) (SettingsCheck, error)

	// CheckConnection asks the portal and says what is true. A portal that cannot
	// be reached is a finding, not an error.
	CheckConnection(ctx context.Context, r ConnectionRequest) (ConnectionCheck, error)

	// SyncUsers reconciles the portal's people into the users table and sends
	// what happens to events, in order, from one goroutine. Cancelling the
	// context stops it between two chunks. The result counts what was done; with
	// an error only what the database holds is true.
	SyncUsers(ctx context.Context, r SyncRequest, events Events) (SyncResult, error)
}

// Events receives what a run does while it runs. An error means that nobody
// listens any more: stop.
type Events interface {
	Progress(Progress) error
	// Changes carries one or more changes; a plugin sends them in batches. They are
	// the listener's from then on: the plugin changes nothing in them.
	Changes([]Change) error
}

// Text is a sentence for people, in both languages.
type Text struct{ RU, EN string }

// In returns the text in a locale: "en" is English, anything else Russian.
// A missing translation falls back to the other language.
func (t Text) In(locale string) string {
	if (locale == "en" && t.EN != "") || t.RU == "" {
		return t.EN
	}
	return t.RU
}

// Capability is something a plugin can do beyond the calls that every plugin has.
// Hosts ignore those they do not know, and never make a call of one that is not listed.
type Capability string

// The capabilities of protocol 1.
const (
	// CapabilitySyncUsers: the plugin reads its portal and writes users itself.
	CapabilitySyncUsers Capability = "sync_users"
	// CapabilityPeople: the plugin streams people and the host writes them.
	CapabilityPeople Capability = "people"
	// CapabilityChoices: the values of listable fields can be listed ([ChoicesSource]).
	CapabilityChoices Capability = "choices"
	// CapabilityBookings: contact and deal for a booking.
	CapabilityBookings Capability = "bookings"
	// CapabilityWriteBack: changes of the calendar go back to the CRM.
	CapabilityWriteBack Capability = "write_back"
	// CapabilityImportSettings: settings of an older server can be taken over
	// ([SettingsImporter]).
	CapabilityImportSettings Capability = "import_settings"
	// CapabilityEvents: the portal's own messages can be told from others
	// ([EventReader]).
	CapabilityEvents Capability = "events"
)

// Description is what a plugin says about itself.
type Description struct {
	// Name is the plugin's folder and key, ^[a-z][a-z0-9]*$, at most 32 characters.
	Name    string
	Version string
	// Title is the CRM's name as people write it.
	Title        Text
	Capabilities []Capability
	// Fields are the settings of a tenant's connection, in the order of a form.
	Fields []Field
	// ExternalIDColumn is the column of users that holds the link,
	// ^[a-z][a-z0-9]*_user_id$.
	ExternalIDColumn string
	// MigrationSet names the plugin's own set of migrations.
	MigrationSet string
	// EventsHelp, with [CapabilityEvents], says where the portal is told the address for
	// its messages, and what then to enter here.
	EventsHelp Text
}

// FieldType is how a setting is entered and checked.
type FieldType string

// The field types. The values of all of them travel as text.
const (
	FieldText   FieldType = "text"
	FieldBool   FieldType = "bool"   // "true" or "false"
	FieldChoice FieldType = "choice" // one of Choices
	FieldIDs    FieldType = "ids"    // whole numbers above zero, comma separated
)

// Field is one setting of a connection.
type Field struct {
	Key      string // ^[a-z][a-z0-9_]*$
	Label    Text
	Help     Text
	Type     FieldType
	Required bool
	// Secret values are encrypted at rest and never shown.
	Secret  bool
	Default string
	Choices []Choice
	// Listable: [ChoicesSource] lists the values. The setting holds any number of them,
	// comma separated; empty means no restriction. Types FieldIDs and FieldText only.
	Listable bool
}

// Choice is one value of a FieldChoice.
type Choice struct {
	Value string
	Label Text
}

// Settings are a tenant's values by field key. Their values print as ***: one of
// them is a secret, and a plugin's author need not know which.
type Settings map[string]secret.Text

// Get returns the value of a key, empty when there is none.
func (s Settings) Get(key string) string { return s[key].Reveal() }

// Configuration is what a plugin process is told once: the only way secrets of
// the host reach it.
type Configuration struct {
	// DSN (go-sql-driver) of the narrow account; empty for plugins of the kind "people".
	DSN secret.Text
	// Locale of log lines, "ru" or "en".
	Locale string
	// HTTPPortals are hosts (host or host:port; without a port every port) that
	// may be reached by plain http or at a private address.
	HTTPPortals []string
	// Proxy is the URL of an HTTP proxy; empty for none. It may carry a password.
	Proxy secret.Text
	// LimitWait is how long a run may wait for a portal's limits in all.
	LimitWait time.Duration
}

// Migration carries the account that may ALTER; it is used for this call only.
type Migration struct{ DSN secret.Text }

// MigrationResult lists the steps that changed something.
type MigrationResult struct{ Applied []string }

// SettingsCheck is what settings alone can tell.
type SettingsCheck struct {
	// Portal is the host name (without port, lower case) the settings speak of;
	// empty when they name none yet. IDs of two portals mean different people.
	Portal string
	// Problems by field key; empty when the settings can be saved.
	Problems []FieldProblem
}

// FieldProblem says what is wrong with a value, without showing it.
type FieldProblem struct {
	Key     string
	Message Text
}

// Tenant is the company a request is about.
type Tenant struct {
	ID   int64
	Name string
}

// ConnectionRequest asks whether a tenant's connection works.
type ConnectionRequest struct {
	Tenant   Tenant
	Settings Settings
}

// ConnectionCheck is the list of what was looked at.
type ConnectionCheck struct{ Findings []Finding }

// Finding is one thing that was looked at: Message says what is so and, when it
// is not OK, what to do next.
type Finding struct {
	Code    string
	OK      bool
	Message Text
}

// OK reports whether every finding is.
func (c ConnectionCheck) OK() bool {
	for _, f := range c.Findings {
		if !f.OK {
			return false
		}
	}
	return true
}

package connect

import (
	"maps"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// JSON is a connection as machines read it, the same from the command line and from
// the API: contract.md, `crm show`. Every secret is masked, whatever its length.
type JSON struct {
	Tenant   int64             `json:"tenant"`
	Plugin   string            `json:"plugin"`
	Enabled  bool              `json:"enabled"`
	Portal   string            `json:"portal"`
	Settings map[string]string `json:"settings"`
}

// NewJSON describes a connection.
func NewJSON(c store.Connection) JSON {
	out := JSON{Tenant: c.TenantID, Plugin: c.Plugin, Enabled: c.Enabled, Portal: c.Portal, Settings: map[string]string{}}
	maps.Copy(out.Settings, c.Plain)
	for key, value := range c.Secret {
		out.Settings[key] = value.String()
	}
	return out
}

// CheckJSON is what a check found, as machines read it: contract.md, `crm check`.
type CheckJSON struct {
	OK       bool          `json:"ok"`
	Findings []FindingJSON `json:"findings"`
}

// FindingJSON is one finding.
type FindingJSON struct {
	Code    string `json:"code"`
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

// NewCheckJSON describes a check.
func NewCheckJSON(findings []crm.Finding, locale string) CheckJSON {
	out := CheckJSON{OK: (crm.ConnectionCheck{Findings: findings}).OK(), Findings: make([]FindingJSON, 0, len(findings))}
	for _, f := range findings {
		out.Findings = append(out.Findings, FindingJSON{Code: f.Code, OK: f.OK, Message: f.Message.In(locale)})
	}
	return out
}

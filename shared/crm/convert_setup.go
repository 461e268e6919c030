package crm

import (
	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

func configurationToProto(c Configuration) *crmpb.ConfigureRequest {
	return &crmpb.ConfigureRequest{
		Dsn:         valid(c.DSN.Reveal()),
		Locale:      valid(c.Locale),
		HttpPortals: each(c.HTTPPortals, valid),
		Proxy:       valid(c.Proxy.Reveal()),
		LimitWait:   durationToProto(c.LimitWait),
	}
}

func configurationFromProto(c *crmpb.ConfigureRequest) Configuration {
	return Configuration{
		DSN:         secret.New(c.GetDsn()),
		Locale:      c.GetLocale(),
		HTTPPortals: each(c.GetHttpPortals(), same),
		Proxy:       secret.New(c.GetProxy()),
		LimitWait:   c.GetLimitWait().AsDuration(),
	}
}

func migrationToProto(m Migration) *crmpb.MigrateRequest {
	return &crmpb.MigrateRequest{Dsn: valid(m.DSN.Reveal())}
}

func migrationFromProto(m *crmpb.MigrateRequest) Migration {
	return Migration{DSN: secret.New(m.GetDsn())}
}

func migrationResultToProto(r MigrationResult) *crmpb.MigrateResponse {
	return &crmpb.MigrateResponse{Applied: each(r.Applied, valid)}
}

func migrationResultFromProto(r *crmpb.MigrateResponse) MigrationResult {
	return MigrationResult{Applied: each(r.GetApplied(), same)}
}

func settingsCheckToProto(c SettingsCheck) *crmpb.CheckSettingsResponse {
	return &crmpb.CheckSettingsResponse{Portal: valid(c.Portal), Problems: each(c.Problems, problemToProto)}
}

func settingsCheckFromProto(c *crmpb.CheckSettingsResponse) SettingsCheck {
	return SettingsCheck{Portal: c.GetPortal(), Problems: each(c.GetProblems(), problemFromProto)}
}

func problemToProto(p FieldProblem) *crmpb.FieldProblem {
	return &crmpb.FieldProblem{Key: valid(p.Key), Message: textToProto(p.Message)}
}

func problemFromProto(p *crmpb.FieldProblem) FieldProblem {
	return FieldProblem{Key: p.GetKey(), Message: textFromProto(p.GetMessage())}
}

func connectionRequestToProto(r ConnectionRequest) *crmpb.CheckConnectionRequest {
	return &crmpb.CheckConnectionRequest{Tenant: tenantToProto(r.Tenant), Settings: settingsToProto(r.Settings)}
}

func connectionRequestFromProto(r *crmpb.CheckConnectionRequest) ConnectionRequest {
	return ConnectionRequest{Tenant: tenantFromProto(r.GetTenant()), Settings: settingsFromProto(r.GetSettings())}
}

func connectionCheckToProto(c ConnectionCheck) *crmpb.CheckConnectionResponse {
	return &crmpb.CheckConnectionResponse{Findings: each(c.Findings, findingToProto)}
}

func connectionCheckFromProto(c *crmpb.CheckConnectionResponse) ConnectionCheck {
	return ConnectionCheck{Findings: each(c.GetFindings(), findingFromProto)}
}

func findingToProto(f Finding) *crmpb.Finding {
	return &crmpb.Finding{Code: valid(f.Code), Ok: f.OK, Message: textToProto(f.Message)}
}

func findingFromProto(f *crmpb.Finding) Finding {
	return Finding{Code: f.GetCode(), OK: f.GetOk(), Message: textFromProto(f.GetMessage())}
}

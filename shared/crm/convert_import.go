package crm

import (
	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

func importRequestToProto(r ImportRequest) *crmpb.ImportSettingsRequest {
	return &crmpb.ImportSettingsRequest{Dsn: valid(r.DSN.Reveal()), Key: valid(r.Key.Reveal()), TenantId: r.TenantID}
}

func importRequestFromProto(r *crmpb.ImportSettingsRequest) ImportRequest {
	return ImportRequest{DSN: secret.New(r.GetDsn()), Key: secret.New(r.GetKey()), TenantID: r.GetTenantId()}
}

func importedToProto(i ImportedSettings) *crmpb.ImportedSettings {
	return &crmpb.ImportedSettings{
		TenantId: i.TenantID,
		Settings: settingsToProto(i.Settings),
		Enabled:  i.Enabled,
		LastSync: timeToProto(i.LastSync),
		Reason:   valid(string(i.Reason)),
		Message:  textToProto(i.Message),
	}
}

func importedFromProto(i *crmpb.ImportedSettings) ImportedSettings {
	return ImportedSettings{
		TenantID: i.GetTenantId(),
		Settings: settingsFromProto(i.GetSettings()),
		Enabled:  i.GetEnabled(),
		LastSync: timeFromProto(i.GetLastSync()),
		Reason:   ImportReason(i.GetReason()),
		Message:  textFromProto(i.GetMessage()),
	}
}

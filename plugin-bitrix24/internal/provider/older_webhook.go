package provider

import (
	"encoding/json"
	"errors"
	"strings"

	"booking/plugin-bitrix24/internal/laravel"
	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
)

// openWebhook takes a stored value to the address inside: encrypted, plain, or one of
// several settings in JSON, which may be encrypted themselves. The reason says why there
// is none.
func openWebhook(value string, keys laravel.Keys) (string, crm.ImportReason) {
	const layers = 3 // JSON around, or inside, what is encrypted
	for range layers {
		value = strings.TrimSpace(value)
		if value == "" || value == "null" {
			return "", crm.ImportNoSettings
		}
		if inner, ok := webhookOf(value); ok {
			value = inner
			continue
		}
		if _, err := rest.ParseWebhook(value); err == nil {
			return value, ""
		}
		text, err := keys.Open(value)
		switch {
		case errors.Is(err, laravel.ErrKey):
			return "", crm.ImportWrongKey
		case errors.Is(err, laravel.ErrBroken):
			return "", crm.ImportCannotDecrypt
		case err != nil:
			return "", crm.ImportUnknownForm
		}
		value = text
	}
	return "", crm.ImportUnknownForm
}

// webhookOf is the webhook among settings in JSON; ok is false when it is none of those.
func webhookOf(value string) (inner string, ok bool) {
	var settings map[string]any
	if json.Unmarshal([]byte(value), &settings) != nil {
		return "", false
	}
	for _, key := range olderWebhook {
		if text, is := settings[key].(string); is && text != "" {
			return text, true
		}
	}
	return "", true
}

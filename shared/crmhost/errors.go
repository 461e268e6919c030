package crmhost

import (
	"fmt"

	"booking/shared/crm"
)

// missing, untrusted, contradiction and lost make the four errors of this
// package: one Russian and one English sentence that say what to do, and a cause.

func missing(cause error, ru, en string, args ...any) error {
	return failure(crm.CodePluginMissing, cause, ru, en, args)
}

func untrusted(cause error, ru, en string, args ...any) error {
	return failure(crm.CodePluginUntrusted, cause, ru, en, args)
}

func contradiction(cause error, ru, en string, args ...any) error {
	return failure(crm.CodePluginAnswer, cause, ru, en, args)
}

func lost(cause error, ru, en string, args ...any) error {
	return failure(crm.CodePluginLost, cause, ru, en, args)
}

// failure fills both sentences with the same arguments.
func failure(code crm.Code, cause error, ru, en string, args []any) error {
	if len(args) > 0 {
		ru, en = fmt.Sprintf(ru, args...), fmt.Sprintf(en, args...)
	}
	return crm.NewError(code, crm.Text{RU: ru, EN: en}, cause)
}

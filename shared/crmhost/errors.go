package crmhost

import (
	"errors"
	"fmt"
	"slices"

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

// failure fills both sentences with the same arguments; of a crm.Text each
// sentence takes its own language.
func failure(code crm.Code, cause error, ru, en string, args []any) error {
	if len(args) > 0 {
		ru, en = fmt.Sprintf(ru, inLocale("ru", args)...), fmt.Sprintf(en, inLocale("en", args)...)
	}
	return crm.NewError(code, crm.Text{RU: ru, EN: en}, cause)
}

func inLocale(locale string, args []any) []any {
	out := slices.Clone(args)
	for i, arg := range out {
		if text, ok := arg.(crm.Text); ok {
			out[i] = text.In(locale)
		}
	}
	return out
}

// sentence is what an error says to people.
func sentence(err error) crm.Text {
	if known := (*crm.Error)(nil); errors.As(err, &known) {
		return known.Message
	}
	text := clean(err.Error(), maxValue)
	return crm.Text{RU: text, EN: text}
}

package crm

import (
	"strings"
	"unicode/utf8"

	"booking/shared/crm/internal/crmpb"
)

// maxTextBytes bounds a sentence of a failure: it travels in HTTP/2 trailers.
const maxTextBytes = 4096

var (
	textInternal = Text{
		RU: "Внутренняя ошибка плагина. Подробности в журнале.",
		EN: "The plugin failed internally. The log has the details.",
	}
	textLost = Text{
		RU: "Процесс плагина завершился или перестал отвечать. Запустите операцию ещё раз; причина в журнале.",
		EN: "The plugin's process ended or stopped answering. Try again; the log says why.",
	}
	textStopped = Text{
		RU: "Процесс плагина остановили во время работы. Запустите операцию ещё раз.",
		EN: "The plugin's process was stopped at work. Try again.",
	}
	textLate = Text{
		RU: "Плагин не ответил за отведённое время. Запустите операцию ещё раз.",
		EN: "The plugin did not answer in time. Try again.",
	}
	textAnswer = Text{
		RU: "Ответ плагина нарушает протокол. Обновите плагин или сообщите его разработчику.",
		EN: "The plugin's answer breaks the protocol. Update the plugin or tell its author.",
	}
	textRequest = Text{
		RU: "Плагин не может выполнить такой запрос сервера. Обновите плагин или сервер, чтобы их версии подходили друг другу.",
		EN: "The plugin cannot do what this host asks. Update the plugin or the host so that their versions match.",
	}
	textCancelled = Text{RU: "Остановлено.", EN: "Cancelled."}
)

// knownCodes is the closed list of protocol 1.
var knownCodes = map[Code]bool{
	CodeTenantBlocked: true, CodeUnauthorized: true, CodeScopeMissing: true, CodeRateLimited: true,
	CodePortalUnreachable: true, CodePortalAnswer: true, CodePortalChanged: true,
	CodePluginMissing: true, CodePluginUntrusted: true, CodePluginLost: true, CodePluginAnswer: true,
	CodeDatabase: true, CodeBusy: true, CodeInternal: true, CodeCancelled: true, CodeNotConfigured: true,
}

// failureToProto leaves the cause behind: it may hold what only the plugin's own
// log may know.
func failureToProto(e *Error) *crmpb.Failure {
	return &crmpb.Failure{
		Code:    valid(string(e.Code)),
		Message: textToProto(Text{RU: cut(e.Message.RU, maxTextBytes), EN: cut(e.Message.EN, maxTextBytes)}),
		RetryAt: timeToProto(e.RetryAt),
	}
}

func failureFromProto(f *crmpb.Failure) *Error {
	return &Error{
		Code:    Code(f.GetCode()),
		Message: textFromProto(f.GetMessage()),
		RetryAt: timeFromProto(f.GetRetryAt()),
	}
}

// cut returns s with at most limit bytes, ending in … where something is missing.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.TrimSpace(s[:end]) + "…"
}

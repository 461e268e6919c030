package provider

import (
	"log/slog"

	"booking/plugin-bitrix24/internal/rest"
)

// requestLog writes one line per request to the portal. What becomes of people is
// logged by the host, from the events.
type requestLog struct {
	locale      string
	tenant, run int64
}

func (l requestLog) write(r rest.Request) {
	message := "🔵 Запрос к Битрикс24"
	if l.locale == "en" {
		message = "🔵 Request to Bitrix24"
	}
	attrs := []any{
		slog.String("method", r.Method), slog.Int("page", r.People/rest.PageSize+1), slog.Int("pages", r.Pages),
		slog.Int64("ms", r.Took.Milliseconds()), slog.Int("people", r.People), slog.Int("request", r.Number),
		slog.Int("status", r.Status), slog.Int64("tenant", l.tenant),
	}
	if l.run != 0 {
		attrs = append(attrs, slog.Int64("run", l.run))
	}
	if r.Failed {
		attrs = append(attrs, slog.Bool("failed", true))
	}
	slog.Info(message, attrs...)
}

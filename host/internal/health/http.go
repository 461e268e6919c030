package health

import (
	"fmt"
	"net/http"
)

// Alive answers GET /healthz: the process answers.
func Alive(w http.ResponseWriter) { _, _ = fmt.Fprintln(w, "ok") }

// Answer answers GET /readyz: 200, or 503 with a line for each reason.
func Answer(w http.ResponseWriter, reasons []Reason, locale string) {
	if len(reasons) == 0 {
		_, _ = fmt.Fprintln(w, "ok")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	for _, reason := range reasons {
		_, _ = fmt.Fprintf(w, "%s: %s\n", reason.Code, reason.Sentence.In(locale))
	}
}

// Handler is both addresses and nothing else, for a host without pages.
func (c *Checker) Handler(locale string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { Alive(w) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { Answer(w, c.Ready(r.Context()), locale) })
	return mux
}

// Package accesslog is what surrounds every request of the host, to pages and API alike:
// it gives each a number, writes one line about it and counts it. The composition root
// puts it around everything else.
//
// The line holds the route's pattern, never the address: addresses carry one-time
// links and what people search for.
package accesslog

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"time"

	"booking/host/internal/auth"
)

// Header carries a request's number, in answers always and in requests from proxies
// that are trusted.
const Header = "X-Request-Id"

// Options of a Handler.
type Options struct {
	Log *slog.Logger
	// Proxies may number requests themselves: what they say is taken over when it looks
	// like a number.
	Proxies []netip.Prefix
	Clock   func() time.Time
	// Seen is told of every request that is over; may be nil.
	Seen func(route string, status int, took time.Duration)
}

// number is the shape of a request's number; nothing personal fits into it.
var number = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

// Handler surrounds next.
func Handler(o Options, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, entry := o.Clock(), &entry{id: o.number(r)}
		// The same request goes to the end of the chain, so that its pattern is known here.
		r = r.WithContext(context.WithValue(r.Context(), key{}, entry))
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		w.Header().Set(Header, entry.id)
		defer func() { o.note(r, entry, seen.status, o.Clock().Sub(began)) }()
		next.ServeHTTP(seen, r)
	})
}

func (o Options) number(r *http.Request) string {
	if given := r.Header.Get(Header); number.MatchString(given) && auth.FromProxy(r, o.Proxies) {
		return given
	}
	return rand.Text()
}

// note writes the line: at level debug, and at warn when the host is at fault.
func (o Options) note(r *http.Request, e *entry, status int, took time.Duration) {
	level := slog.LevelDebug
	if status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("request", e.id), slog.String("route", r.Pattern), slog.Int("status", status), slog.Duration("took", took.Round(time.Microsecond)),
	}
	o.Log.LogAttrs(r.Context(), level, "request", append(attrs, e.attrs...)...)
	if o.Seen != nil {
		o.Seen(r.Pattern, status, took)
	}
}

type key struct{}

// entry is what is known of a request beside its route.
type entry struct {
	id    string
	attrs []slog.Attr
}

func of(ctx context.Context) *entry {
	e, ok := ctx.Value(key{}).(*entry)
	if !ok {
		return &entry{}
	}
	return e
}

// ID is the number of the request, "" outside of one.
func ID(ctx context.Context) string { return of(ctx).id }

// Note adds something to the request's line: numbers of ours, nothing personal. The
// goroutine that answers the request calls it.
func Note(ctx context.Context, attrs ...slog.Attr) {
	e := of(ctx)
	e.attrs = append(e.attrs, attrs...)
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController through to the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

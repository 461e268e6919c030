// Package web serves the host's pages. For now it is one plain status page, for
// whoever may reach the address (loopback by default): companies, their last runs
// and what the newest run did to whom. It shows no secret and changes nothing.
package web

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

//go:embed templates/*.html
var templates embed.FS

// changesShown is how many of a run's changes the page lists.
const changesShown = 200

// Server answers HTTP requests.
type Server struct {
	store  *store.Store
	log    *slog.Logger
	page   *template.Template
	locale string
}

// New makes a Server; locale is the language of a visitor who asks for none.
func New(s *store.Store, log *slog.Logger, locale string) (*Server, error) {
	page, err := template.New("status.html").Funcs(template.FuncMap{"when": when}).ParseFS(templates, "templates/status.html")
	if err != nil {
		return nil, fmt.Errorf("read the status page: %w", err)
	}
	return &Server{store: s, log: log, page: page, locale: locale}, nil
}

// Handler is the route table.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.status)
	mux.HandleFunc("GET /runs/{run}", s.status)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return headers(mux)
}

// headers keeps the page from loading or being loaded by anything else.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// view is what the status page shows.
type view struct {
	English bool
	Tenants []store.Tenant
	Runs    []store.Run
	Run     *store.Run
	Error   string
	Changes []store.Change
	More    bool
	Now     time.Time
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	v, err := s.view(r)
	if err != nil {
		s.log.Error("status page", "error", err.Error())
		http.Error(w, crm.Text{RU: "База данных не ответила, обновите страницу.", EN: "The database did not answer, reload the page."}.In(s.locale), http.StatusServiceUnavailable)
		return
	}
	if v.Run == nil && r.PathValue("run") != "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := s.page.Execute(w, v); err != nil {
		s.log.Debug("status page", "error", err.Error())
	}
}

func (s *Server) view(r *http.Request) (view, error) {
	ctx := r.Context()
	v := view{English: s.locale == "en", Now: time.Now()}
	switch r.URL.Query().Get("lang") {
	case "en":
		v.English = true
	case "ru":
		v.English = false
	}
	var err error
	if v.Tenants, err = s.store.Tenants(ctx); err != nil {
		return v, err
	}
	if v.Runs, err = s.store.Runs(ctx, 0); err != nil {
		return v, err
	}
	wanted, _ := strconv.ParseInt(r.PathValue("run"), 10, 64)
	for i := range v.Runs {
		if wanted == 0 || v.Runs[i].ID == wanted {
			v.Run = &v.Runs[i]
			break
		}
	}
	if v.Run == nil {
		return v, nil
	}
	v.Error = crm.Text{RU: v.Run.ErrorRU, EN: v.Run.ErrorEN}.In(map[bool]string{true: "en", false: "ru"}[v.English])
	return v, s.readChanges(ctx, &v)
}

func (s *Server) readChanges(ctx context.Context, v *view) error {
	return s.store.Changes(ctx, v.Run.ID, func(c store.Change) error {
		if len(v.Changes) == changesShown {
			v.More = true
			return nil
		}
		v.Changes = append(v.Changes, c)
		return nil
	})
}

func when(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/language"

	"booking/host/internal/accesslog"
	"booking/host/internal/store"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 4 << 10

// call is one request as the answers see it.
type call struct {
	Token  store.Token
	Tenant store.Tenant
	Locale string
}

// result is what an answer says when all went well.
type result struct {
	// status is 200 when it is 0.
	status int
	body   any
	// location is where to look for what was begun; "" for nowhere.
	location string
}

// answer answers a call; an error becomes an error object.
type answer func(r *http.Request, c call) (result, error)

// headers are those of every answer.
func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Link", "<"+Base+`/openapi.json>; rel="service-desc"`)
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// open puts the token in front of an answer.
func (s *Server) open(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{Locale: s.locale(r)}
		if route.scope != "" {
			var err error
			if c.Token, c.Tenant, err = s.machines.Who(r.Context(), r.Header); c.Token.ID != 0 {
				accesslog.Note(r.Context(), slog.Int64("tenant", c.Tenant.ID), slog.Int64("token", c.Token.ID))
			}
			if err == nil && !c.Token.Scope.Allows(route.scope) {
				err = refuse(codeTokenScope)
			}
			if err != nil {
				s.fail(w, r, err)
				return
			}
		}
		if route.patience > 0 {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(route.patience))
		}
		out, err := route.answer(r, c)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if out.location != "" {
			w.Header().Set("Location", out.location)
		}
		s.write(w, r, out.status, out.body)
	})
}

func (s *Server) wrongMethod(allowed []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		s.fail(w, r, refuse(codeMethod))
	})
}

// write sends one JSON document, as a whole.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		s.Log.Error("write an answer", "request", accesslog.ID(r.Context()), "error", err.Error())
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Language", s.locale(r))
	w.WriteHeader(status)
	_, _ = text.WriteTo(w)
}

// languages are those that messages are written in.
var languages = language.NewMatcher([]language.Tag{language.Russian, language.English})

// locale is "ru" or "en": what the caller asks for, else the host's own.
func (s *Server) locale(r *http.Request) string {
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(wanted) == 0 {
		return s.Locale
	}
	_, index, confidence := languages.Match(wanted...)
	if confidence == language.No {
		return s.Locale
	}
	return []string{"ru", "en"}[index]
}

package web

import (
	"net/http"
	"time"

	"booking/host/internal/health"
	"booking/host/internal/store"
)

// languageCookie holds "ru" or "en".
const languageCookie = "booking_language"

func (s *Server) home(w http.ResponseWriter, r *http.Request, v *visit) error {
	if v.Who.Administers() {
		return redirect(w, r, "/settings/crm")
	}
	return redirect(w, r, "/account")
}

func (s *Server) notFound(http.ResponseWriter, *http.Request, *visit) error { return store.ErrNotFound }

// language remembers the visitor's choice for a year and goes back to the page.
func (s *Server) language(w http.ResponseWriter, r *http.Request, _ *visit) error {
	chosen := "ru"
	if r.PostFormValue("language") == "en" {
		chosen = "en"
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: chosen, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
	return redirect(w, r, localPath(r.PostFormValue("back")))
}

// healthz says that the process answers, readyz that it can do its work, or why not.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request, _ *visit) error {
	health.Alive(w)
	return nil
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request, _ *visit) error {
	health.Answer(w, s.Health.Ready(r.Context()), s.Locale)
	return nil
}

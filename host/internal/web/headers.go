package web

import (
	"net/http"

	"booking/shared/crm"
)

// maxForm bounds the body of a form, in bytes.
const maxForm = 64 << 10

// policy lets a page load what is ours and nothing else: no inline code or style, no
// other host, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		// Not no-referrer: browsers then send "Origin: null" with forms, and where the
		// pages are served by plain http in a network of one's own that is all there is.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// sayWhere refuses a change that does not say which page it comes from. Browsers
// always do; the standard library lets requests through that have neither header.
func (s *Server) sayWhere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		changes := r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
		if changes && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
			s.refuseOrigin(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) refuseOrigin(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, s.stranger(r), problemPage(http.StatusForbidden, crm.Text{
		RU: "Форма отправлена с чужого сайта, поэтому ничего не сделано. Откройте страницу здесь и повторите.",
		EN: "The form was sent from another site, so nothing was done. Open the page here and try again.",
	}))
}

package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"booking/host/internal/auth"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// visit is one request as the pages see it.
type visit struct {
	Locale string
	// Who is the zero value for nobody.
	Who store.Account
	// Tenant is the company whose pages these are; the zero value where there is none.
	Tenant store.Tenant
	// Zone is the tenant's.
	Zone *time.Location
	From auth.Visitor
	// Here is the path with its query, to come back to.
	Here string
	Demo bool
}

// SignedIn reports whether somebody is.
func (v *visit) SignedIn() bool { return v.Who.ID != 0 }

// Administers reports whether the CRM pages are open to the visitor.
func (v *visit) Administers() bool { return v.Who.Administers() && v.Tenant.ID != 0 }

// Super reports whether the visitor may choose a tenant.
func (v *visit) Super() bool { return v.Who.Role == store.RoleSuperAdmin }

// page answers a request; an error becomes an error page.
type page func(w http.ResponseWriter, r *http.Request, v *visit) error

// errNobody sends the visitor to the sign-in page, errNotYours tells whom to ask, and
// errNoTenant makes a super administrator choose.
var (
	errNobody   = errors.New("nobody is signed in")
	errNotYours = errors.New("the page is for administrators")
	errNoTenant = errors.New("no tenant is chosen")
)

// open puts around a page what all of them need: session, access, error pages.
func (s *Server) open(route route) http.Handler {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.stranger(r)
		err := s.enter(r, v, route.who)
		if err == nil {
			err = readForm(r)
		}
		if err == nil {
			err = route.page(w, r, v)
		}
		if err != nil {
			s.fail(w, r, v, err)
		}
	})
	switch route.pattern {
	case "GET /static/{file}", "GET /healthz", "GET /readyz":
		return answer // these know nobody and ask the database for no session
	}
	return s.gate.Middleware(answer)
}

// stranger is a visit of which only the outside is known.
func (s *Server) stranger(r *http.Request) *visit {
	v := &visit{Locale: s.Locale, Zone: s.Zone, From: auth.NewVisitor(r, s.Proxies), Here: r.URL.RequestURI(), Demo: s.Demo}
	if cookie, err := r.Cookie(languageCookie); err == nil && (cookie.Value == "ru" || cookie.Value == "en") {
		v.Locale = cookie.Value
	}
	return v
}

// enter finds out who it is and whether the page is theirs.
func (s *Server) enter(r *http.Request, v *visit, who access) error {
	if who == anyone {
		return nil
	}
	account, err := s.gate.Who(r.Context())
	if errors.Is(err, store.ErrNotFound) {
		return errNobody
	}
	if err != nil {
		return err
	}
	v.Who, v.Tenant = account, account.Tenant
	if v.Super() && account.Chosen.ID != 0 {
		v.Tenant = account.Chosen
	}
	v.Zone = s.zoneOf(v.Tenant.Zone)
	switch {
	case who == super && !v.Super(), who == admin && !account.Administers():
		return errNotYours
	case who == admin && v.Tenant.ID == 0:
		return errNoTenant
	}
	return nil
}

// readForm reads the whole form before anything is done with a part of it.
func readForm(r *http.Request) error {
	if r.Method != http.MethodPost {
		return nil
	}
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return problemPage(http.StatusRequestEntityTooLarge, crm.Text{RU: "Форма слишком большая, поэтому ничего не сделано.", EN: "The form is too large, so nothing was done."})
	case err != nil:
		return problemPage(http.StatusBadRequest, crm.Text{RU: "Форма повреждена, поэтому ничего не сделано.", EN: "The form is damaged, so nothing was done."})
	}
	return nil
}

// localPath is where to go after signing in: a path of these pages, never another
// site's ("//evil", "/\evil", "https:").
func localPath(wanted string) string {
	u, err := url.Parse(wanted)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(wanted, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}

func redirect(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"booking/host/internal/auth"
	"booking/host/internal/problem"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// tokensView is the page of the tokens that programs call the API with.
type tokensView struct {
	Tokens []tokenView
	// Fresh is a token that was made a moment ago; this answer is the only one that has it.
	Fresh string
	// Address is where the API begins.
	Address string
	// Name, Scope and Days are what the form was filled in with; Error says what is wrong.
	Name, Scope string
	Days        int
	Error       crm.Text
}

type tokenView struct {
	store.Token
	Status string
}

// tokenDays are how long a token may be good; 0: for ever.
var tokenDays = []int{30, 90, 365, 0}

// Lives are the choices of the form.
func (tokensView) Lives() []int { return tokenDays }

func (s *Server) tokens(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showTokens(w, r, v, http.StatusOK, tokensView{Scope: string(store.ScopeRead), Days: 90})
}

func (s *Server) showTokens(w http.ResponseWriter, r *http.Request, v *visit, status int, data tokensView) error {
	tokens, err := s.Store.Tokens(r.Context(), v.Tenant.ID)
	if err != nil {
		return err
	}
	for _, token := range tokens {
		data.Tokens = append(data.Tokens, tokenView{token, token.Status(s.Clock())})
	}
	data.Address = s.PublicURL + "/api/v1"
	return s.show(w, v, status, "tokens", data)
}

// addToken makes a token and shows it, this once.
func (s *Server) addToken(w http.ResponseWriter, r *http.Request, v *visit) error {
	data := tokensView{Name: r.PostFormValue("name"), Scope: r.PostFormValue("scope")}
	data.Days, _ = strconv.Atoi(r.PostFormValue("days"))
	token := store.Token{TenantID: v.Tenant.ID, Name: data.Name, Scope: store.Scope(data.Scope)}
	if data.Days > 0 {
		token.ExpiresAt = s.Clock().UTC().AddDate(0, 0, min(data.Days, 3650))
	}
	fresh, err := auth.AddToken(r.Context(), s.Store, v.actor(), &token)
	if errors.Is(err, store.ErrInvalid) {
		data.Error = problem.TextOf(err)
		return s.showTokens(w, r, v, http.StatusUnprocessableEntity, data)
	}
	if err != nil {
		return err
	}
	return s.showTokens(w, r, v, http.StatusCreated, tokensView{Fresh: fresh.Reveal(), Scope: data.Scope, Days: data.Days})
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request, v *visit) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return errors.Join(store.ErrNotFound, err)
	}
	if _, err := s.Store.RevokeToken(r.Context(), v.actor(), v.Tenant.ID, id); err != nil {
		return err
	}
	return redirect(w, r, "/settings/tokens")
}

// actor is the visitor as the audit knows them.
func (v *visit) actor() store.Actor { return store.Actor{ID: v.Who.ID, Name: v.Who.Name} }

// Ended is when the token came, or comes, to its end; zero for one without.
func (t tokenView) Ended() time.Time {
	if t.Revoked() {
		return t.RevokedAt
	}
	return t.ExpiresAt
}

package web

import (
	"errors"
	"net/http"

	"booking/host/internal/auth"
	"booking/host/internal/problem"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// recoverView is the page that asks for a link.
type recoverView struct {
	Email string
	Sent  bool
	// Again: somebody held a link that was over; the address is not for them to read.
	Again bool
	Error crm.Text
}

func (s *Server) recoverPage(w http.ResponseWriter, _ *http.Request, v *visit) error {
	return s.show(w, v, http.StatusOK, "recover", recoverView{})
}

// recover queues the wish for a link. Whether the address belongs to anybody is found
// out beside the request, so that nobody can tell it from the time.
func (s *Server) recover(w http.ResponseWriter, r *http.Request, v *visit) error {
	email := usersync.Normalize(r.PostFormValue("email"))
	if err := s.gate.MayAsk(email, v.From); err != nil {
		if status, message, ok := refusal(w, err); ok {
			return s.show(w, v, status, "recover", recoverView{Email: email, Error: message})
		}
		return err
	}
	if err := s.Store.AskForLink(r.Context(), email, v.Locale); err != nil {
		return err
	}
	s.Mail.Wake()
	return s.show(w, v, http.StatusOK, "recover", recoverView{Email: email, Sent: true})
}

// recoverAgain sends a new link to whoever the one of the path was sent to, at the
// address of today. Whoever holds a link that never was reads the same.
func (s *Server) recoverAgain(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx, key := r.Context(), r.PathValue("token")
	v.Here = "/recover" // where a change of the language leads: nothing is at the path itself
	owner, err := s.gate.LinkOwner(ctx, key)
	if err != nil && !auth.Nobody(err) {
		return err
	}
	if err == nil {
		key = owner.Email
	}
	if err := s.gate.MayAsk(key, v.From); err != nil {
		if status, message, ok := refusal(w, err); ok {
			return s.show(w, v, status, "recover", recoverView{Error: message})
		}
		return err
	}
	if owner.ID != 0 {
		if err := s.Store.AskForLink(ctx, owner.Email, v.Locale); err != nil {
			return err
		}
		s.Mail.Wake()
	}
	return s.show(w, v, http.StatusOK, "recover", recoverView{Sent: true, Again: true})
}

// passwordView is the page behind a link.
type passwordView struct {
	Token string
	Email string
	Gone  bool
	Error crm.Text
}

// passwordPage does not use the link up: mail servers open links, too.
func (s *Server) passwordPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	account, err := s.gate.OpenLink(r.Context(), r.PathValue("token"))
	if auth.Nobody(err) {
		return s.show(w, v, http.StatusGone, "password", passwordView{Token: r.PathValue("token"), Gone: true})
	}
	if err != nil {
		return err
	}
	return s.show(w, v, http.StatusOK, "password", passwordView{Token: r.PathValue("token"), Email: account.Email})
}

func (s *Server) setPassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx, token := r.Context(), r.PathValue("token")
	again := passwordView{Token: token}
	password := r.PostFormValue("password")
	err := error(nil)
	if password != r.PostFormValue("again") {
		err = problem.New(store.ErrInvalid, crm.Text{RU: "Пароли не совпадают", EN: "The two passwords differ"}, nil)
	} else {
		err = s.gate.UseLink(ctx, token, secret.New(password), v.From)
	}
	if err == nil {
		return redirect(w, r, "/")
	}
	if auth.Nobody(err) {
		return s.show(w, v, http.StatusGone, "password", passwordView{Token: r.PathValue("token"), Gone: true})
	}
	status, message, ok := refusal(w, err)
	if errors.Is(err, store.ErrInvalid) {
		status, message, ok = http.StatusUnprocessableEntity, problem.TextOf(err), true
	}
	if !ok {
		return err
	}
	again.Error = message
	if account, err := s.gate.OpenLink(ctx, token); err == nil {
		again.Email = account.Email
	}
	return s.show(w, v, status, "password", again)
}

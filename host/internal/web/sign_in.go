package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"booking/host/internal/auth"
	"booking/shared/crm"
	"booking/shared/secret"
)

// signInView is the sign-in page.
type signInView struct {
	Email, Next string
	Error       crm.Text
	// FirstRun: there is nobody yet who can administer.
	FirstRun bool
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	if _, err := s.gate.Who(r.Context()); err == nil {
		return redirect(w, r, localPath(r.URL.Query().Get("next")))
	}
	open, err := s.gate.FirstRunOpen(r.Context())
	if err != nil {
		return err
	}
	return s.show(w, v, http.StatusOK, "sign_in", signInView{Next: r.URL.Query().Get("next"), FirstRun: open})
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, v *visit) error {
	email, next := r.PostFormValue("email"), r.PostFormValue("next")
	err := s.gate.SignIn(r.Context(), email, secret.New(r.PostFormValue("password")), v.From)
	if err == nil {
		return redirect(w, r, localPath(next))
	}
	again := signInView{Email: email, Next: next}
	if status, message, ok := refusal(w, err); ok {
		again.Error = message
		return s.show(w, v, status, "sign_in", again)
	}
	return err
}

// refusal is what a visitor reads who was not let in.
func refusal(w http.ResponseWriter, err error) (int, crm.Text, bool) {
	var many *auth.TooManyError
	switch {
	case errors.As(err, &many):
		w.Header().Set("Retry-After", strconv.Itoa(int(many.After/time.Second)+1))
		return http.StatusTooManyRequests, crm.Text{
			RU: "Слишком много попыток. Подождите немного и попробуйте снова — или восстановите пароль.",
			EN: "Too many tries. Wait a little and try again, or recover the password.",
		}, true
	case errors.Is(err, auth.ErrRefused):
		return http.StatusUnprocessableEntity, crm.Text{
			RU: "Адрес или пароль не подходят. Если вы входите впервые или забыли пароль, запросите ссылку.",
			EN: "The address or the password is wrong. For the first time, or if you forgot it, ask for a link.",
		}, true
	}
	return 0, crm.Text{}, false
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request, _ *visit) error {
	if err := s.gate.SignOut(r.Context()); err != nil {
		return err
	}
	return redirect(w, r, "/sign-in")
}

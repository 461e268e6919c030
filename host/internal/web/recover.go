package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"booking/host/internal/auth"
	"booking/host/internal/mail"
	"booking/host/internal/problem"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// question is somebody's wish for a one-time link. It is answered beside the request,
// so that nobody can tell from the time whether the address belongs to anybody.
type question struct{ email, locale string }

// recoverView is the page that asks for a link.
type recoverView struct {
	Email string
	Sent  bool
	Error crm.Text
}

func (s *Server) recoverPage(w http.ResponseWriter, _ *http.Request, v *visit) error {
	return s.show(w, v, http.StatusOK, "recover", recoverView{})
}

func (s *Server) recover(w http.ResponseWriter, r *http.Request, v *visit) error {
	email := usersync.Normalize(r.PostFormValue("email"))
	if err := s.gate.MayAsk(email, v.From); err != nil {
		if status, message, ok := refusal(w, err); ok {
			return s.show(w, v, status, "recover", recoverView{Email: email, Error: message})
		}
		return err
	}
	select {
	case s.asked <- question{email, v.Locale}:
	default:
		s.Log.Warn("too many people ask for links at once, one was not sent")
	}
	return s.show(w, v, http.StatusOK, "recover", recoverView{Email: email, Sent: true})
}

// answer sends the link, if there is anybody to send it to.
func (s *Server) answer(ctx context.Context, q question) {
	link, err := s.gate.NewLink(ctx, q.email)
	if err == nil {
		err = s.Mail.Send(ctx, s.linkMail(link, q.locale))
	}
	if err != nil && !auth.Nobody(err) {
		s.Log.Error("a one-time link could not be sent", "error", err.Error())
	}
}

// linkMail begins its link with the public address, never with what a request calls us.
func (s *Server) linkMail(link auth.Link, locale string) mail.Message {
	text := crm.Text{
		RU: "Здравствуйте, %s!\n\nПо этой ссылке вы зададите пароль для входа в календарь бронирования:\n\n%s\n\n" +
			"Ссылка действует один час и только один раз. Если вы её не запрашивали, ничего делать не нужно.\n",
		EN: "Hello %s,\n\nthis link lets you set the password of your booking calendar:\n\n%s\n\n" +
			"It is good for one hour and for one time. If you did not ask for it, there is nothing to do.\n",
	}
	address := s.PublicURL + "/recover/" + link.Token.Reveal()
	return mail.Message{
		To: link.Account.Email, Subject: crm.Text{RU: "Вход в календарь бронирования", EN: "Signing in to the booking calendar"}.In(locale),
		Body: fmt.Sprintf(text.In(locale), link.Account.Name, address), Expires: s.Clock().Add(auth.LinkLife),
	}
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
		return s.show(w, v, http.StatusGone, "password", passwordView{Gone: true})
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
		return s.show(w, v, http.StatusGone, "password", passwordView{Gone: true})
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

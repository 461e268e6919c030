package web

import (
	"context"
	"errors"
	"net/http"

	"booking/host/internal/auth"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
)

// fieldCode and fieldAgain are inputs of the first run beside those of [store.Mistake].
const (
	fieldCode  = "code"
	fieldAgain = "again"
)

// firstRunView is the page of the first run.
type firstRunView struct {
	Message crm.Text
	Inputs  []inputView
}

// FirstRunCode makes a code for the console of a host that starts; it is empty when
// somebody can administer already, or ever could.
func (s *Server) FirstRunCode(ctx context.Context) (secret.Text, error) {
	return s.gate.NewFirstRunCode(ctx)
}

func (s *Server) firstRunPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.firstRunIsOpen(r.Context()); err != nil {
		return err
	}
	return s.show(w, v, http.StatusOK, "first_run", firstRunView{Inputs: firstRunInputs(store.FirstRun{})})
}

// firstRunIsOpen is ErrNotFound when it is not: then there is no such page.
func (s *Server) firstRunIsOpen(ctx context.Context) error {
	open, err := s.gate.FirstRunOpen(ctx)
	if err == nil && !open {
		return store.ErrNotFound
	}
	return err
}

// firstRun makes the company with its administrator. Neither the code nor the password
// is ever shown again, so both are typed anew after a mistake.
func (s *Server) firstRun(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.firstRunIsOpen(r.Context()); err != nil {
		return err
	}
	first := store.FirstRun{
		Company: r.PostFormValue(store.FieldCompany), Name: r.PostFormValue(store.FieldName), Email: r.PostFormValue(store.FieldEmail),
		Password: secret.New(r.PostFormValue(store.FieldPassword)),
	}
	if r.PostFormValue(fieldAgain) != first.Password.Reveal() {
		return s.firstRunAgain(w, v, http.StatusUnprocessableEntity, first, mendWhatIsMarked,
			[]store.Mistake{{Field: fieldAgain, Message: crm.Text{RU: "Пароли не совпадают", EN: "The two passwords differ"}}})
	}
	err := s.gate.FirstRun(r.Context(), secret.New(r.PostFormValue(fieldCode)), first, v.From)
	if err == nil {
		return redirect(w, r, "/")
	}
	var found *store.MistakesError
	switch {
	case errors.As(err, &found):
		return s.firstRunAgain(w, v, http.StatusUnprocessableEntity, first, mendWhatIsMarked, found.Mistakes)
	case errors.Is(err, auth.ErrWrongCode):
		return s.firstRunAgain(w, v, http.StatusUnprocessableEntity, first, mendWhatIsMarked, []store.Mistake{{Field: fieldCode, Message: crm.Text{
			RU: "Код не подходит. Если он напечатан больше суток назад, перезапустите booking-host serve: появится новый",
			EN: "The code is wrong. If it was printed more than a day ago, start booking-host serve again: it prints a new one",
		}}})
	}
	if status, message, ok := refusal(w, err); ok {
		return s.firstRunAgain(w, v, status, first, message, nil)
	}
	return err
}

func (s *Server) firstRunAgain(w http.ResponseWriter, v *visit, status int, first store.FirstRun, message crm.Text, mistakes []store.Mistake) error {
	data := firstRunView{Message: message, Inputs: firstRunInputs(first)}
	mark(data.Inputs, mistakes)
	return s.show(w, v, status, "first_run", data)
}

func firstRunInputs(first store.FirstRun) []inputView {
	return []inputView{
		{Key: fieldCode, Type: "text", Auto: "off", Required: true, Label: crm.Text{RU: "Код", EN: "Code"},
			Help: crm.Text{RU: "Напечатан там, где запущен booking-host serve", EN: "Printed where booking-host serve was started"}},
		{Key: store.FieldCompany, Type: "text", Auto: "organization", Required: true, Value: first.Company, Label: crm.Text{RU: "Название компании", EN: "Name of the company"}},
		{Key: store.FieldName, Type: "text", Auto: "name", Required: true, Value: first.Name, Label: crm.Text{RU: "Ваше имя", EN: "Your name"}},
		{Key: store.FieldEmail, Type: "email", Auto: "username", Required: true, Max: 255, Value: first.Email, Label: crm.Text{RU: "E-mail", EN: "E-mail"},
			Help: crm.Text{RU: "По нему вы будете входить", EN: "You will sign in with it"}},
		{Key: store.FieldPassword, Type: "password", Auto: "new-password", Required: true, Min: store.MinPassword, Max: 72, Label: crm.Text{RU: "Пароль", EN: "Password"},
			Help: crm.Text{RU: "Не короче 10 символов", EN: "At least 10 characters"}},
		{Key: fieldAgain, Type: "password", Auto: "new-password", Required: true, Min: store.MinPassword, Max: 72, Label: crm.Text{RU: "Пароль ещё раз", EN: "The password once more"}},
	}
}

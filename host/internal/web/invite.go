package web

import (
	"errors"
	"net/http"
	"strconv"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// inviteView asks whether somebody who was invited is to be invited again.
type inviteView struct {
	Person store.Account
	Last   store.Invitation
	Back   string
}

// invite sends one person an invitation. Form values: back, where to go then (a path of
// these pages), and again=yes, without which nobody is invited twice.
func (s *Server) invite(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx := r.Context()
	person, err := s.ownPerson(r, v)
	if err != nil {
		return err
	}
	may, err := s.Store.MayBeInvited(ctx, v.Tenant.ID, []int64{person.ID})
	if err != nil {
		return err
	}
	if !may[person.ID] {
		return problemPage(http.StatusConflict, crm.Text{
			RU: "Приглашать не нужно: человек отключён или уже задал пароль. Если пароль забыт, новую ссылку можно запросить на странице входа.",
			EN: "There is nobody to invite: the person is inactive or has set a password already. Whoever forgot it can ask for a link at the sign-in.",
		})
	}
	invitations, err := s.Store.Invitations(ctx, []int64{person.ID})
	if err != nil {
		return err
	}
	last, back := invitations[person.ID], localPath(r.PostFormValue("back"))
	if last.ID != 0 && r.PostFormValue("again") != "yes" {
		v.Here = back
		return s.show(w, v, http.StatusConflict, "invite", inviteView{person, last, back})
	}
	if err := s.Store.Invite(ctx, person, last.ID, v.Who.Name); err != nil {
		return err
	}
	s.Mail.Wake()
	return redirect(w, r, back)
}

// ownPerson is the person of the path, if it is one of the tenant's.
func (s *Server) ownPerson(r *http.Request, v *visit) (store.Account, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return store.Account{}, errors.Join(store.ErrNotFound, err)
	}
	person, err := s.Store.Account(r.Context(), id)
	if err == nil && person.TenantID != v.Tenant.ID {
		return store.Account{}, store.ErrNotFound
	}
	return person, err
}

// inviteNewcomers invites everybody whom a run has created and who was not invited.
func (s *Server) inviteNewcomers(w http.ResponseWriter, r *http.Request, v *visit) error {
	run, err := s.ownRun(r, v)
	if err != nil {
		return err
	}
	patient(w)
	invited, err := s.Store.InviteNewcomers(r.Context(), run, v.Who.Name)
	if err != nil {
		return err
	}
	s.Mail.Wake()
	return redirect(w, r, address(runPath(run.ID), "invited", strconv.Itoa(invited)))
}

// fillInvitations adds to a run's page who was invited and who can be.
func (s *Server) fillInvitations(r *http.Request, data *runView) error {
	if data.Run.Mode == crm.ModePreview || data.Run.Created == 0 {
		return nil
	}
	ctx := r.Context()
	var people []int64
	for _, row := range data.Rows {
		if row.Action == crm.ActionCreated && row.UserID != 0 {
			people = append(people, row.UserID)
		}
	}
	var err error
	if data.Invitations, err = s.Store.RunInvitations(ctx, data.Run.ID); err != nil {
		return err
	}
	may, err := s.Store.MayBeInvited(ctx, data.Run.TenantID, people)
	if err != nil {
		return err
	}
	invited, err := s.Store.Invitations(ctx, people)
	if err != nil {
		return err
	}
	for i := range data.Rows {
		row := &data.Rows[i]
		if row.Action == crm.ActionCreated {
			row.MayInvite, row.Invitation = may[row.UserID], invited[row.UserID]
		}
	}
	return nil
}

package web

import (
	"context"
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
	person, err := s.ownAccount(r, v)
	if err != nil {
		return err
	}
	invitees, err := s.Store.Invitees(ctx, v.Tenant.ID, []int64{person.ID})
	if err != nil {
		return err
	}
	if !invitees[person.ID].May {
		return problemPage(http.StatusConflict, crm.Text{
			RU: "Приглашать не нужно: человек отключён или уже задал пароль. Если пароль забыт, новую ссылку можно запросить на странице входа.",
			EN: "There is nobody to invite: the person is inactive or has set a password already. Whoever forgot it can ask for a link at the sign-in.",
		})
	}
	last, back := invitees[person.ID].Invitation, localPath(r.PostFormValue("back"))
	if last.ID != 0 && r.PostFormValue("again") != "yes" {
		v.Here = back
		return s.show(w, v, http.StatusConflict, "invite", inviteView{person, last, back})
	}
	if err := s.Store.Invite(ctx, person, last.ID, v.Who.Name); err != nil {
		return err
	}
	s.Mail.Wake()
	s.results.forget()
	return redirect(w, r, back)
}

// ownAccount is the person of the path as signing in needs them, if one of the tenant's.
func (s *Server) ownAccount(r *http.Request, v *visit) (store.Account, error) {
	id, err := strconv.ParseInt(r.PathValue("person"), 10, 64)
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
	s.results.forget()
	return redirect(w, r, address(runPath(run.ID), "invited", strconv.Itoa(invited)))
}

// fillInvitation adds to a person's page whether they can be invited, and were.
func (s *Server) fillInvitation(ctx context.Context, data *personView, tenant int64) error {
	invitees, err := s.Store.Invitees(ctx, tenant, []int64{data.Person.ID})
	data.Invitee = invitees[data.Person.ID]
	return err
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
	invitees, err := s.Store.Invitees(ctx, data.Run.TenantID, people)
	if err != nil {
		return err
	}
	for i := range data.Rows {
		row := &data.Rows[i]
		if row.Action == crm.ActionCreated {
			row.Invitee = invitees[row.UserID]
		}
	}
	return nil
}

package crmtest_test

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"

	"booking/shared/crm"
	"booking/shared/usersync"
)

// Choices implements crm.ChoicesSource.
func (p *subject) Choices(_ context.Context, r crm.ChoicesRequest) (crm.Choices, error) {
	if p.fault == "does more than it lists" || p.fault == "choices of anything" {
		return crm.Choices{}, nil
	}
	switch {
	case r.Field != "departments":
		return crm.Choices{}, errors.New("what is " + r.Field + "?")
	case r.Settings.Get("portal") == "broken" && p.fault != "choices of a broken portal":
		return crm.Choices{}, crm.NewError(crm.CodePortalUnreachable, crm.Text{RU: "Портал не отвечает."}, nil)
	case p.fault == "choices of nothing" || p.fault == "choices of a broken portal":
		return crm.Choices{}, nil
	case p.fault == "choices that cannot be saved":
		return crm.Choices{Nodes: []crm.ChoiceNode{{Value: "sales", Label: "Продажи"}}}, nil
	}
	return crm.Choices{Nodes: []crm.ChoiceNode{{Value: "1", Label: "Компания"}, {Value: "2", Label: "Продажи", Parent: "1"}}}, nil
}

// ImportSettings implements crm.SettingsImporter.
func (p *subject) ImportSettings(ctx context.Context, r crm.ImportRequest, _ func(crm.ImportedSettings) error) error {
	if p.fault == "imports in dreams" || p.fault == "does more than it lists" {
		return nil
	}
	db, err := usersync.OpenDB(r.DSN)
	if err != nil {
		return err
	}
	defer db.Close()
	switch p.fault {
	case "imports and tidies up":
		if _, err := db.ExecContext(ctx, "UPDATE users SET remember_token = 'seen'"); err != nil {
			return err
		}
	case "repeats the key":
		return crm.NewError(crm.CodeNotConfigured, crm.Text{RU: "Ключ " + r.Key.Reveal() + " не подходит."}, nil)
	}
	return crm.NewError(crm.CodeNotConfigured, crm.Text{RU: "Таблицы нет."}, nil)
}

// subjectEvent is what the subject's portal sends.
func subjectEvent(token string) *crm.EventMessage {
	return &crm.EventMessage{ContentType: "text/plain", Body: []byte(token + " 7")}
}

// ReadEvent implements crm.EventReader.
func (p *subject) ReadEvent(_ context.Context, m crm.EventMessage) (crm.PortalEvent, error) {
	body, token := string(m.Body), m.Settings.Get("token")
	proof, id, _ := strings.Cut(body, " ")
	switch {
	case p.fault == "believes anybody", p.fault == "does more than it lists", p.fault == "believes whoever knows an id" && id == "7":
		return crm.PortalEvent{Authentic: true, ExternalIDs: []string{"7"}}, nil
	case p.fault == "fails at nonsense" && id != "7":
		return crm.PortalEvent{}, errors.New("what is this?")
	case token == "":
		return crm.PortalEvent{Reason: crm.EventNotConfigured}, nil
	case p.fault == "believes nobody" || subtle.ConstantTimeCompare([]byte(proof), []byte(token)) != 1:
		return crm.PortalEvent{Reason: crm.EventWrongProof}, nil
	}
	return crm.PortalEvent{Authentic: true, ExternalIDs: []string{id}}, nil
}

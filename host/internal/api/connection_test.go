package api

import (
	"net/http"
	"strings"
	"testing"

	"booking/host/internal/connect"
	"booking/shared/crm"
)

func TestTheConnectionIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get(s.read, "/connection").refused(t, "none", 404, "not_found")
	s.post(s.run, "/connection/check", "").refused(t, "none", 404, "not_found")
	s.connect()
	r := s.get(s.read, "/connection").ok(t, 200)
	var got connect.JSON
	r.into(t, &got)
	if got.Tenant != s.ours || got.Plugin != "scripted" || !got.Enabled || got.Portal != "portal.example" || got.Settings["departments"] != "3,4" || got.Settings["webhook"] != "***" || strings.Contains(r.body, "secret") {
		t.Errorf("%s", r.body)
	}
	s.get(s.foreign, "/connection").refused(t, "another tenant's", 404, "not_found")
}

func TestTheConnectionIsChecked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	var got connect.CheckJSON
	if s.post(s.run, "/connection/check", "").ok(t, 200).into(t, &got); !got.OK || len(got.Findings) != 1 || got.Findings[0].Message != "Видно 25 сотрудников." {
		t.Errorf("%+v", got)
	}
	s.plugin.check = func() ([]crm.Finding, error) {
		return []crm.Finding{{Code: "alive", OK: true, Message: crm.Text{RU: "жив", EN: "alive"}}, {Code: "scope_missing", Message: crm.Text{RU: "нет права", EN: "no scope"}}}, nil
	}
	r := s.call(s.run, http.MethodPost, "/connection/check", "", "Accept-Language", "en").ok(t, 200)
	if r.into(t, &got); got.OK || len(got.Findings) != 2 || got.Findings[1].Message != "no scope" {
		t.Errorf("%s", r.body)
	}
	for code, want := range map[crm.Code]struct {
		status int
		code   string
	}{crm.CodePortalUnreachable: {502, "portal"}, crm.CodePluginLost: {503, "plugin"}, crm.CodeDatabase: {503, "database"}} {
		s.plugin.check = func() ([]crm.Finding, error) {
			return nil, crm.NewError(code, crm.Text{RU: "сломалось", EN: "broken"}, nil)
		}
		if refused := s.post(s.run, "/connection/check", "").refused(t, string(code), want.status, want.code); refused.Error.Message != "сломалось" {
			t.Errorf("%s: %+v", code, refused)
		}
	}
}

// What nobody has foreseen is told to the log and to nobody else.
func TestAMistakeOfOursSaysNothingButItsNumber(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.exec("UPDATE crm_secrets SET sealed = 'spoilt'")
	r := s.get(s.read, "/connection")
	refused := r.refused(t, "a secret that does not open", 500, "internal")
	if strings.Contains(refused.Error.Message, "webhook") || !strings.Contains(s.log.String(), r.header.Get("X-Request-Id")) {
		t.Errorf("%+v\n%s", refused, s.log.String())
	}
}

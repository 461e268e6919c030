package portalsim_test

import (
	"net/http"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
)

// api-reference/user/user-scope.md: which scope sees what.
func TestScopesLimitFields(t *testing.T) {
	t.Parallel()
	people := []portalsim.Person{{ID: 1, Active: true, Name: "A", Email: "a@x.example", PersonalMobile: "1", WorkPhone: "2", Position: "P", InnerPhone: "7"}}
	for scope, fields := range map[string]map[string]bool{
		"user_brief": {"NAME": true, "WORK_POSITION": true, "UF_DEPARTMENT": true, "UF_PHONE_INNER": true, "EMAIL": false, "PERSONAL_MOBILE": false, "WORK_PHONE": false, "USER_TYPE": false},
		"user_basic": {"NAME": true, "EMAIL": true, "PERSONAL_MOBILE": true, "WORK_PHONE": true, "LAST_LOGIN": false, "USER_TYPE": false},
		"user":       {"NAME": true, "EMAIL": true, "LAST_LOGIN": true, "USER_TYPE": true},
	} {
		p := start(t, portalsim.Options{People: people, Scopes: []string{scope}})
		person := p.get("user.get").wantStatus(http.StatusOK).at("result", "0").(map[string]any)
		for field, visible := range fields {
			if _, got := person[field]; got != visible {
				t.Errorf("%s: %s is there: %v, want %v", scope, field, got, visible)
			}
		}
		person = p.get("user.get?select[]=EMAIL&select[]=ID").at("result", "0").(map[string]any)
		if _, got := person["EMAIL"]; got != fields["EMAIL"] {
			t.Errorf("%s: EMAIL can be selected: %v", scope, got)
		}
	}
}

// _includes/system-errors.md: insufficient_scope, NO_AUTH_FOUND, method not found.
func TestAuthorisationErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect                portalsim.Dialect
		scope, unknown, secret int
		secretCode             string
	}{
		"older documentation": {portalsim.Dialect{}, http.StatusForbidden, http.StatusNotFound, http.StatusUnauthorized, "NO_AUTH_FOUND"},
		"newer documentation": {portalsim.Dialect{NewerErrors: true}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnauthorized, "INVALID_CREDENTIALS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, portalsim.Options{People: staff(1), Scopes: []string{"department"}, Dialect: c.dialect})
			p.get("user.get").wantError(c.scope, "insufficient_scope")
			p.get("no.such").wantError(c.unknown, "ERROR_METHOD_NOT_FOUND")
			p.get("department.get").wantStatus(http.StatusOK)
			request := p.request(http.MethodGet, "profile", "", "")
			request.URL.Path = "/rest/1/wrong/profile"
			p.do(request).wantError(c.secret, c.secretCode)
			request = p.request(http.MethodGet, "profile", "", "")
			request.URL.Path = "/rest/2/simulator/profile"
			p.do(request).wantError(c.secret, c.secretCode)
		})
	}
}

// profile.md, scope.md, server-time.md: basic methods need no scope.
func TestBasicMethods(t *testing.T) {
	t.Parallel()
	clock := newClock()
	p := start(t, portalsim.Options{People: staff(3), User: 2, Scopes: []string{"crm"}, Now: clock.Now})
	profile := p.get("profile")
	want(t, "profile", []any{profile.at("result", "ID"), profile.at("result", "ADMIN"), profile.at("result", "NAME")}, "[2 true Name2]")
	want(t, "scope", p.get("scope").at("result"), "[crm]")
	want(t, "scope full: the text false is true in form data", len(p.get("scope?full=false").at("result").([]any)) > 1, true)
	want(t, "scope full=0", p.get("scope?full=0").at("result"), "[crm]")
	want(t, "server.time", p.get("server.time").at("result"), "2026-11-23T12:00:00+00:00")
	want(t, "methods", p.get("methods").at("result"), "[app.info batch methods profile scope server.time]")
	p.get("app.info").wantStatus(http.StatusOK)
}

// api-reference/departments/department-get.md.
func TestDepartmentGet(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{Departments: portalsim.Departments()})
	all := p.get("department.get")
	want(t, "all", all.ids("result"), "1 2 3 4 5 7 8 10 11 14 15 16")
	want(t, "total", all.at("total"), 12)
	want(t, "a child", all.at("result", "1"), "map[ID:2 NAME:Отдел продаж PARENT:1 SORT:500]")
	want(t, "the root has no parent", all.at("result", "0", "PARENT"), nil)
	want(t, "PARENT", p.call("department.get", `{"PARENT":7,"sort":"NAME","order":"DESC"}`).ids("result"), "15 14")
	want(t, "ID", p.get("department.get?ID=3").ids("result"), "3")
	want(t, "NAME is the full name", p.get("department.get?NAME=Бухгалтерия").ids("result"), "3")
	var many []portalsim.Department
	for i := range int64(51) {
		many = append(many, portalsim.Department{ID: i + 1, Name: "D"})
	}
	p.Update(func(s *portalsim.State) { s.SetDepartments(many) })
	want(t, "next", p.get("department.get").at("next"), 50)
	want(t, "the second page", p.get("department.get?START=50").ids("result"), "51")
}

package portalsim

import (
	"strconv"
	"strings"
	"time"
)

// access is what a webhook's scopes let it see (api-reference/user/user-scope.md):
// brief has no contact details, full is the scope "user".
type access uint8

const (
	brief access = 1 << iota
	basic
	full
)

type fieldKind uint8

const (
	kindText fieldKind = iota
	kindID
	kindActive
	kindDate
	kindDepartments
)

// field is one field of user.get's answer: its name, who sees it and its value as
// text, "" for an empty one.
type field struct {
	name string
	seen access
	kind fieldKind
	get  func(*Person) string
}

func none(*Person) string { return "" }

// fields stand in the order of the documentation's example answer. USER_TYPE is in
// that example but in neither list of the limited scopes, and LAST_LOGIN only in
// that of the full one.
var fields = []*field{
	{"ID", brief | basic | full, kindID, func(p *Person) string { return strconv.FormatInt(p.ID, 10) }},
	{"ACTIVE", brief | basic | full, kindActive, func(p *Person) string { return yesNo(p.Active) }},
	{"NAME", brief | basic | full, kindText, func(p *Person) string { return p.Name }},
	{"LAST_NAME", brief | basic | full, kindText, func(p *Person) string { return p.LastName }},
	{"SECOND_NAME", brief | basic | full, kindText, func(p *Person) string { return p.SecondName }},
	{"EMAIL", basic | full, kindText, func(p *Person) string { return p.Email }},
	{"LAST_LOGIN", full, kindDate, func(p *Person) string { return isoDate(p.LastLogin) }},
	{"DATE_REGISTER", brief | basic | full, kindDate, func(p *Person) string { return isoDate(p.Registered) }},
	{"TIME_ZONE", brief | basic | full, kindText, none},
	{"IS_ONLINE", brief | basic | full, kindText, func(p *Person) string { return yesNo(p.Online) }},
	{"TIMESTAMP_X", brief | basic | full, kindDate, func(p *Person) string { return isoDate(p.Changed) }},
	{"LAST_ACTIVITY_DATE", brief | basic | full, kindDate, none},
	{"PERSONAL_GENDER", brief | basic | full, kindText, none},
	{"PERSONAL_WWW", full, kindText, none},
	{"PERSONAL_BIRTHDAY", brief | basic | full, kindText, none},
	{"PERSONAL_PHONE", basic | full, kindText, func(p *Person) string { return p.PersonalPhone }},
	{"PERSONAL_MOBILE", basic | full, kindText, func(p *Person) string { return p.PersonalMobile }},
	{"PERSONAL_CITY", brief | basic | full, kindText, func(p *Person) string { return p.City }},
	{"WORK_PHONE", basic | full, kindText, func(p *Person) string { return p.WorkPhone }},
	{"WORK_POSITION", brief | basic | full, kindText, func(p *Person) string { return p.Position }},
	{"UF_EMPLOYMENT_DATE", brief | basic | full, kindText, none},
	{"UF_DEPARTMENT", brief | basic | full, kindDepartments, none},
	{"UF_PHONE_INNER", brief | basic | full, kindText, func(p *Person) string { return p.InnerPhone }},
	{"USER_TYPE", full, kindText, func(p *Person) string { return p.userType() }},
}

var fieldByName = func() map[string]*field {
	out := make(map[string]*field, len(fields))
	for _, f := range fields {
		out[f.name] = f
	}
	return out
}()

func yesNo(b bool) string {
	if b {
		return "Y"
	}
	return "N"
}

func isoDate(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05-07:00")
}

// accessOf returns the widest access among the scopes, 0 for none.
func accessOf(scopes []string) access {
	var widest access
	for _, scope := range scopes {
		switch strings.ToLower(scope) {
		case "user":
			widest = max(widest, full)
		case "user_basic":
			widest = max(widest, basic)
		case "user_brief":
			widest = max(widest, brief)
		}
	}
	return widest
}

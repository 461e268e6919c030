package provider

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
)

// settings are a tenant's, read.
type settings struct {
	webhook     rest.Webhook
	departments []string
	phone       bool
	position    bool
	rate        rest.Rate
}

// The portal's IDs: whole numbers above zero.
var (
	departmentID = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	userID       = departmentID
	tokenForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{8,128}$`)
)

// readSettings returns every problem by its key.
func readSettings(from crm.Settings) (settings, []crm.FieldProblem) {
	var s settings
	var problems []crm.FieldProblem
	problem := func(key string, message crm.Text) {
		problems = append(problems, crm.FieldProblem{Key: key, Message: message})
	}
	var err error
	if address := strings.TrimSpace(from.Get(keyWebhook)); address == "" {
		problem(keyWebhook, textNoWebhook)
	} else if s.webhook, err = rest.ParseWebhook(address); err != nil {
		problem(keyWebhook, textWebhookForm)
	}
	for _, id := range strings.FieldsFunc(from.Get(keyDepartments), func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) }) {
		if !departmentID.MatchString(id) {
			problem(keyDepartments, textDepartments)
			break
		}
		if !slices.Contains(s.departments, id) {
			s.departments = append(s.departments, id)
		}
	}
	for key, flag := range map[string]*bool{keyPhone: &s.phone, keyPosition: &s.position} {
		switch from.Get(key) {
		case "true":
			*flag = true
		case "", "false":
		default:
			problem(key, textFlag)
		}
	}
	switch from.Get(keyRate) {
	case "", rateStandard:
		s.rate = rest.Standard
	case rateEnterprise:
		s.rate = rest.Enterprise
	default:
		problem(keyRate, textRate)
	}
	if token := strings.TrimSpace(from.Get(keyEventToken)); token != "" && !tokenForm.MatchString(token) {
		problem(keyEventToken, textToken)
	}
	slices.SortFunc(problems, func(a, b crm.FieldProblem) int { return strings.Compare(a.Key, b.Key) })
	return s, problems
}

// CheckSettings implements [crm.Plugin].
func (p *Provider) CheckSettings(_ context.Context, from crm.Settings) (crm.SettingsCheck, error) {
	setup, done, err := p.use()
	if err != nil {
		return crm.SettingsCheck{}, err
	}
	defer done()
	s, problems := readSettings(from)
	portal := s.webhook.Portal()
	if portal != "" && !setup.transport.Allows(s.webhook) {
		problems = append(problems, crm.FieldProblem{Key: keyWebhook, Message: textHTTPS})
	}
	return crm.SettingsCheck{Portal: portal, Problems: problems}, nil
}

// usable turns problems into the error of a run. No webhook is no failure: the tenant
// simply is not connected yet.
func usable(problems []crm.FieldProblem) error {
	if len(problems) == 0 {
		return nil
	}
	for _, problem := range problems {
		if problem.Message == textNoWebhook {
			return crm.NewError(crm.CodeNotConfigured, textNoWebhook, nil)
		}
	}
	first := problems[0]
	return crm.NewError(crm.CodeNotConfigured, crm.Text{RU: first.Key + ": " + first.Message.RU, EN: first.Key + ": " + first.Message.EN}, nil)
}

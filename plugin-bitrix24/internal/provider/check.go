package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
)

// What is still called good.
const (
	goodLatency = 3 * time.Second
	goodSkew    = time.Minute
)

// CheckConnection implements [crm.Plugin]: from the address to the people, until
// something makes the rest unanswerable.
func (p *Provider) CheckConnection(ctx context.Context, r crm.ConnectionRequest) (crm.ConnectionCheck, error) {
	setup, done, err := p.use()
	if err != nil {
		return crm.ConnectionCheck{}, err
	}
	defer done()
	c := check{locale: setup.Locale}
	s, problems := readSettings(r.Settings)
	for _, problem := range problems {
		c.add(codeFor(problem.Key), false, problem.Message)
	}
	if len(problems) == 0 {
		log := requestLog{locale: setup.Locale, tenant: r.Tenant.ID}
		c.client, err = p.client(setup, s, log, nil, setup.LimitWait)
		if err == nil {
			err = c.run(ctx, s)
		}
		if err != nil && ctx.Err() != nil {
			return crm.ConnectionCheck{}, err
		}
		if err != nil {
			c.addError("webhook", err)
		}
	}
	return crm.ConnectionCheck{Findings: c.findings}, nil
}

func codeFor(key string) string {
	if key == keyWebhook {
		return "webhook"
	}
	return key
}

type check struct {
	locale   string
	client   *rest.Client
	findings []crm.Finding
}

func (c *check) add(code string, ok bool, message crm.Text) {
	c.findings = append(c.findings, crm.Finding{Code: code, OK: ok, Message: message})
}

func (c *check) addError(code string, err error) {
	message := crm.Text{RU: "Внутренняя ошибка", EN: "Internal error"}
	if known, ok := asKnown(err); ok {
		message = known.Message
	}
	c.add(code, false, message)
}

// run returns an error only when the webhook itself does not work.
func (c *check) run(ctx context.Context, s settings) error {
	owner, err := c.client.Owner(ctx)
	if err != nil {
		return err
	}
	c.add("webhook", true, crm.Text{RU: "Вебхук портала " + s.webhook.Portal() + " работает", EN: "The webhook of " + s.webhook.Portal() + " works"})
	c.owner(owner)
	c.scopes(ctx, s)
	c.people(ctx, s)
	c.clock(owner)
	return ctx.Err()
}

func (c *check) owner(o rest.Owner) {
	name := strings.TrimSpace(o.Name + " (ID " + o.ID + ")")
	if o.Admin {
		c.add("owner", true, crm.Text{RU: "Владелец вебхука: " + name + ", администратор портала", EN: "The webhook's owner is " + name + ", an administrator of the portal"})
		return
	}
	c.add("owner", true, crm.Text{RU: "Владелец вебхука: " + name, EN: "The webhook's owner is " + name})
}

// scopes names what the webhook may do, and what is missing for these settings.
func (c *check) scopes(ctx context.Context, s settings) {
	scopes, err := c.client.Scopes(ctx)
	if err != nil {
		c.addError("scopes", err)
		return
	}
	listed := strings.Join(scopes, ", ")
	var missing []string
	if !slices.Contains(scopes, "user") && !slices.Contains(scopes, "user_basic") {
		missing = append(missing, "user")
	}
	if len(s.departments) > 0 && !slices.Contains(scopes, "department") {
		missing = append(missing, "department")
	}
	if len(missing) > 0 {
		add := strings.Join(missing, ", ")
		c.add("scopes", false, crm.Text{
			RU: "Права вебхука: " + listed + ". Добавьте: " + add,
			EN: "Scopes of the webhook: " + listed + ". Add: " + add,
		})
		return
	}
	c.add("scopes", true, crm.Text{RU: "Права вебхука: " + listed, EN: "Scopes of the webhook: " + listed})
}

// people reads everybody as a sync would: only that tells the truth.
func (c *check) people(ctx context.Context, s settings) {
	var people, addresses int
	var query rest.Query
	var err error
	if query.Departments, err = departments(ctx, c.client, s.departments); err != nil {
		c.addError("departments", err)
		return
	}
	_, err = c.client.ReadPeople(ctx, query, nil, func(p rest.Person) error {
		people++
		if p.Email != "" {
			addresses++
		}
		return nil
	})
	known, _ := asKnown(err)
	switch {
	case known != nil && known.Code == crm.CodeScopeMissing:
		c.add("email_visible", false, known.Message)
		return
	case err != nil:
		c.addError("employees", err)
		return
	}
	c.email(people, addresses)
	message := crm.Text{
		RU: fmt.Sprintf("Активных сотрудников: %d, с адресом почты: %d", people, addresses),
		EN: fmt.Sprintf("Active employees: %d, with an e-mail address: %d", people, addresses),
	}
	if people == 0 {
		message.RU += ". Проверьте настройку отделов"
		message.EN += ". Check the departments setting"
	}
	c.add("employees", people > 0, message)
}

func (c *check) email(people, addresses int) {
	switch {
	case addresses > 0:
		c.add("email_visible", true, crm.Text{RU: "Адреса почты видны", EN: "E-mail addresses are visible"})
	case people > 0:
		c.add("email_visible", false, crm.Text{
			RU: "Ни у кого не видно адреса почты: заполните их в портале или дайте вебхуку право user",
			EN: "Nobody's e-mail address is visible: fill them in in the portal, or give the webhook the scope user",
		})
	}
}

// clock tells of the time: calls that take long, and two clocks that differ.
func (c *check) clock(o rest.Owner) {
	ms := o.Latency.Milliseconds()
	latency := crm.Text{RU: fmt.Sprintf("Портал ответил за %d мс", ms), EN: fmt.Sprintf("The portal answered within %d ms", ms)}
	if o.Latency > goodLatency {
		latency.RU += ": это долго, синхронизация будет медленной. Проверьте сеть и прокси"
		latency.EN += ": that is long, syncs will be slow. Check the network and the proxy"
	}
	c.add("latency", o.Latency <= goodLatency, latency)
	if !o.Clocked {
		return
	}
	// The portal writes whole seconds; nobody needs more than minutes here.
	if minutes := int(o.Skew.Abs().Round(time.Minute).Minutes()); o.Skew.Abs() > goodSkew {
		c.add("clock", false, crm.Text{
			RU: fmt.Sprintf("Часы портала и этого сервера расходятся на %d мин: проверьте время на сервере", minutes),
			EN: fmt.Sprintf("The clocks of the portal and of this server differ by %d min: check this server's time", minutes),
		})
	} else {
		c.add("clock", true, crm.Text{RU: "Часы портала и этого сервера идут одинаково", EN: "The clocks of the portal and of this server agree"})
	}
	if o.Zone != "" {
		c.add("timezone", true, crm.Text{RU: "Часовой пояс портала: UTC" + o.Zone, EN: "The portal's time zone: UTC" + o.Zone})
	}
}

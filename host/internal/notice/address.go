package notice

import (
	"context"
	"strings"

	"booking/host/internal/mail"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// askedAtMost is how many administrators a mail names.
const askedAtMost = 3

// address tells an old address that the person signs in with another one now: whoever
// can change an address in a CRM could take an account over, and the owner must see it.
func (w Writer) address(ctx context.Context, m store.QueuedMail) (mail.Message, error) {
	// The account may be gone or inactive by now: the change was made all the same.
	tenant, err := w.Store.Tenant(ctx, m.TenantID)
	if err != nil {
		return mail.Message{}, err
	}
	ask, err := w.Store.Administrators(ctx, m.TenantID, askedAtMost)
	if err != nil {
		return mail.Message{}, err
	}
	locale := w.localeOf(m)
	fill := strings.NewReplacer("{company}", inline(tenant.Name), "{old}", m.Recipient, "{new}", m.Data.NewAddress,
		"{who}", changedBy(m.Data).In(locale), "{ask}", askWhom(ask).In(locale))
	subject := crm.Text{RU: "Ваш адрес в календаре бронирования изменён", EN: "Your address in the booking calendar was changed"}
	body := crm.Text{
		RU: "Здравствуйте!\n\nАдрес вашей учётной записи в календаре бронирования компании «{company}» изменён:\n\n    {old} → {new}\n\n" +
			"Изменение сделано {who}. Входить теперь нужно с новым адресом, ссылки для входа тоже приходят на него; это письмо — последнее на старый.\n\n" +
			"Если вы об этом не знаете, сразу скажите об этом: {ask}.\n",
		EN: "Hello,\n\nthe address of your account in the booking calendar of {company} was changed:\n\n    {old} → {new}\n\n" +
			"It was changed {who}. From now on you sign in with the new address, and links to sign in go there; this is the last mail to the old one.\n\n" +
			"If this is news to you, tell somebody at once: {ask}.\n",
	}
	return mail.Message{To: m.Recipient, Subject: subject.In(locale), Body: fill.Replace(body.In(locale)), ID: messageID(m)}, nil
}

func changedBy(d store.MailData) crm.Text {
	if d.By != "" {
		return crm.Text{RU: "вручную (" + inline(d.By) + ")", EN: "by hand (" + inline(d.By) + ")"}
	}
	return crm.Text{RU: "при синхронизации с порталом " + inline(d.Portal), EN: "by the sync with the portal " + inline(d.Portal)}
}

// askWhom names the administrators, or says who they are where nobody is known.
func askWhom(people []store.User) crm.Text {
	names := make([]string, 0, len(people))
	for _, p := range people {
		names = append(names, inline(p.Name)+" <"+p.Email+">")
	}
	if len(names) == 0 {
		return crm.Text{RU: "администратору вашей компании", EN: "an administrator of your company"}
	}
	list := strings.Join(names, ", ")
	return crm.Text{RU: list, EN: list}
}

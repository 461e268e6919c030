package notice

import (
	"context"
	"strconv"
	"strings"

	"booking/host/internal/auth"
	"booking/host/internal/mail"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// link is the mail with the link that somebody has asked for at the sign-in. Whether
// there is such a person is found out here, where nobody can measure it.
func (w Writer) link(ctx context.Context, m store.QueuedMail) (mail.Message, error) {
	account, err := w.Store.AccountByEmail(ctx, m.Recipient)
	if auth.Nobody(err) || (err == nil && !account.MaySignIn()) {
		return mail.Message{}, mail.ErrNobody
	}
	if err != nil {
		return mail.Message{}, err
	}
	return w.linkTo(ctx, m, account, words{
		subject: crm.Text{RU: "Вход в календарь бронирования", EN: "Signing in to the booking calendar"},
		body: crm.Text{
			RU: "Здравствуйте, {name}!\n\nПо этой ссылке вы зададите пароль для входа в календарь бронирования:\n\n{link}\n\n" +
				"Ссылка действует один час и только один раз. Если вы её не запрашивали, ничего делать не нужно.\n",
			EN: "Hello {name},\n\nthis link lets you set the password of your booking calendar:\n\n{link}\n\n" +
				"It is good for one hour and for one time. If you did not ask for it, there is nothing to do.\n",
		},
	})
}

// invitation is the mail to a newcomer. It is not sent to somebody who has got in
// meanwhile.
func (w Writer) invitation(ctx context.Context, m store.QueuedMail) (mail.Message, error) {
	account, err := w.reader(ctx, m.UserID)
	if err != nil {
		return mail.Message{}, err
	}
	if !usersync.NobodysPassword(account.PasswordHash.Reveal()) {
		return mail.Message{}, dropped(ReasonInside)
	}
	return w.linkTo(ctx, m, account, words{
		subject: crm.Text{RU: "Приглашение в календарь бронирования: {company}", EN: "Your invitation to the booking calendar: {company}"},
		body: crm.Text{
			RU: "Здравствуйте, {name}!\n\nКомпания «{company}» завела вам учётную запись в календаре бронирования: клиенты смогут записываться к вам, " +
				"а вы — видеть своё расписание.\n\nЗадайте пароль по этой ссылке:\n\n{link}\n\n" +
				"Ссылка действует один час и только один раз. Если её время вышло, всё равно откройте её: там есть кнопка, которая пришлёт новую.\n" +
				"Входить вы будете с адресом {address}.\n",
			EN: "Hello {name},\n\n{company} has made an account for you in its booking calendar: customers can book you, and you see your own schedule.\n\n" +
				"Set your password with this link:\n\n{link}\n\n" +
				"It is good for one hour and for one time. If its time is over, open it all the same: a button there sends a new one.\n" +
				"You will sign in as {address}.\n",
		},
	})
}

// words are what a mail with a link says.
type words struct{ subject, body crm.Text }

// linkTo makes the link, which ends every older one, and the mail around it.
func (w Writer) linkTo(ctx context.Context, m store.QueuedMail, account store.Account, say words) (mail.Message, error) {
	link, err := auth.NewLink(ctx, w.Store, account)
	if err != nil {
		return mail.Message{}, err
	}
	if err := w.Store.NoteLink(ctx, m, account.ID, link.Hash); err != nil {
		return mail.Message{}, err
	}
	// One pass: a name in braces is a name.
	fill := strings.NewReplacer("{name}", inline(account.Name), "{company}", inline(account.Tenant.Name), "{address}", account.Email,
		"{link}", w.PublicURL+"/recover/"+link.Token.Reveal())
	locale := w.localeOf(m)
	return mail.Message{
		To: account.Email, Subject: fill.Replace(say.subject.In(locale)), Body: fill.Replace(say.body.In(locale)),
		// Each try has a link of its own, so each is a mail of its own.
		ID: messageID(m) + "." + strconv.Itoa(m.Attempt), Expires: w.Store.Clock().Add(auth.LinkLife),
	}, nil
}

package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/notice"
	"booking/host/internal/runjson"
	"booking/host/internal/store"
)

func (a *app) mailCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mail", Short: a.say("письма: что ждёт, что не ушло; проверка отправки", "mail: what waits, what failed; a test mail"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.mailListCommand(), a.mailTestCommand())
	return cmd
}

// mailJSON is a mail that is here and not in somebody's mailbox. The text of one in the
// outbox holds a one-time link: whoever reads it can sign in.
type mailJSON struct {
	ID int64 `json:"id"`
	// Status is outbox, waiting, failed or dropped.
	Status    string  `json:"status"`
	Kind      string  `json:"kind,omitempty"`
	To        string  `json:"to"`
	Subject   string  `json:"subject"`
	Body      string  `json:"body,omitempty"`
	Attempts  int     `json:"attempts,omitempty"`
	Reason    string  `json:"reason,omitempty"`
	NextAt    *string `json:"next_at,omitempty"`
	CreatedAt string  `json:"created_at"`
	ExpiresAt string  `json:"expires_at"`
}

func (a *app) mailListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: a.say("показать письма, которые не ушли", "list the mail that has not left"), Args: words(cobra.NoArgs),
		Long: a.say("Без почтового сервера (BOOKING_SMTP_URL) письма целиком видны здесь: ссылки для входа — пока они действуют (один час),\n"+
			"остальное — 30 дней. За ними — письма, которые ждут отправки или не ушли за последнюю неделю, с причиной. Новые сверху.",
			"Without a mail server (BOOKING_SMTP_URL) all mail is shown here in full: links to sign in for as long as they are good (one hour),\n"+
				"the rest for 30 days. After them comes the mail that waits or failed in the last week, with the reason. The newest first."),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			queue, err := a.store.MailQueue(cmd.Context())
			if err != nil {
				return err
			}
			kept, err := a.store.Mails(cmd.Context(), a.box)
			if err != nil {
				return err
			}
			list := make([]mailJSON, 0, len(queue)+len(kept))
			for _, m := range kept {
				list = append(list, mailJSON{ID: m.ID, Status: "outbox", To: m.To, Subject: m.Subject, Body: m.Body,
					CreatedAt: m.CreatedAt.UTC().Format(time.RFC3339), ExpiresAt: m.ExpiresAt.UTC().Format(time.RFC3339)})
			}
			for _, m := range queue {
				list = append(list, a.queuedJSON(m))
			}
			if asJSON {
				return a.printJSON(list)
			}
			a.printMails(list)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	return cmd
}

// queuedJSON is a mail that is not written yet: that is done when it is sent.
func (a *app) queuedJSON(m store.QueuedMail) mailJSON {
	out := mailJSON{
		ID: m.ID, Status: m.Status, Kind: string(m.Kind), To: m.Recipient, Subject: notice.Title(m.Kind).In(a.locale), Attempts: m.Attempt,
		Reason: notice.ReasonText(m.Reason).In(a.locale), CreatedAt: m.CreatedAt.UTC().Format(time.RFC3339), ExpiresAt: m.ExpiresAt.UTC().Format(time.RFC3339),
	}
	if m.Status == store.MailWaiting {
		out.NextAt = runjson.Time(m.DueAt)
	}
	return out
}

func (a *app) printMails(list []mailJSON) {
	if len(list) == 0 {
		fmt.Fprintln(a.stdout, a.say("Писем нет.", "No mail."))
	}
	states := map[string]string{
		"outbox": a.say("в папке", "outbox"), store.MailWaiting: a.say("ждёт", "waiting"),
		store.MailFailed: a.say("не ушло", "failed"), store.MailDropped: a.say("не нужно", "dropped"),
	}
	for _, m := range list {
		line := fmt.Sprintf("%s  %s  %s  %s", m.CreatedAt, states[m.Status], printable(m.To), printable(m.Subject))
		if m.Reason != "" {
			line += ": " + printable(m.Reason)
		}
		if m.NextAt != nil {
			line += a.say(" (следующая попытка ", " (next try ") + *m.NextAt + ")"
		}
		fmt.Fprintf(a.stdout, "%s\n%s", line, indented(m.Body))
	}
}

package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/mail"
	"booking/host/internal/problem"
	"booking/shared/crm"
)

func (a *app) mailTestCommand() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "test --to ADDRESS", Short: a.say("отправить проверочное письмо сейчас", "send a test mail now"), Args: words(cobra.NoArgs),
		Long: a.say("Отправляет письмо сразу, мимо очереди, и говорит, что ответил почтовый сервер (BOOKING_SMTP_URL). Код выхода 1, если письмо не принято.",
			"Sends a mail at once, past the queue, and says what the mail server (BOOKING_SMTP_URL) answered. Exit status 1 when it was not taken."),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.config.SMTPURL.Empty() {
				return usageError{errors.New(a.say("почтовый сервер не задан: укажите его в BOOKING_SMTP_URL или BOOKING_SMTP_URL_FILE",
					"there is no mail server: name it in BOOKING_SMTP_URL or BOOKING_SMTP_URL_FILE"))}
			}
			server, err := mail.NewSMTP(a.config.SMTPURL)
			if err != nil {
				return err
			}
			err = server.Send(cmd.Context(), mail.Message{
				To: to, ID: rand.Text(), Subject: a.say("Проверка почты календаря бронирования", "The booking calendar's test mail"),
				Body: fmt.Sprintf(a.say("Если вы это читаете, почта работает.\n\nКалендарь бронирования, %s\n", "If you can read this, mail works.\n\nThe booking calendar, %s\n"), a.config.PublicURL),
			})
			if failure := (*mail.Failure)(nil); errors.As(err, &failure) {
				return problem.New(nil, crm.Text{
					RU: "Письмо не ушло: " + failure.Reason + ". Проверьте BOOKING_SMTP_URL и адрес",
					EN: "The mail was not taken: " + failure.Reason + ". Check BOOKING_SMTP_URL and the address",
				}, nil)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, a.say("Почтовый сервер принял письмо для %s в %s.\n", "The mail server took the mail to %s at %s.\n"), printable(to), time.Now().Format(time.TimeOnly))
			return nil
		},
	}
	cmd.Flags().StringVar(&to, "to", "", a.say("кому", "whom to send it to"))
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) mailCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mail", Short: a.say("письма, которые ждут отправки", "mail that waits to be sent"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.mailListCommand())
	return cmd
}

// mailJSON is a message of the outbox. Its text holds a one-time link: whoever reads
// it can sign in.
type mailJSON struct {
	ID        int64  `json:"id"`
	To        string `json:"to"`
	Subject   string `json:"subject"`
	Body      string `json:"body"`
	CreatedAt string `json:"created_at"`
	ExpiresAt string `json:"expires_at"`
}

func (a *app) mailListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: a.say("показать письма, новые сверху", "list the mail, newest first"), Args: words(cobra.NoArgs),
		Long: a.say("Без почтового сервера ссылки для входа никуда не уходят: их видно здесь, пока они действуют (один час).",
			"Without a mail server links to sign in go nowhere: they are shown here for as long as they are good (one hour)."),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			kept, err := a.store.Mails(cmd.Context(), a.box)
			if err != nil {
				return err
			}
			if asJSON {
				list := make([]mailJSON, 0, len(kept))
				for _, m := range kept {
					list = append(list, mailJSON{m.ID, m.To, m.Subject, m.Body, m.CreatedAt.UTC().Format(time.RFC3339), m.ExpiresAt.UTC().Format(time.RFC3339)})
				}
				return a.printJSON(list)
			}
			if len(kept) == 0 {
				fmt.Fprintln(a.stdout, a.say("Писем нет.", "No mail."))
			}
			for _, m := range kept {
				fmt.Fprintf(a.stdout, "%s  %s  %s\n%s\n", m.CreatedAt.UTC().Format(time.DateTime), printable(m.To), printable(m.Subject), indented(m.Body))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	return cmd
}

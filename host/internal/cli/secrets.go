package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"booking/host/internal/secrets"
	"booking/shared/secret"
)

func (a *app) secretsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "secrets", Short: a.say("ключ, которым зашифрованы секретные настройки", "the key that encrypts secret settings"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.secretsRotateCommand())
	return cmd
}

func (a *app) secretsRotateCommand() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "rotate", Short: a.say("перешифровать секреты новым ключом", "encrypt the secrets with a new key"), Args: words(cobra.NoArgs),
		Long: a.say(
			"Ключ в файле заменяется сам. Если ключ задан в BOOKING_SECRET_KEY, новый передаётся на стандартный ввод (--key-stdin),\n"+
				"а затем переменная меняется на него. Остальные хосты перезапустите.",
			"A key in a file is replaced by itself. With BOOKING_SECRET_KEY, give the new one on standard input (--key-stdin) and then\n"+
				"change the variable to it. Start the other hosts again."),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var next secret.Text
			if fromStdin {
				var err error
				if next, err = a.readSecret(); err != nil {
					return err
				}
			}
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			count, err := secrets.Rotate(cmd.Context(), a.store.DB(), a.secretOptions(), next)
			if errors.Is(err, secrets.ErrNextKey) {
				return usageError{errors.New(a.say("ключ задан в BOOKING_SECRET_KEY: передайте новый на стандартный ввод (--key-stdin), например: openssl rand -base64 32",
					"the key is given by BOOKING_SECRET_KEY: give the new one on standard input (--key-stdin), for example: openssl rand -base64 32"))}
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, a.say("Перешифровано секретов: %d\n", "Secrets encrypted anew: %d\n"), count)
			if !a.config.SecretKey.Empty() {
				fmt.Fprintln(a.stdout, a.say("Теперь замените BOOKING_SECRET_KEY на новый ключ.", "Now change BOOKING_SECRET_KEY to the new key."))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "key-stdin", false, a.say("прочитать новый ключ (32 байта в base64) со стандартного ввода", "read the new key (32 bytes in base64) from standard input"))
	return cmd
}

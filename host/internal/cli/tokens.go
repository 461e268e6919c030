package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/auth"
	"booking/host/internal/runjson"
	"booking/host/internal/store"
)

func (a *app) tokensCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tokens", Short: a.say("токены для программ, которые обращаются к API", "tokens of the programs that call the API"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.tokensAddCommand(), a.tokensListCommand(), a.tokensRevokeCommand())
	return cmd
}

// tokenJSON is a token as scripts see it. Token is there once, in the answer to add.
type tokenJSON struct {
	ID     int64  `json:"id"`
	Tenant int64  `json:"tenant"`
	Name   string `json:"name"`
	Scope  string `json:"scope"`
	// Status is active, expired or revoked.
	Status     string  `json:"status"`
	Token      string  `json:"token,omitempty"`
	CreatedBy  string  `json:"created_by"`
	CreatedAt  *string `json:"created_at"`
	LastUsedAt *string `json:"last_used_at"`
	ExpiresAt  *string `json:"expires_at"`
	RevokedAt  *string `json:"revoked_at"`
}

func newTokenJSON(t store.Token) tokenJSON {
	return tokenJSON{
		ID: t.ID, Tenant: t.TenantID, Name: t.Name, Scope: string(t.Scope), Status: t.Status(time.Now()), CreatedBy: t.CreatedByName,
		CreatedAt: runjson.Time(t.CreatedAt), LastUsedAt: runjson.Time(t.LastUsedAt), ExpiresAt: runjson.Time(t.ExpiresAt), RevokedAt: runjson.Time(t.RevokedAt),
	}
}

type tokenOptions struct {
	tenant               int64
	name, scope, expires string
	json                 bool
}

func (a *app) tokensAddCommand() *cobra.Command {
	var o tokenOptions
	cmd := &cobra.Command{
		Use: "add", Short: a.say("выпустить токен (показывается один раз)", "make a token (shown once)"), Args: words(cobra.NoArgs),
		Long: a.say(
			"read читает запуски и подключение одной компании, run ещё и запускает и останавливает синхронизации.\n"+
				"Сам токен печатается один раз: в базе хранится только его хеш.",
			"read reads the runs and the connection of one tenant, run starts and stops syncs, too.\n"+
				"The token itself is printed this once: the database keeps nothing but its hash."),
		Example: "  booking-host tokens add --tenant 1 --name monitoring --scope read --expires 90d",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.addToken(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.Int64Var(&o.tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	flags.StringVar(&o.name, "name", "", a.say("для чего он: по имени его потом узнают", "what it is for: it is known by its name later"))
	flags.StringVar(&o.scope, "scope", "", "read|run")
	flags.StringVar(&o.expires, "expires", "", a.say("срок: 90d, 12h; без него токен бессрочный", "how long it is good: 90d, 12h; for ever without it"))
	flags.BoolVar(&o.json, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	for _, name := range []string{"tenant", "name", "scope"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (a *app) addToken(ctx context.Context, o tokenOptions) error {
	token := store.Token{TenantID: o.tenant, Name: o.name, Scope: store.Scope(o.scope)}
	if o.expires != "" {
		life, err := parseLife(o.expires)
		if err != nil {
			return usageError{fmt.Errorf(a.say("--expires %s: нужен срок, например 90d или 12h", "--expires %s: must be a time, for example 90d or 12h"), o.expires)}
		}
		token.ExpiresAt = time.Now().UTC().Add(life)
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	secret, err := auth.AddToken(ctx, a.store, store.Actor{}, &token)
	if errors.Is(err, store.ErrInvalid) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if o.json {
		out := newTokenJSON(token)
		out.Token = secret.Reveal()
		return a.printJSON(out)
	}
	fmt.Fprintf(a.stdout, a.say("Токен %d для компании %d, право %s. Сохраните его: больше он не покажется.\n%s\n", "Token %d for tenant %d, scope %s. Keep it: it is not shown again.\n%s\n"),
		token.ID, token.TenantID, token.Scope, secret.Reveal())
	return nil
}

// parseLife takes days (90d) or whatever Go calls a duration (12h).
func parseLife(text string) (time.Duration, error) {
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

func (a *app) tokensListCommand() *cobra.Command {
	var tenant int64
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: a.say("показать токены, новые сверху", "list the tokens, newest first"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			tokens, err := a.store.Tokens(cmd.Context(), tenant)
			if err != nil {
				return err
			}
			list := make([]tokenJSON, 0, len(tokens))
			for _, t := range tokens {
				list = append(list, newTokenJSON(t))
			}
			if asJSON {
				return a.printJSON(list)
			}
			if len(list) == 0 {
				fmt.Fprintln(a.stdout, a.say("Токенов пока нет. Выпустить: booking-host tokens add --help", "No tokens yet. Make one: booking-host tokens add --help"))
				return nil
			}
			return a.printTokens(list)
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("только эта компания", "this tenant only"))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	return cmd
}

func (a *app) printTokens(list []tokenJSON) error {
	table := a.newTable(a.say("НОМЕР\tКОМПАНИЯ\tИМЯ\tПРАВО\tСОСТОЯНИЕ\tВЫПУСТИЛ\tИСПОЛЬЗОВАН (UTC)\tДЕЙСТВУЕТ ДО (UTC)", "ID\tTENANT\tNAME\tSCOPE\tSTATUS\tMADE BY\tLAST USED (UTC)\tGOOD UNTIL (UTC)"))
	when := func(t *string) any {
		if t == nil {
			return "—"
		}
		return *t
	}
	for _, t := range list {
		table.row(t.ID, t.Tenant, t.Name, t.Scope, t.Status, shown(t.CreatedBy), when(t.LastUsedAt), when(t.ExpiresAt))
	}
	return table.flush()
}

func (a *app) tokensRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: a.say("отозвать токен: он сразу перестаёт действовать", "revoke a token: it ends at once"), Args: words(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || id <= 0 {
				return usageError{errors.New(a.say("нужен номер токена, см. booking-host tokens list", "ID must be a token's number, see booking-host tokens list"))}
			}
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			token, err := a.store.RevokeToken(cmd.Context(), store.Actor{}, 0, id)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, a.say("Токен %d («%s», компания %d) отозван.\n", "Token %d (%q, tenant %d) is revoked.\n"), token.ID, printable(token.Name), token.TenantID)
			return nil
		},
	}
}

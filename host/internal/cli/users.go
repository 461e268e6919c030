package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"booking/host/internal/store"
	"booking/shared/secret"
)

// maxStdin bounds what is read from standard input as a secret, in bytes.
const maxStdin = 64 << 10

func (a *app) usersCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "users", Short: a.say("пользователи календаря: добавить, показать", "the calendar's users: add, list"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.usersAddCommand(), a.usersListCommand())
	return cmd
}

type userJSON struct {
	ID       int64  `json:"id"`
	Tenant   *int64 `json:"tenant"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	Active   bool   `json:"active"`
	Link     string `json:"link,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Position string `json:"position,omitempty"`
}

func newUserJSON(u store.User) userJSON {
	out := userJSON{ID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role, Active: u.Active, Link: u.Link, Phone: u.Phone, Position: u.Position}
	if u.TenantID != 0 {
		out.Tenant = &u.TenantID
	}
	return out
}

func (a *app) usersAddCommand() *cobra.Command {
	var user store.NewUser
	var fromStdin, asJSON bool
	cmd := &cobra.Command{
		Use: "add", Short: a.say("добавить пользователя", "add a user"), Args: words(cobra.NoArgs),
		Example: "  booking-host users add --tenant 1 --email anna@example.com --name \"Анна\" --role admin --password-stdin < password.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !fromStdin {
				return usageError{errors.New(a.say("пароль передаётся только на стандартный ввод: --password-stdin (аргументы видны всем)",
					"the password comes from standard input only: --password-stdin (arguments are visible to everybody)"))}
			}
			password, err := a.readSecret()
			if err != nil {
				return err
			}
			user.Password = password
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			added, err := a.store.AddUser(cmd.Context(), user)
			if errors.Is(err, store.ErrInvalid) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(newUserJSON(added))
			}
			fmt.Fprintf(a.stdout, a.say("Пользователь %d добавлен: %s\n", "User %d added: %s\n"), added.ID, printable(added.Email))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.Int64Var(&user.TenantID, "tenant", 0, a.say("номер компании", "the tenant's number"))
	flags.StringVar(&user.Email, "email", "", a.say("адрес почты, он же имя для входа", "e-mail address, used to sign in"))
	flags.StringVar(&user.Name, "name", "", a.say("имя", "name"))
	flags.StringVar(&user.Role, "role", store.RoleEmployee, "admin|manager|employee")
	flags.BoolVar(&fromStdin, "password-stdin", false, a.say("прочитать пароль со стандартного ввода", "read the password from standard input"))
	flags.BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	for _, name := range []string{"tenant", "email", "name"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (a *app) usersListCommand() *cobra.Command {
	var filter store.UserFilter
	var linked, unlinked, asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: a.say("показать пользователей и их связь с CRM", "list the users and their link to the CRM"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if err := a.openStore(ctx); err != nil {
				return err
			}
			switch {
			case linked:
				filter.Linked = store.LinkedOnly
			case unlinked:
				filter.Linked = store.UnlinkedOnly
			}
			var err error
			if filter.LinkColumn, err = a.linkColumn(ctx, filter.TenantID); err != nil {
				return err
			}
			list := []userJSON{}
			for user, err := range a.store.Users(ctx, filter) {
				if err != nil {
					return err
				}
				list = append(list, newUserJSON(user))
			}
			if asJSON {
				return a.printJSON(list)
			}
			if len(list) == 0 {
				fmt.Fprintln(a.stdout, a.say("Таких пользователей нет.", "There are no such users."))
				return nil
			}
			return a.printUsers(list)
		},
	}
	flags := cmd.Flags()
	flags.Int64Var(&filter.TenantID, "tenant", 0, a.say("только эта компания", "this tenant only"))
	flags.BoolVar(&linked, "linked", false, a.say("только связанные с CRM", "linked to the CRM only"))
	flags.BoolVar(&unlinked, "unlinked", false, a.say("только не связанные с CRM", "not linked to the CRM only"))
	flags.BoolVar(&asJSON, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	cmd.MarkFlagsMutuallyExclusive("linked", "unlinked")
	return cmd
}

func (a *app) printUsers(list []userJSON) error {
	table := a.newTable(a.say("НОМЕР\tКОМПАНИЯ\tИМЯ\tE-MAIL\tРОЛЬ\tАКТИВЕН\tСВЯЗЬ", "ID\tTENANT\tNAME\tE-MAIL\tROLE\tACTIVE\tLINK"))
	for _, u := range list {
		tenant := any("—")
		if u.Tenant != nil {
			tenant = *u.Tenant
		}
		table.row(u.ID, tenant, u.Name, u.Email, u.Role, u.Active, u.Link)
	}
	return table.flush()
}

// readSecret takes one secret from standard input, without the line end that
// editors and echo put behind it.
func (a *app) readSecret() (secret.Text, error) {
	content, err := io.ReadAll(io.LimitReader(a.stdin, maxStdin+1))
	if err != nil {
		return secret.Text{}, fmt.Errorf("read standard input: %w", err)
	}
	value := strings.TrimRight(string(content), "\r\n")
	if value == "" || len(content) > maxStdin {
		return secret.Text{}, usageError{errors.New(a.say("на стандартном вводе пусто или слишком много", "standard input is empty or too long"))}
	}
	return secret.New(value), nil
}

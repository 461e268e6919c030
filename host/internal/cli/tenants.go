package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) tenantsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tenants", Short: a.say("компании: добавить, показать", "tenants: add, list"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.tenantsAddCommand(), a.tenantsListCommand())
	return cmd
}

type tenantJSON struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status,omitempty"`
}

func (a *app) tenantsAddCommand() *cobra.Command {
	var name string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add --name NAME", Short: a.say("добавить компанию", "add a tenant"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if strings.TrimSpace(name) == "" {
				return usageError{errors.New(a.say("--name: нужно название компании", "--name: a tenant needs a name"))}
			}
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			tenant, err := a.store.AddTenant(cmd.Context(), name)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(tenantJSON{ID: tenant.ID, Name: tenant.Name})
			}
			fmt.Fprintf(a.stdout, a.say("Компания %d добавлена: %s\n", "Tenant %d added: %s\n"), tenant.ID, printable(tenant.Name))
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", a.say("название компании", "the company's name"))
	cmd.Flags().BoolVar(&asJSON, "json", false, `{"id":1,"name":"..."}`)
	return cmd
}

func (a *app) tenantsListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: a.say("показать компании", "list the tenants"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			tenants, err := a.store.Tenants(cmd.Context())
			if err != nil {
				return err
			}
			list := make([]tenantJSON, 0, len(tenants))
			for _, t := range tenants {
				list = append(list, tenantJSON{ID: t.ID, Name: t.Name, Status: t.Status()})
			}
			if asJSON {
				return a.printJSON(list)
			}
			if len(list) == 0 {
				fmt.Fprintln(a.stdout, a.say("Компаний пока нет. Добавить: booking-host tenants add --name НАЗВАНИЕ", "No tenants yet. Add one: booking-host tenants add --name NAME"))
				return nil
			}
			table := a.newTable(a.say("НОМЕР\tСОСТОЯНИЕ\tНАЗВАНИЕ", "ID\tSTATUS\tNAME"))
			for _, t := range list {
				table.row(t.ID, t.Status, t.Name)
			}
			return table.flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	return cmd
}

package crmtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"booking/shared/crm"
	"booking/shared/secret"
)

var importChecks = []check{
	{"import_denied", both("неверный пароль базы данных при переносе — отказ", "a wrong password of the database in an import is a refusal"),
		both("верните crm.CodeDatabase (в Go: usersync.OpenDB делает это) или, если не годится уже ключ, crm.CodeNotConfigured", "return crm.CodeDatabase (in Go: usersync.OpenDB does) or, where the key is none already, crm.CodeNotConfigured"), needImport, checkImportDenied},
	{"import_reads_only", both("перенос настроек ничего не меняет и не повторяет ключа", "an import changes nothing and does not repeat the key"),
		both("читайте в транзакции READ ONLY; в тексты не вставляйте ни ключа, ни значений", "read in a READ ONLY transaction; keep key and values out of texts"), needImport, checkImportReadsOnly},
}

// imports runs an import and returns what it brought.
func (x *exam) imports(ctx context.Context, dsn, key secret.Text) (items []crm.ImportedSettings, err error) {
	s, err := x.session(ctx)
	if err != nil {
		return nil, err
	}
	err = s.client.ImportSettings(ctx, crm.ImportRequest{DSN: dsn, Key: key}, func(i crm.ImportedSettings) error {
		items = append(items, i)
		return nil
	})
	return items, err
}

func checkImportDenied(ctx context.Context, x *exam) error {
	denied, err := x.deniedDSN(ctx)
	if err != nil {
		return err
	}
	_, err = x.imports(ctx, denied, secret.New(x.canaries.fresh()))
	return x.wantDenied(err, crm.CodeDatabase, crm.CodeNotConfigured)
}

func checkImportReadsOnly(ctx context.Context, x *exam) error {
	h, err := x.base(ctx)
	if err != nil {
		return err
	}
	before, err := h.content(ctx)
	if err != nil {
		return err
	}
	// Where the older server's tables are not there, or the key does not fit, saying so is right.
	items, err := x.imports(ctx, h.alter, secret.New(x.canaries.fresh()))
	if code := crm.CodeOf(err); code == crm.CodePluginLost || code == crm.CodePluginAnswer {
		return err
	}
	said := fmt.Sprint(err)
	for _, i := range items {
		said += i.Message.RU + i.Message.EN
	}
	if x.canaries.in(said) {
		return errors.New("what it says shows the key or the database's password")
	}
	after, err := h.content(ctx)
	if err != nil {
		return err
	}
	for table, lines := range before {
		if !slices.Equal(after[table], lines) {
			return fmt.Errorf("the table %s has changed", table)
		}
	}
	if len(after) != len(before) {
		return fmt.Errorf("there are tables %q now", slices.Sorted(maps.Keys(after)))
	}
	return nil
}

// content is every table: its definition, then its rows.
func (h *house) content(ctx context.Context) (map[string][]string, error) {
	shape, err := h.shape(ctx)
	if err != nil {
		return nil, err
	}
	content := map[string][]string{}
	for table, definition := range shape {
		lines, err := h.lines(ctx, "SELECT * FROM `"+table+"` ORDER BY 1")
		if err != nil {
			return nil, err
		}
		content[table] = append([]string{definition}, lines...)
	}
	return content, nil
}

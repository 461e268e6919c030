package crmtest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/secret"
)

var migrateChecks = []check{
	{"migrate_denied", both("неверный пароль базы данных — отказ с кодом database", "a wrong password of the database is a refusal with the code database"),
		both("верните crm.CodeDatabase (в Go: usersync.OpenDB делает это)", "return crm.CodeDatabase (in Go: usersync.OpenDB does)"), needSync, checkMigrateDenied},
	{"migrate", both("Migrate добавляет столбец внешнего номера, годный для движка", "Migrate adds an external-id column that the engine can use"),
		both("VARCHAR(255) NULL с индексом (tenant_id, столбец), ещё phone и position (в Go: migrations.Link)", "VARCHAR(255) NULL with an index (tenant_id, column), also phone and position (in Go: migrations.Link)"), needSync, checkMigrate},
	{"migrate_again", both("второй раз Migrate ничего не делает", "a second Migrate does nothing"),
		both("спросите information_schema, прежде чем менять таблицу", "ask information_schema before changing a table"), needSync, checkMigrateAgain},
	{"migrate_together", both("Migrate с двух хостов сразу удаётся обоим", "Migrate from two hosts at once succeeds for both"),
		both("«уже есть» — не ошибка: посмотрите ещё раз", "\"already there\" is no error: look again"), needSync, checkMigrateTogether},
	{"migrate_only_adds", both("Migrate не трогает чужих строк и таблиц", "Migrate touches no row and no table of others"),
		both("меняйте только users, и только добавляя", "change users only, and only by adding"), needSync, checkMigrateOnlyAdds},
}

// shape is the schema of the house, and its rows.
func (h *house) shape(ctx context.Context) (map[string]string, error) {
	tables, err := h.names(ctx)
	if err != nil {
		return nil, err
	}
	shape := map[string]string{}
	for _, table := range tables {
		var name, definition string
		if err := h.admin.QueryRowContext(ctx, "SHOW CREATE TABLE `"+table+"`").Scan(&name, &definition); err != nil {
			return nil, err
		}
		shape[table] = autoIncrement.ReplaceAllString(definition, "")
	}
	return shape, nil
}

var autoIncrement = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

func (h *house) names(ctx context.Context) ([]string, error) {
	rows, err := h.admin.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

func (x *exam) migrate(ctx context.Context, dsn secret.Text) ([]string, error) {
	s, err := x.session(ctx)
	if err != nil {
		return nil, err
	}
	result, err := s.client.Migrate(ctx, crm.Migration{DSN: dsn})
	return result.Applied, err
}

func checkMigrateDenied(ctx context.Context, x *exam) error {
	denied, err := x.deniedDSN(ctx)
	if err != nil {
		return err
	}
	_, err = x.migrate(ctx, denied)
	return x.wantDenied(err, crm.CodeDatabase)
}

// deniedDSN is an account with a wrong password.
func (x *exam) deniedDSN(ctx context.Context) (secret.Text, error) {
	h, err := x.base(ctx)
	if err != nil {
		return secret.Text{}, err
	}
	config := h.config.Clone()
	config.User, config.Passwd = strings.Trim(strings.Split(h.accounts[1], "@")[0], "'"), x.canaries.fresh()
	return secret.New(config.FormatDSN()), nil
}

// wantDenied judges what became of a call with such an account.
func (x *exam) wantDenied(err error, codes ...crm.Code) error {
	switch {
	case err == nil:
		return errors.New("it succeeds")
	case x.canaries.in(err.Error()):
		return errors.New("the error shows the password")
	case !slices.Contains(codes, crm.CodeOf(err)):
		return err
	}
	return nil
}

func checkMigrate(ctx context.Context, x *exam) error {
	h, err := x.base(ctx)
	if err != nil {
		return err
	}
	if _, err := x.migrate(ctx, h.alter); err != nil {
		return err
	}
	satisfied, err := migrations.Link(x.description.ExternalIDColumn).Satisfied(ctx, h.admin)
	if err == nil && !satisfied {
		err = fmt.Errorf("after it users lacks the column %s, phone, position or an index", x.description.ExternalIDColumn)
	}
	return err
}

func checkMigrateAgain(ctx context.Context, x *exam) error {
	h, err := x.ready(ctx)
	if err != nil {
		return err
	}
	before, err := h.shape(ctx)
	if err != nil {
		return err
	}
	applied, err := x.migrate(ctx, h.alter)
	if err != nil {
		return err
	}
	if len(applied) > 0 {
		return fmt.Errorf("it says that it did %q", applied)
	}
	after, err := h.shape(ctx)
	if err != nil {
		return err
	}
	for table, definition := range after {
		if before[table] != definition {
			return fmt.Errorf("the table %s has changed", table)
		}
	}
	return nil
}

func checkMigrateTogether(ctx context.Context, x *exam) error {
	h, err := x.ready(ctx)
	if err != nil {
		return err
	}
	column := x.description.ExternalIDColumn
	if _, err := h.admin.ExecContext(ctx, "ALTER TABLE users DROP COLUMN `"+column+"`"); err != nil {
		return err
	}
	errs := make([]error, 2)
	var calls sync.WaitGroup
	for i := range errs {
		s, err := x.fresh(ctx)
		if err != nil {
			return err
		}
		defer s.kill()
		calls.Go(func() { _, errs[i] = s.client.Migrate(ctx, crm.Migration{DSN: h.alter}) })
	}
	calls.Wait()
	satisfied, err := migrations.Link(column).Satisfied(ctx, h.admin)
	if err == nil && !satisfied {
		err = errors.New("afterwards the column or its index is missing")
	}
	return errors.Join(append(errs, err)...)
}

func checkMigrateOnlyAdds(ctx context.Context, x *exam) error {
	h, err := x.ready(ctx)
	if err != nil {
		return err
	}
	if _, err := h.admin.ExecContext(ctx, "ALTER TABLE users DROP COLUMN `"+x.description.ExternalIDColumn+"`"); err != nil {
		return err
	}
	const rows = "SELECT id, tenant_id, name, email, password, role, is_active, updated_at FROM users ORDER BY id"
	people, err := h.lines(ctx, rows)
	if err != nil {
		return err
	}
	if _, err := x.migrate(ctx, h.alter); err != nil {
		return err
	}
	after, err := h.shape(ctx)
	if err != nil {
		return err
	}
	for table, definition := range h.original {
		if table != "users" && after[table] != definition && !bookkeeping(table) {
			return fmt.Errorf("the table %s has changed", table)
		}
	}
	for table := range after {
		if _, there := h.original[table]; !there && !bookkeeping(table) {
			return fmt.Errorf("there is a new table %s", table)
		}
	}
	for line := range strings.Lines(h.original["users"]) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, "`") && !strings.Contains(after["users"], strings.TrimSuffix(strings.TrimSpace(line), ",")) {
			return fmt.Errorf("the column %s of users is no longer what it was", name)
		}
	}
	now, err := h.lines(ctx, rows)
	if err == nil && !slices.Equal(people, now) {
		err = errors.New("rows of users have changed")
	}
	return err
}

// bookkeeping are the tables in which migrations write down what they did.
func bookkeeping(table string) bool { return strings.HasPrefix(table, "booking_migration") }

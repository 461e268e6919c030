package migrations

import (
	"context"
	"errors"
	"fmt"

	"booking/migrations/internal/ddl"
	"booking/shared/crm"
)

// explain gives an error the code and the sentences that people see. The servers'
// own messages name tables, columns and accounts but no passwords.
func (s Set) explain(err error) error {
	var known *crm.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var wait *waitError
	if errors.As(err, &wait) && errors.Is(err, context.DeadlineExceeded) {
		return crm.NewError(crm.CodeBusy, crm.Text{
			RU: fmt.Sprintf("Миграция %s уже идёт в другом процессе и не закончилась вовремя. Повторите позже; после сбоя блокировка снимается сама.", s.Name),
			EN: fmt.Sprintf("Another process is running the migration %s and did not end in time. Try again later; after a crash the lock frees itself.", s.Name),
		}, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("migrate %s: %w", s.Name, err)
	}
	return crm.NewError(crm.CodeDatabase, s.sentence(err), err)
}

func (s Set) sentence(err error) crm.Text {
	if right, missing := ddl.MissingRight(err); missing {
		return crm.Text{
			RU: fmt.Sprintf("Миграция %s: учётной записи базы не хватает права %s. Дайте его (GRANT %s ON база.* TO ...) или укажите DSN записи, у которой оно есть.", s.Name, right, right),
			EN: fmt.Sprintf("Migration %s: the database account lacks the right %s. Grant it (GRANT %s ON database.* TO ...) or give the DSN of an account that has it.", s.Name, right, right),
		}
	}
	var blocked *ddl.BlockedError
	if errors.As(err, &blocked) {
		return crm.Text{
			RU: fmt.Sprintf("Миграция %s: таблицу %s держат длинные транзакции. Дождитесь их конца и повторите; сделанное уже не пропадёт.", s.Name, blocked.Waited),
			EN: fmt.Sprintf("Migration %s: long transactions kept the table for %s. Wait for them to end and try again; what was done stays done.", s.Name, blocked.Waited),
		}
	}
	return crm.Text{
		RU: fmt.Sprintf("Миграция %s не закончена: %v. Устраните причину и повторите; сделанное уже не пропадёт.", s.Name, err),
		EN: fmt.Sprintf("The migration %s did not end: %v. Remove the cause and try again; what was done stays done.", s.Name, err),
	}
}

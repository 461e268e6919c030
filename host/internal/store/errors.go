package store

import (
	"context"
	"errors"
	"fmt"

	"booking/host/internal/problem"
	"booking/shared/crm"
)

// Kinds of errors, for errors.Is.
var (
	ErrNotFound  = errors.New("not found")
	ErrDuplicate = errors.New("already there")
	ErrInvalid   = errors.New("invalid value")
	// ErrTenantBlocked and ErrTenantDeleted stand below a *crm.Error with CodeTenantBlocked.
	ErrTenantBlocked = errors.New("the tenant's subscription is blocked")
	ErrTenantDeleted = errors.New("the tenant is deleted")
	// ErrKeyChanged: the secrets' key was rotated while this process runs.
	ErrKeyChanged = errors.New("the secrets' key was changed")
)

var errDSN = errors.New("the DSN cannot be read")

// explanations are what to do about the server's error numbers.
var explanations = map[uint16]crm.Text{
	1045: {RU: "База данных не принимает имя или пароль (BOOKING_DSN)", EN: "The database refuses the user or password (BOOKING_DSN)"},
	1698: {RU: "База данных не принимает имя или пароль (BOOKING_DSN)", EN: "The database refuses the user or password (BOOKING_DSN)"},
	1044: {RU: "Учётной записи не разрешена эта база данных: выдайте ей права (README, GRANT)", EN: "The account may not use this database: grant it the privileges (README, GRANT)"},
	1049: {RU: "Такой базы данных нет: создайте её (CREATE DATABASE ... COLLATE utf8mb4_unicode_ci) или исправьте BOOKING_DSN", EN: "There is no such database: create it (CREATE DATABASE ... COLLATE utf8mb4_unicode_ci) or correct BOOKING_DSN"},
	1142: {RU: "Учётной записи не хватает прав на таблицу: выдайте их (README, GRANT)", EN: "The account lacks a privilege on a table: grant it (README, GRANT)"},
	1143: {RU: "Учётной записи не хватает прав на столбец: выдайте их (README, GRANT)", EN: "The account lacks a privilege on a column: grant it (README, GRANT)"},
	1146: {RU: "В базе данных нет нужной таблицы: выполните booking-host migrate", EN: "A table is missing in the database: run booking-host migrate"},
	1021: {RU: "У базы данных кончилось место на диске", EN: "The database's disk is full"},
	1114: {RU: "У базы данных кончилось место на диске", EN: "The database's disk is full"},
	3:    {RU: "У базы данных кончилось место на диске", EN: "The database's disk is full"},
	1290: {RU: "База данных открыта только для чтения", EN: "The database is read-only"},
	1836: {RU: "База данных открыта только для чтения", EN: "The database is read-only"},
	1205: {RU: "Строка занята другой операцией: повторите через минуту", EN: "The row is locked by another operation: try again in a minute"},
	1213: {RU: "Строка занята другой операцией: повторите через минуту", EN: "The row is locked by another operation: try again in a minute"},
}

// databaseError explains an error of the database and passes everything else on:
// what is explained already, and the end of a context.
func databaseError(doing string, err error) error {
	var said *problem.Error
	var coded *crm.Error
	switch {
	case err == nil, errors.As(err, &said), errors.As(err, &coded):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	}
	text, known := explanations[number(err)]
	switch {
	case known:
	case errors.Is(err, errDSN):
		text = crm.Text{RU: "BOOKING_DSN не читается: нужен вид user:password@tcp(127.0.0.1:3306)/booking", EN: "BOOKING_DSN cannot be read: it must look like user:password@tcp(127.0.0.1:3306)/booking"}
	case isAway(err):
		text = crm.Text{RU: "База данных не отвечает: проверьте, запущена ли она и верен ли адрес", EN: "The database does not answer: check that it runs and that its address is right"}
	default:
		text = crm.Text{RU: fmt.Sprintf("Ошибка базы данных: %v", err), EN: fmt.Sprintf("Database error: %v", err)}
	}
	return crm.NewError(crm.CodeDatabase, text, fmt.Errorf("%s: %w", doing, err))
}

func notFound(ru, en string) error {
	return problem.New(ErrNotFound, crm.Text{RU: ru, EN: en}, nil)
}

func invalid(ru, en string) error {
	return problem.New(ErrInvalid, crm.Text{RU: ru, EN: en}, nil)
}

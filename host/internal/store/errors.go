package store

import (
	"errors"
	"fmt"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// Kinds of errors, for errors.Is.
var (
	ErrNotFound  = errors.New("not found")
	ErrDuplicate = errors.New("already there")
	ErrInvalid   = errors.New("invalid value")
	ErrForbidden = errors.New("not allowed")
	// ErrStale: somebody else changed it since it was looked at.
	ErrStale = errors.New("changed meanwhile")
	// ErrTenantBlocked and ErrTenantDeleted stand below a *crm.Error with CodeTenantBlocked.
	ErrTenantBlocked = errors.New("the tenant's subscription is blocked")
	ErrTenantDeleted = errors.New("the tenant is deleted")
	// ErrKeyChanged: the secrets' key was rotated while this process runs.
	ErrKeyChanged = errors.New("the secrets' key was changed")
)

// databaseError explains an error of the database (usersync.DatabaseError) and
// passes everything else on: what is explained already, and the end of a context.
func databaseError(doing string, err error) error {
	var said *problem.Error
	if err == nil || errors.As(err, &said) {
		return err
	}
	return usersync.DatabaseError(fmt.Errorf("%s: %w", doing, err))
}

func notFound(ru, en string) error {
	return problem.New(ErrNotFound, crm.Text{RU: ru, EN: en}, nil)
}

func invalid(ru, en string) error {
	return problem.New(ErrInvalid, crm.Text{RU: ru, EN: en}, nil)
}

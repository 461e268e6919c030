package provider

import (
	"errors"

	"booking/shared/crm"
)

func asKnown(err error) (*crm.Error, bool) {
	var known *crm.Error
	ok := errors.As(err, &known)
	return known, ok
}

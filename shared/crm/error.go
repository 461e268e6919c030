package crm

import (
	"errors"
	"fmt"
	"time"
)

// Code says why something failed. The list is closed: hosts decide by it and
// never by a text.
type Code string

// The codes of protocol 1.
const (
	CodeTenantBlocked     Code = "tenant_blocked"
	CodeUnauthorized      Code = "unauthorized"
	CodeScopeMissing      Code = "scope_missing"
	CodeRateLimited       Code = "rate_limited"
	CodePortalUnreachable Code = "portal_unreachable"
	CodePortalAnswer      Code = "portal_answer"
	CodePortalChanged     Code = "portal_changed"
	CodePluginMissing     Code = "plugin_missing"
	CodePluginUntrusted   Code = "plugin_untrusted"
	CodePluginLost        Code = "plugin_lost"
	CodePluginAnswer      Code = "plugin_answer"
	CodeDatabase          Code = "database"
	CodeBusy              Code = "busy"
	CodeInternal          Code = "internal"
	// CodeCancelled and CodeNotConfigured never stand in a run's error: they
	// become the run's status.
	CodeCancelled     Code = "cancelled"
	CodeNotConfigured Code = "not_configured"
)

// Error is a failure as people see it. Message says what happened and what to do
// next and never carries a secret; Err, the cause, stays on its side of the wire.
type Error struct {
	Code    Code
	Message Text
	// RetryAt is when another try makes sense (CodeRateLimited); zero when unknown.
	RetryAt time.Time
	Err     error
}

// Error implements error, in English.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message.In("en"), e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message.In("en"))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// NewError makes an Error from a code, its two sentences and a cause (may be nil).
func NewError(code Code, message Text, cause error) *Error {
	return &Error{Code: code, Message: message, Err: cause}
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal for
// any other error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e.Code
	}
	return CodeInternal
}

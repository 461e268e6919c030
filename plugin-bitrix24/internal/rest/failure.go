package rest

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"booking/shared/crm"
)

// kind is what to do about a failure. The question behind it is not "is it
// temporary" but "what makes the next try succeed".
type kind int

const (
	kindFatal     kind = iota // nothing mends it: tell the people
	kindSoft                  // a disturbance: again, a few times
	kindTimeout               // no answer in time: again, once
	kindBucket                // the portal's bucket is full: wait, growing
	kindOperating             // a method's time budget is used up: wait until it is reset
	kindTooLarge              // the answer or the batch is too large: ask for less
	kindNoBatch               // batch is not to be had: page by page
)

// failure is one request, or one command of a batch, that did not work out.
type failure struct {
	kind    kind
	code    crm.Code
	message crm.Text
	// retryAt is known for some limits only.
	retryAt time.Time
	// method is the one whose time budget is used up.
	method string
	// cause is technical and without secrets.
	cause error
}

// asError is what leaves the package.
func (f *failure) asError() *crm.Error {
	e := crm.NewError(f.code, f.message, f.cause)
	e.RetryAt = f.retryAt
	return e
}

// portalError is an error as the portal writes it.
type portalError struct {
	code, description string
}

func (e portalError) Error() string {
	if e.description == "" {
		return e.code
	}
	return e.code + " (" + e.description + ")"
}

const maxErrorText = 200

// newPortalError cleans what the portal wrote: it may be long, hold control
// characters or echo the request's address.
func newPortalError(w Webhook, code, description string) portalError {
	return portalError{code: clip(w.scrub(code)), description: clip(w.scrub(description))}
}

func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > maxErrorText {
		s = string(runes[:maxErrorText]) + "…"
	}
	return strings.TrimSpace(s)
}

// classify turns an error of the portal into what to do (system-errors.md). The code
// decides, in either letter case; the status only where there is no known code. method is the
// command's own for an error inside a batch.
func classify(e portalError, status int, method string, inside bool) *failure {
	switch strings.ToUpper(e.code) {
	case "QUERY_LIMIT_EXCEEDED":
		return &failure{kind: kindBucket, code: crm.CodeRateLimited, message: textBucket, cause: e}
	case "OPERATION_TIME_LIMIT":
		return &failure{kind: kindOperating, code: crm.CodeRateLimited, message: textOperating, method: method, cause: e}
	case "OVERLOAD_LIMIT":
		return &failure{kind: kindFatal, code: crm.CodeRateLimited, message: textOverload, cause: e}
	case "NO_AUTH_FOUND", "INVALID_CREDENTIALS", "EXPIRED_TOKEN", "INVALID_TOKEN", "AUTHORIZATION_ERROR", "WRONG_AUTH_TYPE", "USER_ACCESS_ERROR":
		return &failure{kind: kindFatal, code: crm.CodeUnauthorized, message: textUnauthorized, cause: e}
	case "ACCESS_DENIED":
		return &failure{kind: kindFatal, code: crm.CodeUnauthorized, message: textTariff, cause: e}
	case "INSUFFICIENT_SCOPE":
		return &failure{kind: kindFatal, code: crm.CodeScopeMissing, message: textScope(method), cause: e}
	case "PORTAL_DELETED":
		return &failure{kind: kindFatal, code: crm.CodePortalUnreachable, message: textDeleted, cause: e}
	case "INVALID_REQUEST":
		return &failure{kind: kindFatal, code: crm.CodePortalAnswer, message: textHTTPSWanted, cause: e}
	case "ERROR_BATCH_LENGTH_EXCEEDED":
		return &failure{kind: kindTooLarge, code: crm.CodePortalAnswer, message: textPortalError(e), cause: e}
	case "ERROR_BATCH_METHOD_NOT_ALLOWED":
		return &failure{kind: kindNoBatch, code: crm.CodePortalAnswer, message: textPortalError(e), cause: e}
	case "ERROR_METHOD_NOT_FOUND", "METHOD_NOT_FOUND":
		return methodMissing(e, method, inside)
	case "INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER":
		return &failure{kind: kindSoft, code: crm.CodePortalAnswer, message: textPortalError(e), cause: e}
	}
	return classifyStatus(e, status, method, inside)
}

func classifyStatus(e portalError, status int, method string, inside bool) *failure {
	switch {
	case status == 401:
		return &failure{kind: kindFatal, code: crm.CodeUnauthorized, message: textUnauthorized, cause: e}
	case status == 429:
		return &failure{kind: kindOperating, code: crm.CodeRateLimited, message: textOperating, method: method, cause: e}
	case status == 404 || status == 405:
		return methodMissing(e, method, inside)
	case status >= 500:
		return &failure{kind: kindSoft, code: crm.CodePortalAnswer, message: textPortalError(e), cause: e}
	}
	return &failure{kind: kindFatal, code: crm.CodePortalAnswer, message: textPortalError(e), cause: e}
}

func methodMissing(e portalError, method string, inside bool) *failure {
	f := &failure{kind: kindFatal, code: crm.CodePortalAnswer, message: textNoMethod(method), cause: e}
	if method == methodBatch && !inside {
		f.kind = kindNoBatch
	}
	return f
}

// nonsense is an answer that cannot be right; the next may be.
func nonsense(what string) *failure {
	return &failure{kind: kindSoft, code: crm.CodePortalAnswer, message: textNonsense, cause: errors.New(what)}
}

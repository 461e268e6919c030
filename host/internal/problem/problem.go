// Package problem is the error of the host that a person reads: one sentence in
// both languages that says what happened and what to do. The command line prints
// the sentence ([TextOf]); the cause below it is for the log.
package problem

import (
	"errors"

	"booking/shared/crm"
)

// Error is a failure with a sentence for people. The sentence never carries a secret.
type Error struct {
	// Kind is what callers decide by (errors.Is); nil when nobody has to.
	Kind    error
	Message crm.Text
	// Err is the cause; nil when the sentence says it all.
	Err error
}

// New makes an Error; kind and cause may be nil.
func New(kind error, message crm.Text, cause error) *Error {
	return &Error{Kind: kind, Message: message, Err: cause}
}

// Error implements error, in English.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message.In("en") + ": " + e.Err.Error()
	}
	return e.Message.In("en")
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	var chain []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			chain = append(chain, err)
		}
	}
	return chain
}

// TextOf returns the sentence of the first error in err's chain that has one
// ([Error] or [crm.Error]), else err's own text for both languages.
func TextOf(err error) crm.Text {
	if err == nil {
		return crm.Text{}
	}
	if ours := (*Error)(nil); errors.As(err, &ours) {
		return ours.Message
	}
	if theirs := (*crm.Error)(nil); errors.As(err, &theirs) {
		return theirs.Message
	}
	return crm.Text{RU: err.Error(), EN: err.Error()}
}

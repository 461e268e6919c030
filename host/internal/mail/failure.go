package mail

import (
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// Failure is why a mail server did not take a mail.
type Failure struct {
	// Final: the server says that this mail will never arrive at this address.
	Final bool
	// Away: it is not about this mail. The server does not answer, or has no ear for us.
	Away bool
	// Reason is one printable line of at most 200 characters, without our password.
	Reason string
}

// Error implements error.
func (f *Failure) Error() string { return f.Reason }

// longestReason is how much of what a server says is kept.
const longestReason = 200

// aboutMail are the answers that are about one mail: all others are about the server
// and us, and trying another mail would end alike.
var aboutMail = []gomail.SendErrReason{gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose}

// failure reads what became of a conversation.
func (s *SMTP) failure(err error) *Failure {
	f := &Failure{Away: true, Reason: s.reason(err)}
	var said *gomail.SendError
	if !errors.As(err, &said) || !slices.Contains(aboutMail, said.Reason) {
		return f
	}
	code := said.ErrorCode()
	f.Away = code == 0 || code == 421 // cut off, or about to be
	// 530, 535 and x.7.x speak of rights: most often ours, which the operator can mend.
	ours := code == 530 || code == 535 || strings.HasPrefix(said.EnhancedStatusCode(), "5.7.")
	f.Final = code >= 500 && code < 600 && !ours
	return f
}

// reason is what went wrong as one line, without what the row of the mail says already
// (to whom it goes). A server may repeat what it was told: neither the password nor the
// forms in which it is sent or quoted pass.
func (s *SMTP) reason(err error) string {
	text := err.Error()
	if password := s.password.Reveal(); password != "" {
		quoted := strconv.Quote(password)
		for _, form := range []string{
			base64.StdEncoding.EncodeToString([]byte("\x00" + s.user + "\x00" + password)),
			base64.StdEncoding.EncodeToString([]byte(password)), quoted[1 : len(quoted)-1], password,
		} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "dial failed: "), "send failed: ")
	text, _, _ = strings.Cut(text, ", affected ")
	text = strings.ReplaceAll(text, `"`, "")
	line := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if letters := []rune(line); len(letters) > longestReason {
		line = string(letters[:longestReason-1]) + "…"
	}
	return line
}

package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// longestName is how much of a name a mail shows, longestMessage how much of what a
// plugin says, in characters.
const (
	longestName    = 120
	longestMessage = 1000
)

// inline makes a name safe inside a sentence: one line, no control characters and no
// change of the writing direction but its own. (Mails are plain text, so that markup is
// text.) A name that is written from right to left is set apart from what is around it.
func inline(name string) string {
	clean := oneLine(name, longestName)
	if strings.ContainsFunc(clean, rightToLeft) {
		return "\u2068" + clean + "\u2069" // first strong isolate .. pop directional isolate
	}
	return clean
}

// oneLine is what prints of a text, in one line of at most so many characters.
func oneLine(text string, longest int) string {
	clean := strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		joins := r == '\u200c' || r == '\u200d' // in Persian names, and in families of emoji
		return !joins && (!unicode.IsPrint(r) || unicode.IsSpace(r))
	}), " ")
	if letters := []rune(clean); len(letters) > longest {
		return string(letters[:longest-1]) + "…"
	}
	return clean
}

func rightToLeft(r rune) bool {
	properties, _ := bidi.LookupRune(r)
	return properties.Class() == bidi.R || properties.Class() == bidi.AL
}

// sentence makes one of a few words.
func sentence(words string) string {
	first, size := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(first)) + words[size:] + "."
}

// localeOf is the language of a mail: the one that was asked for, else the host's.
func (w Writer) localeOf(m store.QueuedMail) string {
	if m.Data.Locale == "ru" || m.Data.Locale == "en" {
		return m.Data.Locale
	}
	return w.Locale
}

// messageID is the same for the same row on every host.
func messageID(m store.QueuedMail) string {
	sum := sha256.Sum256([]byte("booking mail " + m.Cause + " " + m.CreatedAt.UTC().String()))
	return hex.EncodeToString(sum[:16])
}

// titles say in a list what a mail is about.
var titles = map[store.MailKind]crm.Text{
	store.MailLink:       {RU: "Ссылка для входа", EN: "Link to sign in"},
	store.MailInvitation: {RU: "Приглашение", EN: "Invitation"},
	store.MailAddress:    {RU: "Адрес изменён", EN: "Address changed"},
	store.MailRun:        {RU: "Сообщение о синхронизации", EN: "News of a sync"},
}

// Title is what a row of the queue is about.
func Title(kind store.MailKind) crm.Text { return titles[kind] }

var reasons = map[string]crm.Text{
	"expired":         {RU: "слишком долго не отправлялось", EN: "could not be sent for too long"},
	"internal":        {RU: "внутренняя ошибка, подробности в журнале", EN: "internal error, the log has details"},
	ReasonInside:      {RU: "человек уже задал пароль", EN: "the person has set a password"},
	ReasonInactive:    {RU: "человек отключён или удалён", EN: "the person is inactive or gone"},
	ReasonOutdated:    {RU: "уже неактуально", EN: "not true any more"},
	ReasonSwitchedOff: {RU: "письма о синхронизации выключены", EN: "mails about runs are switched off"},
}

// ReasonText says in words why a mail is not sent; what a mail server said stays as it is.
func ReasonText(reason string) crm.Text {
	if known, there := reasons[reason]; there {
		return known
	}
	return crm.Text{RU: reason, EN: reason}
}

package cli

import (
	"strings"
	"unicode"

	"booking/shared/crm"
)

// reasons say what a reason code means and what to do.
var reasons = map[crm.Reason]crm.Text{
	crm.ReasonLinked:         {RU: "найден по адресу и связан", EN: "found by address and linked"},
	crm.ReasonNoEmail:        {RU: "в CRM нет e-mail: заполните его там", EN: "no e-mail in the CRM: fill it in there"},
	crm.ReasonInvalid:        {RU: "нельзя сохранить: исправьте значение в CRM", EN: "cannot be stored: mend the value in the CRM"},
	crm.ReasonDuplicateEmail: {RU: "тот же адрес в CRM у другого сотрудника: оставьте его одному", EN: "another person of the CRM has the same address: leave it to one"},
	crm.ReasonEmailTaken:     {RU: "адрес занят другой учётной записью: освободите его или измените в CRM", EN: "another account holds the address: free it or change it in the CRM"},
	crm.ReasonAdminEmail:     {RU: "адрес администратора синхронизация не меняет: измените его вручную", EN: "a sync never changes an administrator's address: change it by hand"},
	crm.ReasonDuplicateLink:  {RU: "несколько учётных записей с одним номером CRM: оставьте связь у одной", EN: "several accounts hold one CRM id: leave the link to one"},
	crm.ReasonGone:           {RU: "портал больше не знает этого сотрудника: решите вручную", EN: "the portal does not know this person any more: decide by hand"},
}

func reasonText(reason crm.Reason) crm.Text {
	if text, known := reasons[reason]; known {
		return text
	}
	return crm.Text{RU: string(reason), EN: string(reason)}
}

// printable keeps a terminal out of a portal's reach: no control characters, no
// line breaks, no change of writing direction.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\u200d' || r == '\ufe0f' {
			return r
		}
		return '\ufffd'
	}, text)
}

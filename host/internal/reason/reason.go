// Package reason says in words why somebody did not arrive as the portal has them,
// and what to do about it. The command line and the pages both speak from it.
package reason

import "booking/shared/crm"

// Explanation is a reason in words. Do is empty where nothing has to be done.
type Explanation struct{ Why, Do crm.Text }

var explanations = map[crm.Reason]Explanation{
	crm.ReasonLinked: {Why: crm.Text{RU: "найден по адресу и связан", EN: "found by address and linked"}},
	crm.ReasonNoEmail: {
		Why: crm.Text{RU: "в CRM нет e-mail", EN: "no e-mail in the CRM"},
		Do:  crm.Text{RU: "заполните его там", EN: "fill it in there"},
	},
	crm.ReasonInvalid: {
		Why: crm.Text{RU: "нельзя сохранить", EN: "cannot be stored"},
		Do:  crm.Text{RU: "исправьте значение в CRM", EN: "mend the value in the CRM"},
	},
	crm.ReasonDuplicateEmail: {
		Why: crm.Text{RU: "тот же адрес в CRM у другого сотрудника", EN: "another person of the CRM has the same address"},
		Do:  crm.Text{RU: "оставьте его одному", EN: "leave it to one"},
	},
	crm.ReasonEmailTaken: {
		Why: crm.Text{RU: "адрес занят другой учётной записью", EN: "another account holds the address"},
		Do:  crm.Text{RU: "освободите его или измените в CRM", EN: "free it or change it in the CRM"},
	},
	crm.ReasonAdminEmail: {
		Why: crm.Text{RU: "адрес администратора синхронизация не меняет", EN: "a sync never changes an administrator's address"},
		Do:  crm.Text{RU: "измените его вручную", EN: "change it by hand"},
	},
	crm.ReasonDuplicateLink: {
		Why: crm.Text{RU: "несколько учётных записей с одним номером CRM", EN: "several accounts hold one CRM id"},
		Do:  crm.Text{RU: "оставьте связь у одной", EN: "leave the link to one"},
	},
	crm.ReasonGone: {
		Why: crm.Text{RU: "портал больше не знает этого сотрудника", EN: "the portal does not know this person any more"},
		Do:  crm.Text{RU: "решите вручную", EN: "decide by hand"},
	},
}

// Of explains a reason; one that nobody here knows explains itself by its code.
func Of(r crm.Reason) Explanation {
	if known, there := explanations[r]; there {
		return known
	}
	return Explanation{Why: crm.Text{RU: string(r), EN: string(r)}}
}

// Line is the explanation in one line.
func (e Explanation) Line() crm.Text {
	if e.Do == (crm.Text{}) {
		return e.Why
	}
	return crm.Text{RU: e.Why.RU + ": " + e.Do.RU, EN: e.Why.EN + ": " + e.Do.EN}
}

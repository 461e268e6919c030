package events

import "booking/shared/crm"

// reasons are why a message was refused, and what to do about it.
var reasons = map[crm.EventReason]crm.Text{
	crm.EventNotConfigured: {RU: "здесь ещё не задано, чем портал подтверждает свои сообщения: заполните это в настройках подключения",
		EN: "what the portal proves its messages with is not set here yet: fill it in in the settings of the connection"},
	crm.EventNoProof: {RU: "в сообщении нет подтверждения, что оно от портала",
		EN: "the message carries no proof that it is the portal's"},
	crm.EventWrongProof: {RU: "подтверждение в сообщении не совпадает с тем, что сохранено в настройках подключения: скопируйте его из портала ещё раз",
		EN: "the proof in the message is not the one in the settings of the connection: copy it from the portal again"},
	crm.EventAnotherPortal: {RU: "сообщение от другого портала, а не от подключённого",
		EN: "the message comes from another portal than the connected one"},
	crm.EventMalformed: {RU: "сообщение не того вида, какой присылает портал",
		EN: "the message is not of the form that the portal sends"},
	crm.EventTooLarge: {RU: "сообщение слишком большое",
		EN: "the message is too large"},
	Unjudged: {RU: "плагин не смог проверить сообщение: он не запущен или не понимает событий",
		EN: "the plugin could not check the message: it does not run, or reads no events"},
}

// ReasonText puts the reason of a refusal into words; a newer plugin's is told as it is.
func ReasonText(reason crm.EventReason) crm.Text {
	if known, there := reasons[reason]; there {
		return known
	}
	return crm.Text{RU: string(reason), EN: string(reason)}
}

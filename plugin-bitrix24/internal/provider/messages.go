package provider

import (
	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
)

var (
	textNoWebhook = crm.Text{
		RU: "Вебхук не настроен. 1) В Битрикс24 откройте «Разработчикам → Другое → Входящий вебхук» и дайте ему права user и department; 2) скопируйте его адрес (" + rest.RightForm + "); 3) сохраните его в настройке webhook_url подключения",
		EN: "Webhook not configured. 1) In Bitrix24 open Developer resources → Other → Inbound webhook and give it the scopes user and department; 2) copy its address (" + rest.RightForm + "); 3) save it as the connection's setting webhook_url",
	}
	textWebhookForm = crm.Text{
		RU: "это не адрес входящего вебхука. Он выглядит так: " + rest.RightForm,
		EN: "not the address of an inbound webhook, which looks like " + rest.RightForm,
	}
	textHTTPS = crm.Text{
		RU: "адрес должен начинаться с https:// (исключения перечисляют в BOOKING_HTTP_PORTALS)",
		EN: "the address must begin with https:// (exceptions are listed in BOOKING_HTTP_PORTALS)",
	}
	textDepartments = crm.Text{
		RU: "нужны номера отделов через запятую, например 1,15",
		EN: "wanted: IDs of departments, comma separated, for example 1,15",
	}
	textRate  = crm.Text{RU: "нужно standard или enterprise", EN: "wanted: standard or enterprise"}
	textToken = crm.Text{
		RU: "это не токен приложения: нужны буквы и цифры из поля «Токен приложения» исходящего вебхука",
		EN: "not an application token: wanted are the letters and digits of the outbound webhook's field Application token",
	}
	textNotListable = crm.Text{RU: "у этой настройки нет списка значений", EN: "the values of this setting cannot be listed"}
	textFlag        = crm.Text{RU: "нужно true или false", EN: "wanted: true or false"}
)

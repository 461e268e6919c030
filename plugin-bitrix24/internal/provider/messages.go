package provider

import (
	"strings"

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

// What can be in the way of an import from the older server.
var (
	textAppKey = crm.Text{
		RU: "Это не ключ Laravel. Нужен APP_KEY из файла .env старого сервера, он начинается с base64:. Прежние ключи (APP_PREVIOUS_KEYS) можно добавить через запятую",
		EN: "This is no key of Laravel's. Wanted is APP_KEY of the older server's file .env, it begins with base64:. Former keys (APP_PREVIOUS_KEYS) may follow after a comma",
	}
	textNoOlderTable = crm.Text{
		RU: "В этой базе нет таблицы tenant_bitrix24_settings: старый сервер хранит свои настройки не здесь. Проверьте BOOKING_DSN",
		EN: "This database has no table tenant_bitrix24_settings: the older server keeps its settings elsewhere. Check BOOKING_DSN",
	}
	textNoOlderColumn = crm.Text{
		RU: "В таблице tenant_bitrix24_settings нет столбца tenant_id или столбца с вебхуком (" + strings.Join(olderWebhook, ", ") + "). Задайте вебхуки по одному: booking-host crm connect",
		EN: "The table tenant_bitrix24_settings lacks tenant_id or a column with the webhook (" + strings.Join(olderWebhook, ", ") + "). Set the webhooks one by one: booking-host crm connect",
	}
	textImport = map[crm.ImportReason]crm.Text{
		crm.ImportNoSettings: {RU: "Вебхук в старом сервере не задан", EN: "No webhook is set in the older server"},
		crm.ImportWrongKey: {
			RU: "Ключ не подходит: вебхук зашифрован другим APP_KEY или изменён. Прежние ключи (APP_PREVIOUS_KEYS) можно добавить через запятую",
			EN: "The key does not fit: the webhook was encrypted with another APP_KEY, or changed since. Former keys (APP_PREVIOUS_KEYS) may follow after a comma",
		},
		crm.ImportCannotDecrypt: {
			RU: "Ключ подходит, но значение повреждено. Задайте вебхук заново: booking-host crm connect",
			EN: "The key fits, but the value is broken. Set the webhook anew: booking-host crm connect",
		},
		crm.ImportAmbiguous: {
			RU: "У компании несколько вебхуков, и неизвестно, какой из них верный. Задайте его: booking-host crm connect",
			EN: "The company has several webhooks, and nobody knows which is right. Set it: booking-host crm connect",
		},
		crm.ImportUnknownForm: {
			RU: "Это не вебхук: значение записано не так, как шифрует Laravel (AES-256-CBC), или внутри него не адрес вида " + rest.RightForm,
			EN: "This is no webhook: the value is not as Laravel encrypts it (AES-256-CBC), or what is inside does not look like " + rest.RightForm,
		},
	}
)

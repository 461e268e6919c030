package provider

import (
	"context"

	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
)

// Version of the plugin, shown in the host's list of plugins.
const Version = "0.1.0"

// linkColumn of users holds the portal's user ID.
const linkColumn = "bitrix24_user_id"

// Keys of the settings; scripts rely on them.
const (
	keyWebhook     = "webhook_url"
	keyDepartments = "departments"
	keyPhone       = "sync_phone"
	keyPosition    = "sync_position"
	keyRate        = "rate_limit"
	keyEventToken  = "event_token"
)

// Values of keyRate.
const (
	rateStandard   = "standard"
	rateEnterprise = "enterprise"
)

// Extra is what the manifest says beyond the description: a command's name for people
// who come from the older server, and the simulator for the host's demo.
func Extra() crm.Manifest {
	return crm.Manifest{
		Aliases:   map[string]string{"bitrix24:sync-users": "sync-users"},
		Simulator: []string{"simulate", "--print-json", "--until-stdin-closes", "--oddities", "0.1"},
	}
}

// Describe implements [crm.Plugin].
func (*Provider) Describe(context.Context) (crm.Description, error) { return Description(), nil }

// Description is what Describe answers.
func Description() crm.Description {
	return crm.Description{
		Name:             "bitrix24",
		Version:          Version,
		Title:            crm.Text{RU: "Битрикс24", EN: "Bitrix24"},
		Capabilities:     []crm.Capability{crm.CapabilitySyncUsers, crm.CapabilityChoices, crm.CapabilityImportSettings, crm.CapabilityEvents},
		ExternalIDColumn: linkColumn,
		MigrationSet:     "bitrix24",
		Fields:           fields,
		EventsHelp: crm.Text{
			RU: "Битрикс24 → Разработчикам → Другое → Исходящий вебхук: вставьте адрес в поле «URL вашего обработчика», выберите событие ONUSERADD и сохраните. " +
				"Затем скопируйте оттуда «Токен приложения» в настройку «Токен исходящего вебхука». Событие приходит, когда приглашённый сотрудник завершит регистрацию.",
			EN: "Bitrix24 → Developer resources → Other → Outbound webhook: paste the address into the field Handler URL, choose the event ONUSERADD and save. " +
				"Then copy the Application token from there into the setting Token of the outbound webhook. The event comes when somebody who was invited has registered.",
		},
	}
}

var fields = []crm.Field{
	{
		Key: keyWebhook, Type: crm.FieldText, Required: true, Secret: true,
		Label: crm.Text{RU: "Адрес входящего вебхука", EN: "Address of the inbound webhook"},
		Help: crm.Text{
			RU: "Битрикс24 → Разработчикам → Другое → Входящий вебхук, права user и department. Вид: " + rest.RightForm,
			EN: "Bitrix24 → Developer resources → Other → Inbound webhook, scopes user and department. Form: " + rest.RightForm,
		},
	},
	// Beside the other secret: with other fields between them browsers take the two for
	// two forms.
	{
		Key: keyEventToken, Type: crm.FieldText, Secret: true,
		Label: crm.Text{RU: "Токен исходящего вебхука", EN: "Token of the outbound webhook"},
		Help: crm.Text{
			RU: "Необязательно: чтобы новый сотрудник появлялся сразу, а не при следующей синхронизации. Битрикс24 → Разработчикам → Другое → Исходящий вебхук, событие ONUSERADD; сюда — значение поля «Токен приложения»",
			EN: "Optional: so that a new employee appears at once, not with the next sync. Bitrix24 → Developer resources → Other → Outbound webhook, event ONUSERADD; here goes the value of its field Application token",
		},
	},
	{
		Key: keyDepartments, Type: crm.FieldIDs, Listable: true,
		Label: crm.Text{RU: "Отделы", EN: "Departments"},
		Help: crm.Text{
			RU: "Номера отделов через запятую, вместе с их подотделами. Пусто: все сотрудники",
			EN: "IDs of departments, comma separated; their sub-departments are included. Empty: everybody",
		},
	},
	{
		Key: keyPhone, Type: crm.FieldBool, Default: "false",
		Label: crm.Text{RU: "Обновлять телефон", EN: "Keep the phone up to date"},
		Help: crm.Text{
			RU: "Мобильный, если его нет — рабочий, если нет и его — личный",
			EN: "The mobile one, else the work one, else the private one",
		},
	},
	{
		Key: keyPosition, Type: crm.FieldBool, Default: "false",
		Label: crm.Text{RU: "Обновлять должность", EN: "Keep the position up to date"},
		Help:  crm.Text{RU: "Должность из карточки сотрудника", EN: "The position in the employee's profile"},
	},
	{
		Key: keyRate, Type: crm.FieldChoice, Default: rateStandard,
		Label: crm.Text{RU: "Лимит запросов портала", EN: "The portal's request limit"},
		Help: crm.Text{
			RU: "Зависит от тарифа: у Enterprise запросов можно больше",
			EN: "It depends on the plan: Enterprise allows more requests",
		},
		Choices: []crm.Choice{
			{Value: rateStandard, Label: crm.Text{RU: "Обычный: 50 и по 2 в секунду", EN: "Standard: 50 and 2 a second"}},
			{Value: rateEnterprise, Label: crm.Text{RU: "Enterprise: 250 и по 5 в секунду", EN: "Enterprise: 250 and 5 a second"}},
		},
	},
}

package runs

import (
	"fmt"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

var (
	cancelledMessage = crm.Text{
		RU: "Синхронизация остановлена. Записанное до остановки осталось; следующий запуск доделает остальное.",
		EN: "The sync was stopped. What was written before stays; the next run does the rest.",
	}
	returnedMessage = crm.Text{
		RU: "Синхронизация остановлена и стоит в очереди: её продолжит другой процесс или следующий запуск.",
		EN: "The sync was stopped and is queued: another process, or the next start, continues it.",
	}
	needlessMessage = crm.Text{
		RU: "Повтор не нужен: с тех пор синхронизация этой компании прошла успешно.",
		EN: "The retry is not needed: a sync of this tenant has succeeded since.",
	}
	leaseLostMessage = crm.Text{
		RU: "Право на запись потеряно: этот процесс слишком долго не отвечал базе данных. Запустите синхронизацию ещё раз.",
		EN: "The right to write was lost: this process was silent to the database for too long. Run the sync again.",
	}
	internalMessage = crm.Text{
		RU: "Внутренняя ошибка. Подробности в журнале (BOOKING_LOG_LEVEL=debug).",
		EN: "Internal error. The log has details (BOOKING_LOG_LEVEL=debug).",
	}
	contradictionMessage = crm.Text{
		RU: "Итог плагина не сходится с тем, о чём он сообщал. Записанное видно в истории; сообщите автору плагина.",
		EN: "The plugin's result contradicts the changes it told of. The history shows what was written; tell the plugin's author.",
	}
)

func tooLongMessage(limit time.Duration) crm.Text {
	return crm.Text{
		RU: fmt.Sprintf("Плагин не закончил синхронизацию за %s и остановлен. Записанное осталось; запустите ещё раз, а если повторится — сообщите автору плагина.", limit),
		EN: fmt.Sprintf("The plugin did not finish the sync within %s and was stopped. What was written stays; run it again, and tell the plugin's author if it happens twice.", limit),
	}
}

func busyMessage(run int64) crm.Text {
	return crm.Text{
		RU: fmt.Sprintf("Синхронизация этой компании уже идёт: запуск %d. Посмотреть: booking-host runs show %d.", run, run),
		EN: fmt.Sprintf("A sync of this tenant is already going on: run %d. See it: booking-host runs show %d.", run, run),
	}
}

func noConnection(tenant int64) crm.Text {
	return crm.Text{
		RU: fmt.Sprintf("Webhook not configured: CRM компании %d не подключена. Что сделать: 1) booking-host plugins list — выберите плагин; "+
			"2) создайте в CRM входящий вебхук; 3) booking-host crm connect --tenant %d --plugin ИМЯ --secret КЛЮЧ (адрес — на стандартный ввод).", tenant, tenant),
		EN: fmt.Sprintf("Webhook not configured: tenant %d has no CRM connection. What to do: 1) booking-host plugins list: choose a plugin; "+
			"2) make an inbound webhook in the CRM; 3) booking-host crm connect --tenant %d --plugin NAME --secret KEY (the address goes to standard input).", tenant, tenant),
	}
}

func noWebhook(tenant int64, plugin string) crm.Text {
	return crm.Text{
		RU: fmt.Sprintf("Webhook not configured: у подключения компании %d нет адреса портала. Что сделать: 1) создайте в CRM входящий вебхук; "+
			"2) booking-host crm connect --tenant %d --plugin %s --secret КЛЮЧ (адрес — на стандартный ввод); 3) booking-host crm check --tenant %d.", tenant, tenant, plugin, tenant),
		EN: fmt.Sprintf("Webhook not configured: the connection of tenant %d has no portal address. What to do: 1) make an inbound webhook in the CRM; "+
			"2) booking-host crm connect --tenant %d --plugin %s --secret KEY (the address goes to standard input); 3) booking-host crm check --tenant %d.", tenant, tenant, plugin, tenant),
	}
}

func disabled(tenant int64, plugin string) crm.Text {
	return crm.Text{
		RU: fmt.Sprintf("Webhook not configured: подключение компании %d выключено. Включить: booking-host crm connect --tenant %d --plugin %s --enabled.", tenant, tenant, plugin),
		EN: fmt.Sprintf("Webhook not configured: the connection of tenant %d is disabled. Enable it: booking-host crm connect --tenant %d --plugin %s --enabled.", tenant, tenant, plugin),
	}
}

// PortalChanged says that links came from another portal (rule 12), and the two
// ways out.
func PortalChanged(c store.Connection, linked int) crm.Text {
	return crm.Text{
		RU: fmt.Sprintf("Портал сменился: связи %d сотрудников пришли с %s, а подключён %s. Номера двух порталов — разные люди. "+
			"Если это тот же портал под новым адресом: booking-host crm connect --tenant %d --plugin %s --links keep; если другой: --links drop.", linked, c.LinksPortal, c.Portal, c.TenantID, c.Plugin),
		EN: fmt.Sprintf("The portal has changed: the links of %d people came from %s, connected is %s. IDs of two portals mean different people. "+
			"The same portal at a new address: booking-host crm connect --tenant %d --plugin %s --links keep; another one: --links drop.", linked, c.LinksPortal, c.Portal, c.TenantID, c.Plugin),
	}
}

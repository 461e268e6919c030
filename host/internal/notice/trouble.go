package notice

import (
	"booking/host/internal/store"
	"booking/shared/crm"
)

// trouble is what can be told of a run: in a few words, and what to do about it.
type trouble struct{ headline, todo crm.Text }

var (
	mendConnection = crm.Text{RU: "Откройте настройки подключения, исправьте его и нажмите «Проверить подключение»: {settings}",
		EN: "Open the connection's settings, mend it and press \"Check the connection\": {settings}"}
	waitAWhile = crm.Text{RU: "Пока ничего: следующий запуск попробует снова. Если так продолжается дольше дня, откройте настройки и нажмите «Проверить подключение»: {settings}",
		EN: "Nothing yet: the next run tries again. If it goes on for more than a day, open the settings and press \"Check the connection\": {settings}"}
	askOperator = crm.Text{RU: "Сообщите тому, кто обслуживает сервер календаря: со стороны портала ничего не исправить.",
		EN: "Tell whoever runs the calendar's server: nothing can be mended on the portal's side."}
)

var troubles = map[string]trouble{
	string(crm.CodeUnauthorized):      {crm.Text{RU: "портал не принимает вебхук", EN: "the portal refuses the webhook"}, mendConnection},
	string(crm.CodeScopeMissing):      {crm.Text{RU: "вебхуку не хватает прав", EN: "the webhook lacks rights"}, mendConnection},
	string(crm.CodeNotConfigured):     {crm.Text{RU: "подключение не настроено или выключено", EN: "the connection is not set up, or off"}, mendConnection},
	string(crm.CodeRateLimited):       {crm.Text{RU: "портал ограничил частоту запросов", EN: "the portal limits requests"}, waitAWhile},
	string(crm.CodePortalUnreachable): {crm.Text{RU: "портал не отвечает", EN: "the portal does not answer"}, waitAWhile},
	string(crm.CodePortalAnswer):      {crm.Text{RU: "портал отвечает неправильно", EN: "the portal's answers make no sense"}, waitAWhile},
	string(crm.CodePortalChanged): {crm.Text{RU: "портал сменился", EN: "the portal has changed"}, crm.Text{
		RU: "Решите, тот ли это портал под новым адресом или другой: {settings}", EN: "Say whether it is the same portal at a new address or another one: {settings}"}},
	string(crm.CodeTenantBlocked): {crm.Text{RU: "компания заблокирована", EN: "the company is blocked"}, crm.Text{
		RU: "Возобновите подписку: до этого сотрудники не обновляются.", EN: "Renew the subscription: until then people are not brought up to date."}},
	string(crm.CodePluginMissing):   {crm.Text{RU: "на сервере нет плагина CRM", EN: "the server has no plugin for the CRM"}, askOperator},
	string(crm.CodePluginUntrusted): {crm.Text{RU: "плагину CRM не доверяют", EN: "the CRM's plugin is not trusted"}, askOperator},
	string(crm.CodePluginLost):      {crm.Text{RU: "плагин CRM завершился посреди работы", EN: "the CRM's plugin ended in the middle of its work"}, askOperator},
	string(crm.CodePluginAnswer):    {crm.Text{RU: "плагин CRM отвечает неправильно", EN: "the CRM's plugin makes no sense"}, askOperator},
	string(crm.CodeDatabase):        {crm.Text{RU: "база данных не отвечала", EN: "the database did not answer"}, askOperator},
	troubleInterrupted:              {crm.Text{RU: "запуск прерван: программа, которая его выполняла, исчезала", EN: "the run was interrupted: the program that carried it out was gone, again and again"}, askOperator},
	troubleHeld: {crm.Text{RU: "никто не отключён: ушедших подозрительно много", EN: "nobody was deactivated: suspiciously many people seem to have left"}, crm.Text{
		RU: "Проверьте в портале, действительно ли эти люди уволены. Пока вы не решите, их доступ сохраняется: {link}",
		EN: "Look into the portal whether these people have really left. Until you decide, they keep their access: {link}"}},
}

// troubleOf is never empty: a code that nobody here knows is for the operator.
func troubleOf(code string) trouble {
	if known, there := troubles[code]; there {
		return known
	}
	return trouble{crm.Text{RU: "внутренняя ошибка", EN: "internal error"}, askOperator}
}

func headline(code string) crm.Text { return troubleOf(code).headline }

func whatToDo(code string) crm.Text { return troubleOf(code).todo }

// whatHappened is the sentence that the run's page shows, or the few words where the
// run has none.
func whatHappened(code string, run store.Run) crm.Text {
	if run.ErrorRU != "" && code == string(run.ErrorCode) {
		return crm.Text{RU: oneLine(run.ErrorRU, longestMessage), EN: oneLine(run.ErrorEN, longestMessage)}
	}
	words := headline(code)
	return crm.Text{RU: sentence(words.RU), EN: sentence(words.EN)}
}

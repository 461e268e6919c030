package rest

import "booking/shared/crm"

// What people read: what happened and what to do next.
var (
	textUnauthorized = crm.Text{
		RU: "Битрикс24 не принимает вебхук: он отозван, в адресе ошибка или его владелец уволен. Создайте новый входящий вебхук и укажите его адрес: " + RightForm,
		EN: "Bitrix24 does not accept the webhook: it was revoked, its address is wrong or its owner was dismissed. Make a new inbound webhook and set its address: " + RightForm,
	}
	textTariff = crm.Text{
		RU: "Битрикс24 отказал в доступе: REST работает только на коммерческих тарифах. Проверьте тариф портала и права владельца вебхука",
		EN: "Bitrix24 denied access: REST works on commercial plans only. Check the portal's plan and the rights of the webhook's owner",
	}
	textDeleted = crm.Text{
		RU: "Этот портал Битрикс24 удалён. Укажите вебхук действующего портала",
		EN: "This Bitrix24 portal has been deleted. Set the webhook of a portal that exists",
	}
	textHTTPSWanted = crm.Text{
		RU: "Портал принимает только запросы по https: укажите адрес вебхука, который начинается с https://",
		EN: "The portal takes requests by https only: set a webhook address that begins with https://",
	}
	textHTTPRefused = crm.Text{
		RU: "Адрес вебхука должен начинаться с https:// (исключения перечисляют в BOOKING_HTTP_PORTALS)",
		EN: "The webhook's address must begin with https:// (exceptions are listed in BOOKING_HTTP_PORTALS)",
	}
	textWebhookForm = crm.Text{
		RU: "Это не адрес входящего вебхука. Он выглядит так: " + RightForm,
		EN: "This is not the address of an inbound webhook, which looks like " + RightForm,
	}
	textBucket = crm.Text{
		RU: "Портал ограничил число запросов (QUERY_LIMIT_EXCEEDED): возможно, их шлёт и другая программа. Повторите позже",
		EN: "The portal limits the number of requests (QUERY_LIMIT_EXCEEDED): another program may be sending some too. Try again later",
	}
	textOperating = crm.Text{
		RU: "Исчерпано время, которое портал отводит этому методу (OPERATION_TIME_LIMIT). Повторите позже",
		EN: "The time that the portal grants this method is used up (OPERATION_TIME_LIMIT). Try again later",
	}
	textOverload = crm.Text{
		RU: "Битрикс24 вручную заблокировал REST этого портала из-за перегрузки (OVERLOAD_LIMIT). Обратитесь в поддержку Битрикс24",
		EN: "Bitrix24 has blocked this portal's REST by hand because of overload (OVERLOAD_LIMIT). Ask the support of Bitrix24",
	}
	textNonsense = crm.Text{
		RU: "Портал ответил не так, как должен. Никто не изменён. Повторите позже; если повторяется, проверьте, что между нами и порталом (прокси, фильтр)",
		EN: "The portal's answer makes no sense. Nobody was changed. Try again later; if it stays, look at what stands between us and the portal (proxy, filter)",
	}
	textIncomplete = crm.Text{
		RU: "Портал отдал неполный список людей: их число не сходится с тем, что называет он сам. Никто не изменён. Повторите позже",
		EN: "The portal gave an incomplete list of people: their number is not the one it names itself. Nobody was changed. Try again later",
	}
	textNobody = crm.Text{
		RU: "Портал не назвал ни одного активного сотрудника, хотя владелец вебхука есть всегда. Никто не изменён. Проверьте права владельца вебхука",
		EN: "The portal named no active employee, although the webhook's owner always is one. Nobody was changed. Check the rights of the webhook's owner",
	}
	textNoCount = crm.Text{
		RU: "Портал не сообщает, сколько в нём людей, поэтому полноту списка проверить нельзя. Никто не изменён",
		EN: "The portal does not say how many people it has, so that nobody can tell whether the list is complete. Nobody was changed",
	}
	textTooLarge = crm.Text{
		RU: "Ответ портала слишком велик. Никто не изменён. Проверьте, тот ли это адрес",
		EN: "The portal's answer is too large. Nobody was changed. Check that this is the right address",
	}
	textSilent = crm.Text{
		RU: "Портал не отвечает. Повторите позже; проверьте, открывается ли он в браузере",
		EN: "The portal does not answer. Try again later; see whether it opens in a browser",
	}
	textUnreachable = crm.Text{
		RU: "До портала не достучаться. Проверьте адрес и сеть, повторите позже",
		EN: "The portal cannot be reached. Check the address and the network, try again later",
	}
	textNoHost = crm.Text{
		RU: "Такого портала нет: его имя не находится в DNS. Проверьте адрес вебхука",
		EN: "There is no such portal: its name is not in the DNS. Check the webhook's address",
	}
	textCertificate = crm.Text{
		RU: "Сертификату портала нельзя верить (чужое имя, истёк или неизвестный издатель). Исправьте сертификат или адрес вебхука",
		EN: "The portal's certificate cannot be trusted (another name, expired or of an unknown issuer). Mend the certificate or the webhook's address",
	}
	textPrivate = crm.Text{
		RU: "Портал находится по внутреннему адресу, такие вызовы запрещены. Если это ваш портал, впишите его в BOOKING_HTTP_PORTALS",
		EN: "The portal is at a private address, such calls are refused. If it is your own, list it in BOOKING_HTTP_PORTALS",
	}
	textCancelled = crm.Text{RU: "Остановлено", EN: "Stopped"}
	textBriefOnly = crm.Text{
		RU: "Вебхук не показывает адреса почты: у него есть только право user_brief. Добавьте ему право «Пользователи» (user) или user_basic",
		EN: "The webhook does not show e-mail addresses: its only scope is user_brief. Give it the scope user (or user_basic)",
	}
	textNoDepartments = crm.Text{
		RU: "Портал не показывает, кто в каком отделе. Дайте вебхуку право «Пользователи» (user) или очистите настройку отделов",
		EN: "The portal does not show who is in which department. Give the webhook the scope user, or clear the departments setting",
	}
)

func textScope(method string) crm.Text {
	scope := "user"
	if method == methodDepartments {
		scope = "department"
	}
	return crm.Text{
		RU: "У вебхука нет нужного права: добавьте ему право " + scope,
		EN: "The webhook lacks a scope: give it the scope " + scope,
	}
}

func textPortalError(e portalError) crm.Text {
	return crm.Text{
		RU: "Портал ответил ошибкой " + e.Error() + ". Никто не изменён. Повторите позже",
		EN: "The portal answered with the error " + e.Error() + ". Nobody was changed. Try again later",
	}
}

func textNoMethod(method string) crm.Text {
	return crm.Text{
		RU: "По этому адресу нет метода " + method + ". Проверьте адрес вебхука: " + RightForm,
		EN: "There is no method " + method + " at this address. Check the webhook's address: " + RightForm,
	}
}

func textRedirect(host string) crm.Text {
	if host == "" {
		host = "?"
	}
	return crm.Text{
		RU: "Портал перенаправляет запросы на " + host + ". Если он переехал, укажите вебхук с новым адресом",
		EN: "The portal redirects requests to " + host + ". If it has moved, set the webhook with its new address",
	}
}

func textUnknownDepartments(ids string) crm.Text {
	return crm.Text{
		RU: "В портале нет отделов с номерами " + ids + ". Исправьте настройку отделов",
		EN: "The portal has no departments " + ids + ". Correct the departments setting",
	}
}

package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"booking/host/internal/accesslog"
	"booking/host/internal/auth"
	"booking/host/internal/problem"
	"booking/host/internal/runjson"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// code is why a call was refused; a closed list that openapi.json repeats. What a run
// can fail of is among them where a call can, too.
type code string

const (
	codeInvalid       code = "invalid_request"
	codeNoToken       code = "token_missing"
	codeTokenUnknown  code = "token_unknown"
	codeTokenExpired  code = "token_expired"
	codeTokenRevoked  code = "token_revoked"
	codeTokenScope    code = "token_scope"
	codeTenantBlocked code = "tenant_blocked"
	codeNotFound      code = "not_found"
	codeMethod        code = "method_not_allowed"
	codeBusy          code = "busy"
	codeNotConfigured code = "not_configured"
	codeTooLarge      code = "too_large"
	codeMediaType     code = "unsupported_media_type"
	codeTooMany       code = "too_many_requests"
	codeInternal      code = "internal"
	codePortal        code = "portal"
	codePlugin        code = "plugin"
	codeDatabase      code = "database"
)

// meaning is a code's status and, where nothing better is known, its sentence.
type meaning struct {
	status  int
	message crm.Text
}

var meanings = map[code]meaning{
	codeInvalid:       {http.StatusBadRequest, crm.Text{RU: "Запрос непонятен.", EN: "The request cannot be understood."}},
	codeNoToken:       {http.StatusUnauthorized, crm.Text{RU: "Нужен токен: Authorization: Bearer booking_…", EN: "A token is needed: Authorization: Bearer booking_…"}},
	codeTokenUnknown:  {http.StatusUnauthorized, crm.Text{RU: "Такого токена нет.", EN: "There is no such token."}},
	codeTokenExpired:  {http.StatusUnauthorized, crm.Text{RU: "Срок токена истёк: выпустите новый.", EN: "The token has expired: make a new one."}},
	codeTokenRevoked:  {http.StatusUnauthorized, crm.Text{RU: "Токен отозван: выпустите новый.", EN: "The token was revoked: make a new one."}},
	codeTokenScope:    {http.StatusForbidden, crm.Text{RU: "Токен только читает: для этого нужен токен с правом run.", EN: "The token may only read: this needs one with the scope run."}},
	codeTenantBlocked: {http.StatusForbidden, crm.Text{RU: "Компания заблокирована или удалена.", EN: "The tenant is blocked or deleted."}},
	codeNotFound:      {http.StatusNotFound, crm.Text{RU: "Здесь ничего нет.", EN: "There is nothing here."}},
	codeMethod:        {http.StatusMethodNotAllowed, crm.Text{RU: "По этому адресу так не обращаются, см. Allow.", EN: "The address is not called like this, see Allow."}},
	codeBusy:          {http.StatusConflict, crm.Text{RU: "Другой запуск этой компании ещё не закончен.", EN: "Another run of this tenant is not over yet."}},
	codeNotConfigured: {http.StatusConflict, crm.Text{RU: "Webhook not configured: подключение к CRM не настроено.", EN: "Webhook not configured: the connection to the CRM is not set up."}},
	codeTooLarge:      {http.StatusRequestEntityTooLarge, crm.Text{RU: "Запрос слишком большой: не больше 4 КиБ.", EN: "The request is too large: 4 KiB at most."}},
	codeMediaType:     {http.StatusUnsupportedMediaType, crm.Text{RU: "Нужен Content-Type: application/json.", EN: "Content-Type must be application/json."}},
	codeTooMany:       {http.StatusTooManyRequests, crm.Text{RU: "Слишком много запросов: подождите, см. Retry-After.", EN: "Too many requests: wait, see Retry-After."}},
	codeInternal:      {http.StatusInternalServerError, crm.Text{RU: "Внутренняя ошибка: подробности в журнале сервера по X-Request-Id.", EN: "Internal error: the server's log has details, by X-Request-Id."}},
	codePortal:        {http.StatusBadGateway, crm.Text{RU: "Портал не отвечает.", EN: "The portal does not answer."}},
	codePlugin:        {http.StatusServiceUnavailable, crm.Text{RU: "Плагин CRM не отвечает.", EN: "The CRM's plugin does not answer."}},
	codeDatabase:      {http.StatusServiceUnavailable, crm.Text{RU: "База данных не отвечает.", EN: "The database does not answer."}},
}

// refusal is a call that was refused.
type refusal struct {
	code    code
	message crm.Text
	// run is the one that goes on, with codeBusy.
	run int64
	// retry is when another try makes sense, with codeTooMany.
	retry time.Duration
	cause error
}

// Error implements error, in English.
func (e *refusal) Error() string { return string(e.code) + ": " + e.message.In("en") }

// Unwrap returns the cause.
func (e *refusal) Unwrap() error { return e.cause }

// refuse refuses with the code's own sentence.
func refuse(c code) *refusal { return &refusal{code: c, message: meanings[c].message} }

// refuseWith refuses with a better one.
func refuseWith(c code, message crm.Text) *refusal { return &refusal{code: c, message: message} }

// invalid says what is wrong with the request.
func invalid(ru, en string) *refusal { return refuseWith(codeInvalid, crm.Text{RU: ru, EN: en}) }

// tokenCodes are the reasons for which a token lets nobody in.
var tokenCodes = map[error]code{
	auth.ErrNoToken: codeNoToken, auth.ErrTokenUnknown: codeTokenUnknown, auth.ErrTokenExpired: codeTokenExpired, auth.ErrTokenRevoked: codeTokenRevoked,
}

// explain turns any error into a refusal; what nobody has foreseen is internal, and
// only the log says more.
func explain(err error) *refusal {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused
	}
	for reason, c := range tokenCodes {
		if errors.Is(err, reason) {
			return refuse(c)
		}
	}
	var many *auth.TooManyError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &many):
		out := refuse(codeTooMany)
		out.retry = many.After
		return out
	case errors.As(err, &large):
		return refuse(codeTooLarge)
	case errors.Is(err, store.ErrNotFound):
		return refuseWith(codeNotFound, problem.TextOf(err))
	}
	out := refuse(codeInternal)
	if c, known := crmCodes[crm.CodeOf(err)]; known {
		out = refuseWith(c, problem.TextOf(err))
	}
	out.cause = err
	return out
}

// crmCodes are the failures of the contract that a call can meet by itself. (Those of a
// run stand in the run.)
var crmCodes = map[crm.Code]code{
	crm.CodeTenantBlocked: codeTenantBlocked, crm.CodeNotConfigured: codeNotConfigured, crm.CodeBusy: codeBusy, crm.CodeDatabase: codeDatabase,
	crm.CodeUnauthorized: codePortal, crm.CodeScopeMissing: codePortal, crm.CodeRateLimited: codePortal, crm.CodePortalUnreachable: codePortal,
	crm.CodePortalAnswer: codePortal, crm.CodePortalChanged: codePortal,
	crm.CodePluginMissing: codePlugin, crm.CodePluginUntrusted: codePlugin, crm.CodePluginLost: codePlugin, crm.CodePluginAnswer: codePlugin,
}

// errorJSON is the one shape of a refusal, the same as of a run's error.
type errorJSON struct {
	Error runjson.Error `json:"error"`
}

// fail sends a refusal.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there any more
	}
	refused := explain(err)
	status := meanings[refused.code].status
	if status >= http.StatusInternalServerError {
		s.Log.Error("call", "request", accesslog.ID(r.Context()), "route", r.Pattern, "error", err.Error())
	}
	switch refused.code {
	case codeNoToken:
		w.Header().Set("WWW-Authenticate", `Bearer realm="booking"`)
	case codeTokenUnknown, codeTokenExpired, codeTokenRevoked:
		w.Header().Set("WWW-Authenticate", `Bearer realm="booking", error="invalid_token"`)
	case codeTokenScope:
		w.Header().Set("WWW-Authenticate", `Bearer realm="booking", error="insufficient_scope", scope="run"`)
	case codeTooMany:
		w.Header().Set("Retry-After", strconv.Itoa(int(refused.retry/time.Second)+1))
	}
	s.write(w, r, status, errorJSON{runjson.Error{Code: string(refused.code), Message: refused.message.In(s.locale(r)), Run: refused.run}})
}

// busy says which run is in the way.
func busy(run store.Run) *refusal {
	out := refuseWith(codeBusy, crm.Text{
		RU: fmt.Sprintf("Запуск %d этой компании ещё не закончен: GET %s.", run.ID, runPath(run.ID)),
		EN: fmt.Sprintf("Run %d of this tenant is not over yet: GET %s.", run.ID, runPath(run.ID)),
	})
	out.run = run.ID
	return out
}

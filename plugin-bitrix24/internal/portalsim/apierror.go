package portalsim

import "net/http"

// apiError is an error as the REST API answers it: an HTTP status and a body with
// error and error_description (error-codes.md).
type apiError struct {
	status            int
	code, description string
}

func (e *apiError) body() []byte {
	return mustJSON(struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}{e.code, e.description})
}

// Codes of the system errors (_includes/system-errors.md).
const (
	codeInternal       = "INTERNAL_SERVER_ERROR"
	codeUnexpected     = "ERROR_UNEXPECTED_ANSWER"
	codePortalDeleted  = "PORTAL_DELETED"
	codeQueryLimit     = "QUERY_LIMIT_EXCEEDED"
	codeOverload       = "OVERLOAD_LIMIT"
	codeOperationLimit = "OPERATION_TIME_LIMIT"
	codeNoAuth         = "NO_AUTH_FOUND"
	codeExpired        = "expired_token"
	codeCredentials    = "INVALID_CREDENTIALS"
	codeScope          = "insufficient_scope"
	codeAccess         = "ACCESS_DENIED"
	codeUserAccess     = "user_access_error"
	codeHTTPS          = "INVALID_REQUEST"
	codeBatchLength    = "ERROR_BATCH_LENGTH_EXCEEDED"
	codeBatchMethod    = "ERROR_BATCH_METHOD_NOT_ALLOWED"
	codeNoMethod       = "ERROR_METHOD_NOT_FOUND"
)

type described struct {
	status, newer int // the two generations of the documentation differ in the status
	description   string
}

var systemErrors = map[string]described{
	codeInternal:       {http.StatusInternalServerError, 0, "Internal server error"},
	codeUnexpected:     {http.StatusInternalServerError, 0, "Server returned an unexpected response"},
	codePortalDeleted:  {http.StatusInternalServerError, http.StatusForbidden, "Portal was deleted"},
	codeQueryLimit:     {http.StatusServiceUnavailable, 0, "Too many requests"},
	codeOverload:       {http.StatusServiceUnavailable, http.StatusUnauthorized, "REST API is blocked due to overload."},
	codeOperationLimit: {http.StatusTooManyRequests, 0, "Method is blocked due to operation time limit."},
	codeNoAuth:         {http.StatusUnauthorized, 0, "Wrong authorization data"},
	codeExpired:        {http.StatusUnauthorized, 0, "The access token provided has expired."},
	codeCredentials:    {http.StatusForbidden, http.StatusUnauthorized, "Invalid request credentials"},
	codeScope:          {http.StatusForbidden, http.StatusUnauthorized, "The request requires higher privileges than provided by the webhook token"},
	codeAccess:         {http.StatusForbidden, http.StatusUnauthorized, "REST is available only by subscription"},
	codeUserAccess:     {http.StatusForbidden, http.StatusUnauthorized, "The user does not have access to the application."},
	codeHTTPS:          {http.StatusBadRequest, http.StatusUnauthorized, "Https required."},
	codeBatchLength:    {http.StatusBadRequest, 0, "Max batch length exceeded"},
	codeBatchMethod:    {http.StatusMethodNotAllowed, 0, "Method is not allowed for batch usage"},
	codeNoMethod:       {http.StatusNotFound, 0, "Method not found!"},
}

// systemError returns an error with the status its generation of servers gives it.
func (d Dialect) systemError(code string) *apiError {
	e := systemErrors[code]
	if d.NewerErrors && e.newer != 0 {
		e.status = e.newer
	}
	return &apiError{status: e.status, code: code, description: e.description}
}

package portalsim

// Kind is one way to misbehave.
type Kind string

// What a fault does to a whole request, before anything is executed.
const (
	ResetBefore      Kind = "reset_before"
	Hang             Kind = "hang"
	HTML500          Kind = "html_500"
	HTML502          Kind = "html_502"
	HTML503          Kind = "html_503"
	HTML504          Kind = "html_504"
	QueryLimit       Kind = "query_limit"
	OverloadLimit    Kind = "overload_limit"
	OperationLimit   Kind = "operation_limit"
	InternalError    Kind = "internal_error"
	UnexpectedError  Kind = "unexpected_error"
	NoAuth           Kind = "no_auth"
	ExpiredToken     Kind = "expired_token"
	Credentials      Kind = "invalid_credentials"
	ScopeMissing     Kind = "insufficient_scope"
	AccessDenied     Kind = "access_denied"
	UserAccess       Kind = "user_access"
	PortalDeleted    Kind = "portal_deleted"
	HTTPSRequired    Kind = "https_required"
	MethodNotFound   Kind = "method_not_found"
	BatchNotAllowed  Kind = "batch_not_allowed"
	BatchTooLong     Kind = "batch_too_long"
	ErrorIn200       Kind = "error_in_200"
	EmptyErrorCode   Kind = "empty_error_code"
	RedirectHost     Kind = "redirect_other_host"
	RedirectHTTP     Kind = "redirect_to_http"
	RedirectEndless  Kind = "redirect_endless"
	HTML200          Kind = "html_200"
	EmptyBody        Kind = "empty_body"
	HugeBody         Kind = "huge_body"
	TopLevelList     Kind = "top_level_list"
	ResultWrongType  Kind = "result_wrong_type"
	ResultMissing    Kind = "result_missing"
	ResetHalf        Kind = "reset_half"
	CutJSON          Kind = "cut_json"
	SlowBody         Kind = "slow_body"
	WrongContentType Kind = "wrong_content_type"
)

// What a fault does to one command of a batch, or to a request that is no batch.
const (
	CommandError          Kind = "command_error"
	CommandQueryLimit     Kind = "command_query_limit"
	CommandOperationLimit Kind = "command_operation_limit"
	CommandMissing        Kind = "command_missing"
	CommandsCut           Kind = "commands_cut"
	CommandNull           Kind = "command_null"
	CommandText           Kind = "command_text"
	ListAsObject          Kind = "list_as_object"
	Unresolved            Kind = "unresolved_reference"
	EmptyPage             Kind = "empty_page"
	ShortPage             Kind = "short_page"
	RepeatedPage          Kind = "repeated_page"
	IDsNotGrowing         Kind = "ids_not_growing"
	TwiceInPage           Kind = "twice_in_page"
	NullPerson            Kind = "null_person"
	PersonWithoutID       Kind = "person_without_id"
	IgnoresStart          Kind = "ignores_start"
	IgnoresOrder          Kind = "ignores_order"
	IgnoresActive         Kind = "ignores_active"
	IgnoresID             Kind = "ignores_id"
	IgnoresSelect         Kind = "ignores_select"
	TotalTooHigh          Kind = "total_too_high"
	TotalTooLow           Kind = "total_too_low"
	TotalText             Kind = "total_text"
	NextMissing           Kind = "next_missing"
)

// Info describes a kind for exhaustive tests and for help.
type Info struct {
	Kind  Kind
	About string
	// Command reports whether the fault can be placed at a command of a batch.
	Command bool
	// Waits marks faults that end only when the caller gives up.
	Waits bool
}

var infos = []Info{
	{Kind: ResetBefore, About: "the connection is reset before an answer"},
	{Kind: Hang, About: "no answer until the caller gives up", Waits: true},
	{Kind: HTML500, About: "a proxy's HTML page with status 500"},
	{Kind: HTML502, About: "a proxy's HTML page with status 502"},
	{Kind: HTML503, About: "a proxy's HTML page with status 503"},
	{Kind: HTML504, About: "a proxy's HTML page with status 504"},
	{Kind: QueryLimit, About: "503 QUERY_LIMIT_EXCEEDED"},
	{Kind: OverloadLimit, About: "503 OVERLOAD_LIMIT, a block by hand"},
	{Kind: OperationLimit, About: "429 OPERATION_TIME_LIMIT"},
	{Kind: InternalError, About: "500 INTERNAL_SERVER_ERROR"},
	{Kind: UnexpectedError, About: "500 ERROR_UNEXPECTED_ANSWER"},
	{Kind: NoAuth, About: "401 NO_AUTH_FOUND, as for a revoked webhook"},
	{Kind: ExpiredToken, About: "401 expired_token"},
	{Kind: Credentials, About: "403 INVALID_CREDENTIALS"},
	{Kind: ScopeMissing, About: "403 insufficient_scope"},
	{Kind: AccessDenied, About: "403 ACCESS_DENIED, REST only on commercial plans"},
	{Kind: UserAccess, About: "403 user_access_error"},
	{Kind: PortalDeleted, About: "500 PORTAL_DELETED"},
	{Kind: HTTPSRequired, About: "400 INVALID_REQUEST, https required"},
	{Kind: MethodNotFound, About: "404 ERROR_METHOD_NOT_FOUND"},
	{Kind: BatchNotAllowed, About: "405 ERROR_BATCH_METHOD_NOT_ALLOWED for a batch"},
	{Kind: BatchTooLong, About: "400 ERROR_BATCH_LENGTH_EXCEEDED for a batch"},
	{Kind: ErrorIn200, About: "status 200 with an error in the body"},
	{Kind: EmptyErrorCode, About: "status 400 with an empty error code"},
	{Kind: RedirectHost, About: "a redirect to another host"},
	{Kind: RedirectHTTP, About: "a redirect to plain http"},
	{Kind: RedirectEndless, About: "redirects without end"},
	{Kind: HTML200, About: "an HTML page with status 200"},
	{Kind: EmptyBody, About: "status 200 with no body"},
	{Kind: HugeBody, About: "a body of Options.HugeBody bytes"},
	{Kind: TopLevelList, About: "a JSON list instead of an object"},
	{Kind: ResultWrongType, About: "result is a text"},
	{Kind: ResultMissing, About: "no result in the answer"},
	{Kind: ResetHalf, About: "the connection is reset after half of the body"},
	{Kind: CutJSON, About: "half of the JSON, as if it were all"},
	{Kind: SlowBody, About: "the body byte by byte", Waits: true},
	{Kind: WrongContentType, About: "the right body as text/html"},
	{Kind: CommandError, About: "a command fails with INTERNAL_SERVER_ERROR", Command: true},
	{Kind: CommandQueryLimit, About: "a command fails with QUERY_LIMIT_EXCEEDED", Command: true},
	{Kind: CommandOperationLimit, About: "a command fails with OPERATION_TIME_LIMIT", Command: true},
	{Kind: CommandMissing, About: "a command is neither in result nor in result_error", Command: true},
	{Kind: CommandsCut, About: "the batch ends before this command", Command: true},
	{Kind: CommandNull, About: "a command's result is null", Command: true},
	{Kind: CommandText, About: "a command's result is a text", Command: true},
	{Kind: ListAsObject, About: "a list comes as an object with numbers for keys", Command: true},
	{Kind: Unresolved, About: "a command's $result references are not resolved", Command: true},
	{Kind: EmptyPage, About: "an empty page though there are people", Command: true},
	{Kind: ShortPage, About: "half of a page", Command: true},
	{Kind: RepeatedPage, About: "the page before once more", Command: true},
	{Kind: IDsNotGrowing, About: "a page in falling order", Command: true},
	{Kind: TwiceInPage, About: "a person twice in a page, another one missing", Command: true},
	{Kind: NullPerson, About: "null in place of a person", Command: true},
	{Kind: PersonWithoutID, About: "a person without ID", Command: true},
	{Kind: IgnoresStart, About: "start is ignored", Command: true},
	{Kind: IgnoresOrder, About: "SORT and ORDER are ignored", Command: true},
	{Kind: IgnoresActive, About: "the filter ACTIVE is ignored", Command: true},
	{Kind: IgnoresID, About: "the filter on ID is ignored", Command: true},
	{Kind: IgnoresSelect, About: "select is ignored", Command: true},
	{Kind: TotalTooHigh, About: "total is 7 too high", Command: true},
	{Kind: TotalTooLow, About: "total is 7 too low", Command: true},
	{Kind: TotalText, About: "total is a text", Command: true},
	{Kind: NextMissing, About: "next is missing though there is more", Command: true},
}

// Faults lists every kind there is, in a fixed order.
func Faults() []Info { return append([]Info(nil), infos...) }

// codes of the kinds that are nothing but a system error.
var faultCodes = map[Kind]string{
	QueryLimit: codeQueryLimit, OverloadLimit: codeOverload, OperationLimit: codeOperationLimit,
	InternalError: codeInternal, UnexpectedError: codeUnexpected, NoAuth: codeNoAuth, ExpiredToken: codeExpired,
	Credentials: codeCredentials, ScopeMissing: codeScope, AccessDenied: codeAccess, UserAccess: codeUserAccess,
	PortalDeleted: codePortalDeleted, HTTPSRequired: codeHTTPS, MethodNotFound: codeNoMethod,
	BatchNotAllowed: codeBatchMethod, BatchTooLong: codeBatchLength,
	CommandError: codeInternal, CommandQueryLimit: codeQueryLimit, CommandOperationLimit: codeOperationLimit,
}

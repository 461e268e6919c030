package portalsim

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
)

// whole are the faults that answer instead of the portal.
var whole = []Kind{
	ResetBefore, Hang, HTML500, HTML502, HTML503, HTML504, QueryLimit, OverloadLimit, OperationLimit, InternalError,
	UnexpectedError, NoAuth, ExpiredToken, Credentials, ScopeMissing, AccessDenied, UserAccess, PortalDeleted, HTTPSRequired,
	MethodNotFound, ErrorIn200, EmptyErrorCode, RedirectHost, RedirectHTTP, RedirectEndless, HTML200, EmptyBody, HugeBody,
	TopLevelList, ResultWrongType, ResultMissing,
}

// preempt answers a request whose fault keeps it from being executed.
func (p *Portal) preempt(w http.ResponseWriter, r *http.Request, c *call) bool {
	p.mu.Lock()
	kind := c.effects.first(whole...)
	if kind == "" && c.method == "batch" {
		kind = c.effects.first(BatchNotAllowed, BatchTooLong)
	}
	p.mu.Unlock()
	if r.URL.Query().Has("hop") {
		kind = RedirectEndless
	}
	if code, system := faultCodes[kind]; system {
		e := p.options.Dialect.systemError(code)
		writeJSON(w, e.status, e.body())
		return true
	}
	switch kind {
	case "":
		return false
	case ResetBefore:
		reset(w)
	case Hang:
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
	case HTML200:
		p.page(w, http.StatusOK)
	case HTML500:
		p.page(w, http.StatusInternalServerError)
	case HTML502:
		p.page(w, http.StatusBadGateway)
	case HTML503:
		p.page(w, http.StatusServiceUnavailable)
	case HTML504:
		p.page(w, http.StatusGatewayTimeout)
	case RedirectHost:
		redirect(w, "https://portal.invalid"+r.URL.Path)
	case RedirectHTTP:
		redirect(w, "http://"+r.Host+r.URL.Path)
	case RedirectEndless:
		hop, _ := strconv.Atoi(r.URL.Query().Get("hop"))
		redirect(w, r.URL.Path+"?hop="+strconv.Itoa(hop+1))
	case HugeBody:
		p.huge(w)
	default:
		writeJSON(w, oddStatus(kind), []byte(oddBodies[kind]))
	}
	return true
}

var oddBodies = map[Kind]string{
	ErrorIn200:      `{"error":"INTERNAL_SERVER_ERROR","error_description":"Internal server error"}`,
	EmptyErrorCode:  `{"error":"","error_description":"Not found"}`,
	EmptyBody:       "",
	TopLevelList:    "[]",
	ResultWrongType: `{"result":"user.get","time":{}}`,
	ResultMissing:   `{"time":{"start":1,"finish":2}}`,
}

func oddStatus(kind Kind) int {
	if kind == EmptyErrorCode {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// send writes an answer, with the faults of the way back.
func (p *Portal) send(w http.ResponseWriter, r *http.Request, c *call, status int, body []byte) {
	p.mu.Lock()
	kind := c.effects.first(ResetHalf, CutJSON, SlowBody, WrongContentType)
	p.mu.Unlock()
	switch kind {
	case ResetHalf:
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		reset(w)
	case CutJSON:
		writeJSON(w, status, body[:len(body)/2])
	case SlowBody:
		p.drip(w, r, body)
	case WrongContentType:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = w.Write(body)
	default:
		writeJSON(w, status, body)
	}
}

const jsonType = "application/json; charset=utf-8"

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// page is what a proxy in front of the portal shows.
func (p *Portal) page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><head><title>%d %s</title></head><body><center><h1>%[1]d %[2]s</h1></center><hr><center>nginx</center></body></html>\n", status, http.StatusText(status))
}

func redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// reset ends the connection with an RST where it can, and at least without an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if secured, ok := conn.(*tls.Conn); ok {
		raw = secured.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// drip writes the body byte by byte until the caller has enough.
func (p *Portal) drip(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	controller := http.NewResponseController(w)
	for i := range body {
		if p.options.Sleep(r.Context(), p.options.Drip) != nil {
			return
		}
		if _, err := w.Write(body[i : i+1]); err != nil || controller.Flush() != nil {
			return
		}
	}
}

// huge writes a valid answer that is mostly white space.
func (p *Portal) huge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", jsonType)
	blank := make([]byte, 64<<10)
	for i := range blank {
		blank[i] = ' '
	}
	if _, err := w.Write([]byte(`{"result":[`)); err != nil {
		return
	}
	for left := p.options.HugeBody; left > 0; left -= int64(len(blank)) {
		select {
		case <-p.closed:
			return
		default:
		}
		if _, err := w.Write(blank[:min(left, int64(len(blank)))]); err != nil {
			return
		}
	}
	_, _ = w.Write([]byte(`]}`))
}

package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"booking/shared/crm"
)

// A page of 50 people with every field a portal has is some 100 KB; more than this
// is no answer to our question.
const (
	baseBodyLimit = 1 << 20
	pageBodyLimit = 512 << 10
)

// question is one HTTP request.
type question struct {
	method string
	params any
	pages  int    // how many pages the answer may hold
	from   string // the ID that they follow
	people int    // read so far
}

// ask sends a question once, after the bucket has room for it.
func (c *Client) ask(ctx context.Context, q question, timeout time.Duration) (*answer, *failure) {
	if f := c.waitForBucket(ctx); f != nil {
		return nil, f
	}
	c.requests++
	began := c.o.Clock.Now()
	a, status, f := c.send(ctx, q, timeout)
	if a != nil {
		a.took = c.o.Clock.Now().Sub(began)
		c.remember(q.method, a, began)
	}
	if c.o.OnRequest != nil {
		c.o.OnRequest(Request{
			Method: q.method, Pages: q.pages, From: q.from, Took: c.o.Clock.Now().Sub(began),
			Number: c.requests, Status: status, Failed: f != nil, People: q.people,
		})
	}
	return a, f
}

func (c *Client) send(ctx context.Context, q question, timeout time.Duration) (*answer, int, *failure) {
	body, err := json.Marshal(q.params)
	if err != nil {
		return nil, 0, &failure{kind: kindFatal, code: crm.CodeInternal, cause: fmt.Errorf("write parameters: %w", err)}
	}
	within, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	request, err := http.NewRequestWithContext(within, http.MethodPost, c.o.Webhook.url(q.method), bytes.NewReader(body))
	if err != nil {
		return nil, 0, &failure{kind: kindFatal, code: crm.CodeInternal, cause: errors.New("make the request")}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "booking-host")
	response, err := c.o.Transport.http.RoundTrip(request)
	if err != nil {
		return nil, 0, c.transportFailure(ctx, within, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		return nil, response.StatusCode, c.redirected(response)
	}
	limit := int64(baseBodyLimit + q.pages*pageBodyLimit)
	raw, err := c.readBody(response, limit)
	switch {
	case int64(len(raw)) > limit:
		return nil, response.StatusCode, &failure{
			kind: kindTooLarge, code: crm.CodePortalAnswer, message: textTooLarge,
			cause: fmt.Errorf("the answer has more than %d bytes", limit),
		}
	case err != nil:
		return nil, response.StatusCode, c.cutBody(ctx, within, err)
	}
	a, f := c.readAnswer(q.method, response, raw)
	return a, response.StatusCode, f
}

// readBody reads no more than one byte above the limit. Answers of a reading are of
// about one size, so the last one's saves growing.
func (c *Client) readBody(response *http.Response, limit int64) ([]byte, error) {
	body := bytes.NewBuffer(make([]byte, 0, c.bodySize+bytes.MinRead))
	_, err := body.ReadFrom(io.LimitReader(response.Body, limit+1))
	if n := body.Len(); n < baseBodyLimit {
		c.bodySize = n + n/8
	}
	return body.Bytes(), err
}

// readAnswer tells apart an answer, an error of the portal, and what some box in
// between wrote.
func (c *Client) readAnswer(method string, response *http.Response, raw []byte) (*answer, *failure) {
	a, err := parseAnswer(raw)
	if err == nil && a.code != "" {
		c.noteTiming(method, a)
		return nil, classify(newPortalError(c.o.Webhook, a.code, a.description), response.StatusCode, method, false)
	}
	switch status := response.StatusCode; {
	case status == http.StatusUnauthorized:
		return nil, &failure{kind: kindFatal, code: crm.CodeUnauthorized, message: textUnauthorized, cause: errors.New("HTTP 401")}
	case method == methodBatch && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented):
		// Something in between does not let batches through: page by page may work.
		return nil, methodMissing(portalError{code: fmt.Sprintf("HTTP %d", status)}, method, false)
	case status == http.StatusTooManyRequests:
		return nil, classifyStatus(portalError{code: "HTTP 429"}, status, method, false)
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return nil, &failure{
			kind: kindSoft, code: crm.CodePortalUnreachable, message: textUnreachable,
			cause: fmt.Errorf("HTTP %d", status),
		}
	case status != http.StatusOK:
		return nil, nonsense(fmt.Sprintf("HTTP %d without an error code", status))
	case err != nil:
		return nil, nonsense(c.o.Webhook.scrub(err.Error()))
	}
	a.status, a.date = response.StatusCode, response.Header.Get("Date")
	return a, nil
}

func (c *Client) redirected(response *http.Response) *failure {
	host := ""
	if u, err := url.Parse(response.Header.Get("Location")); err == nil {
		host = clip(c.o.Webhook.scrub(u.Host))
		if host == "" {
			host = c.o.Webhook.host
		}
	}
	return &failure{
		kind: kindFatal, code: crm.CodePortalAnswer, message: textRedirect(host),
		cause: fmt.Errorf("HTTP %d", response.StatusCode),
	}
}

// transportFailure names what went wrong before there was an answer. The error itself
// is not passed on: wrapped in a *url.Error it would hold the address with its secret.
func (c *Client) transportFailure(ctx, within context.Context, err error) *failure {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	cause := errors.New(clip(c.o.Webhook.scrub(err.Error())))
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return cancelled(ctx)
	case errors.Is(err, errPrivateAddress):
		return &failure{kind: kindFatal, code: crm.CodePortalUnreachable, message: textPrivate, cause: cause}
	case errors.As(err, &certificate):
		return &failure{kind: kindFatal, code: crm.CodePortalUnreachable, message: textCertificate, cause: cause}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &failure{kind: kindFatal, code: crm.CodePortalUnreachable, message: textNoHost, cause: cause}
	case within.Err() != nil:
		return timedOut()
	}
	return &failure{kind: kindSoft, code: crm.CodePortalUnreachable, message: textUnreachable, cause: cause}
}

func (c *Client) cutBody(ctx, within context.Context, err error) *failure {
	switch {
	case ctx.Err() != nil:
		return cancelled(ctx)
	case within.Err() != nil:
		return timedOut()
	}
	f := nonsense("the answer broke off: " + clip(c.o.Webhook.scrub(err.Error())))
	if !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "EOF") {
		f.code, f.message = crm.CodePortalUnreachable, textUnreachable
	}
	return f
}

func timedOut() *failure {
	return &failure{
		kind: kindTimeout, code: crm.CodePortalUnreachable, message: textSilent,
		cause: errors.New("no complete answer in time"),
	}
}

func cancelled(ctx context.Context) *failure {
	return &failure{kind: kindFatal, code: crm.CodeCancelled, message: textCancelled, cause: ctx.Err()}
}

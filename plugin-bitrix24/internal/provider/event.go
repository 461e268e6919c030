package provider

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net/url"
	"strings"

	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
)

var _ crm.EventReader = (*Provider)(nil)

// eventUserAdded is the only event of a portal that is about its employees: somebody who
// was invited has registered (facts: no event for a changed or dismissed person).
const eventUserAdded = "ONUSERADD"

// ReadEvent implements [crm.EventReader]. An event is a form, in PHP's way of writing
// nested values; it proves itself by the application token of the outbound webhook.
func (p *Provider) ReadEvent(_ context.Context, m crm.EventMessage) (crm.PortalEvent, error) {
	refused := func(reason crm.EventReason) (crm.PortalEvent, error) { return crm.PortalEvent{Reason: reason}, nil }
	if len(m.Body) > crm.MaxEventBytes {
		return refused(crm.EventTooLarge)
	}
	token := strings.TrimSpace(m.Settings.Get(keyEventToken))
	webhook, err := rest.ParseWebhook(m.Settings.Get(keyWebhook))
	if err != nil || token == "" {
		return refused(crm.EventNotConfigured)
	}
	form, ok := readForm(m.ContentType, m.Body)
	if !ok {
		return refused(crm.EventMalformed)
	}
	switch proof := form["auth[application_token]"]; {
	case proof == "":
		return refused(crm.EventNoProof)
	case !equal(proof, token):
		return refused(crm.EventWrongProof)
	case !webhook.Is(form["auth[domain]"]):
		return refused(crm.EventAnotherPortal)
	case !strings.EqualFold(form["event"], eventUserAdded):
		return crm.PortalEvent{Authentic: true, Reason: crm.EventNoPeople}, nil
	}
	id := form["data[ID]"]
	if id == "" {
		id = form["data[FIELDS][ID]"] // as events about other objects have it
	}
	if !userID.MatchString(id) {
		return refused(crm.EventMalformed)
	}
	return crm.PortalEvent{Authentic: true, ExternalIDs: []string{id}}, nil
}

// readForm reads a form in which no name stands twice: of two values PHP takes the
// last, others the first, and nobody should be able to choose.
func readForm(contentType string, body []byte) (map[string]string, bool) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, false
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, false
	}
	form := make(map[string]string, len(values))
	for name, all := range values {
		if len(all) > 1 {
			return nil, false
		}
		form[name] = all[0]
	}
	return form, true
}

// equal compares two secrets in a time that tells nothing of either, length included.
func equal(a, b string) bool {
	left, right := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(left[:], right[:]) == 1
}

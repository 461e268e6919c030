package portalsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// memberID is what the portal is called in every event (api-reference/events/index.md).
const memberID = "a223c6b3710f85df22e9377d6c4f7553"

// eventType is the content type of an event (local-integrations/local-webhooks.md).
const eventType = "application/x-www-form-urlencoded"

// Event is what the portal's outbound webhook sends of an event about an object: the
// Content-Type and the body. ONUSERADD carries the person, other events only the ID.
// domain is what the portal is called.
func (p *Portal) Event(name string, id int64, domain string) (contentType string, body []byte) {
	form := url.Values{
		"event": {strings.ToUpper(name)}, "event_handler_id": {"7"}, "ts": {strconv.FormatInt(p.options.Now().Unix(), 10)},
		"auth[domain]": {domain}, "auth[client_endpoint]": {"https://" + domain + "/rest/"}, "auth[server_endpoint]": {"https://oauth.bitrix.info/rest/"},
		"auth[member_id]": {memberID}, "auth[application_token]": {p.options.ApplicationToken},
	}
	number := strconv.FormatInt(id, 10)
	if !strings.EqualFold(name, "ONUSERADD") {
		form.Set("data[FIELDS][ID]", number)
		return eventType, []byte(form.Encode())
	}
	form.Set("data[ID]", number)
	p.Update(func(s *State) {
		person, found := s.Get(id)
		if !found {
			return
		}
		form.Set("data[ACTIVE]", yesNo(person.Active))
		form.Set("data[EMAIL]", person.Email)
		form.Set("data[NAME]", person.Name)
		form.Set("data[LAST_NAME]", person.LastName)
		for i, department := range person.Departments {
			form.Set(fmt.Sprintf("data[UF_DEPARTMENT][%d]", i), strconv.FormatInt(department, 10))
		}
	})
	return eventType, []byte(form.Encode())
}

// eventOrder is the body of POST /control/events.
type eventOrder struct {
	To    string `json:"to"`    // where to send it, on this machine
	Event string `json:"event"` // "": ONUSERADD
	ID    int64  `json:"id"`
	// Token and Domain stand in the place of the portal's own, where they are given.
	Token  string `json:"token"`
	Domain string `json:"domain"`
}

// sendEvent sends an event as the portal's queue does, and answers what came back.
func (p *Portal) sendEvent(w http.ResponseWriter, r *http.Request) {
	order := eventOrder{Event: "ONUSERADD", Domain: r.Host}
	err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&order)
	if err == nil {
		err = order.check()
	}
	if err != nil {
		http.Error(w, "read the event: "+err.Error(), http.StatusBadRequest)
		return
	}
	kind, body := p.Event(order.Event, order.ID, order.Domain)
	if order.Token != "" {
		form, _ := url.ParseQuery(string(body)) // it is our own
		form.Set("auth[application_token]", order.Token)
		body = []byte(form.Encode())
	}
	status, err := post(r.Context(), order.To, kind, body)
	if err != nil {
		http.Error(w, "send the event: "+err.Error(), http.StatusBadGateway)
		return
	}
	reply(w, map[string]int{"status": status})
}

// check keeps the simulator on this machine.
func (o eventOrder) check() error {
	to, err := url.Parse(o.To)
	if err != nil {
		return errors.New("to is no address")
	}
	if host := to.Hostname(); to.Scheme != "http" || host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return errors.New("to must be an http address on this machine")
	}
	return nil
}

func post(ctx context.Context, to, kind string, body []byte) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(string(body)))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("User-Agent", "Bitrix24 Webhook Engine")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxBody))
	return response.StatusCode, nil
}

package portalsim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
)

// An event leaves as local-integrations/local-webhooks.md shows it.
func TestControlSendsEvents(t *testing.T) {
	t.Parallel()
	var kind string
	var form url.Values
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		kind = r.Method + " " + r.Header.Get("Content-Type")
		form, _ = url.ParseQuery(string(body))
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(receiver.Close)
	people := staff(3)
	people[1].Departments = []int64{4, 5}
	p := start(t, portalsim.Options{People: people, ApplicationToken: "t0ken"})
	control := httptest.NewServer(p.Control())
	t.Cleanup(control.Close)

	status, text := ask(t, control.URL, "POST /events", fmt.Sprintf(`{"to":"%s/x","id":2}`, receiver.URL))
	want(t, "sent", fmt.Sprint(status, strings.TrimSpace(text)), `200{"status":202}`)
	want(t, "kind", kind, "POST application/x-www-form-urlencoded")
	for name, value := range map[string]string{
		"event": "ONUSERADD", "data[ID]": "2", "data[NAME]": "Name2", "data[EMAIL]": "p2@x.example", "data[UF_DEPARTMENT][1]": "5",
		"auth[application_token]": "t0ken", "auth[domain]": strings.TrimPrefix(control.URL, "http://"),
	} {
		want(t, name, form.Get(name), value)
	}
	ask(t, control.URL, "POST /events", fmt.Sprintf(`{"to":"%s/x","event":"OnCrmDealAdd","id":9,"token":"wrong","domain":"other.example"}`, receiver.URL))
	want(t, "another", fmt.Sprint(form.Get("event"), form.Get("data[FIELDS][ID]"), form["data[ID]"], form.Get("auth[application_token]"), form.Get("auth[domain]")),
		"ONCRMDEALADD9[]wrongother.example")
	for _, to := range []string{"http://portal.example/x", "https://127.0.0.1/x", "", "http://192.0.2.7/"} {
		status, _ := ask(t, control.URL, "POST /events", fmt.Sprintf(`{"to":%q,"id":2}`, to))
		want(t, "to "+to, status, http.StatusBadRequest)
	}
	receiver.Close()
	status, _ = ask(t, control.URL, "POST /events", fmt.Sprintf(`{"to":"%s/x","id":2}`, receiver.URL))
	want(t, "nobody there", status, http.StatusBadGateway)
}

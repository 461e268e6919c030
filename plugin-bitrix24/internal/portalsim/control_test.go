package portalsim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
)

func TestControlChangesThePortal(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(3)})
	control := httptest.NewServer(p.Control())
	t.Cleanup(control.Close)
	for _, step := range []struct {
		request, body string
		status        int
		list          string // the active people afterwards, or what the answer has
	}{
		{"POST /people/2/rename", "Anna Ivanova", http.StatusOK, "1 Name1 2 Anna 3 Name3"},
		{"POST /people/1/dismiss", "", http.StatusOK, "2 Anna 3 Name3"},
		{"POST /people/1/restore", "", http.StatusOK, "1 Name1 2 Anna 3 Name3"},
		{"DELETE /people/3", "", http.StatusOK, "1 Name1 2 Anna"},
		{"POST /people", `{"name":"Олег","email":"o@x.example"}`, http.StatusOK, "1 Name1 2 Anna 4 Олег"},
		{"POST /people", `[{"name":"A"},{"id":9,"name":"B","active":false},{"id":2,"name":"C"}]`, http.StatusOK, "1 Name1 2 C 4 Олег 5 A"},
		{"PATCH /people/4", `{"name":"Ольга"}`, http.StatusOK, "1 Name1 2 C 4 Ольга 5 A"},
		{"PATCH /people/4", `{"name":`, http.StatusBadRequest, "1 Name1 2 C 4 Ольга 5 A"},
		{"PATCH /people/77", `{}`, http.StatusNotFound, "1 Name1 2 C 4 Ольга 5 A"},
		{"POST /people/x/dismiss", "", http.StatusBadRequest, "1 Name1 2 C 4 Ольга 5 A"},
		{"POST /people", "7", http.StatusBadRequest, "1 Name1 2 C 4 Ольга 5 A"},
		{"POST /faults", "nope", http.StatusBadRequest, "1 Name1 2 C 4 Ольга 5 A"},
		{"POST /bucket", "many", http.StatusBadRequest, "1 Name1 2 C 4 Ольга 5 A"},
	} {
		status, text := ask(t, control.URL, step.request, step.body)
		want(t, step.request+" "+text, status, step.status)
		var people []string
		for _, person := range p.get("user.get?FILTER[ACTIVE]=Y").at("result").([]any) {
			fields := person.(map[string]any)
			people = append(people, fmt.Sprint(fields["ID"], " ", fields["NAME"]))
		}
		want(t, step.request, strings.Join(people, " "), step.list)
	}
	_, text := ask(t, control.URL, "GET /people", "")
	want(t, "the address stayed", strings.Contains(text, `"name":"Ольга","email":"o@x.example"`), true)
}

func TestControlFaultsAndCounters(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{Now: newClock().Now})
	control := httptest.NewServer(p.Control())
	t.Cleanup(control.Close)
	ask(t, control.URL, "POST /faults", "no_auth,times=always")
	p.get("scope").wantError(http.StatusUnauthorized, "NO_AUTH_FOUND")
	ask(t, control.URL, "DELETE /faults", "")
	p.get("scope").wantStatus(http.StatusOK)
	_, text := ask(t, control.URL, "GET /stats", "")
	want(t, "stats", strings.TrimSpace(text), `{"requests":2,"refused":0,"methods":{"scope":2},"commands":{}}`)
	ask(t, control.URL, "DELETE /stats", "")
	want(t, "from zero", p.Requests(), 0)
	ask(t, control.URL, "POST /bucket", "50")
	p.get("scope").wantError(http.StatusServiceUnavailable, "QUERY_LIMIT_EXCEEDED")
	_, text = ask(t, control.URL, "GET /faults", "")
	want(t, "the kinds", strings.Count(text, `"Kind"`), len(portalsim.Faults()))
}

func TestControlIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	handler := start(t, portalsim.Options{}).Control()
	for name, spoil := range map[string]func(*http.Request){
		"another machine":  func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1234" },
		"a page's request": func(r *http.Request) { r.RemoteAddr = "127.0.0.1:1"; r.Header.Set("Origin", "http://evil.example") },
	} {
		request := httptest.NewRequest(http.MethodGet, "/control/people", nil)
		spoil(request)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		want(t, name, recorder.Code, http.StatusForbidden)
	}
}

func ask(t *testing.T, base, request, body string) (int, string) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(context.Background(), method, base+"/control"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

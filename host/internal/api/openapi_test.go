package api

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"booking/shared/testdb"
)

// TestMain checks after the last test that the suite has seen every answer that is
// described: one that nobody has ever got may not exist.
func TestMain(m *testing.M) {
	status := testdb.Main(m)
	if filter := flag.Lookup("test.run"); status == 0 && filter.Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
		for _, missing := range described.unseen() {
			fmt.Printf("FAIL: no test ever got %s\n", missing)
			status = 1
		}
	}
	os.Exit(status)
}

// contract is openapi.json, and which of its answers the tests have seen.
type contract struct {
	doc    *openapi3.T
	router routers.Router

	mu   sync.Mutex
	seen map[string]bool
}

var described = readContract()

func readContract() *contract {
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		panic(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return &contract{doc: doc, router: router, seen: map[string]bool{}}
}

// check holds an answer against the description: the operation, the status, the headers
// and every field of the body. Addresses that do not exist have the error's shape.
func (c *contract) check(request *http.Request, r reply) error {
	route, parameters, err := c.router.FindRoute(request)
	if err != nil {
		if r.status != http.StatusNotFound && r.status != http.StatusMethodNotAllowed {
			return fmt.Errorf("%d from an address that is not described", r.status)
		}
		var body any
		if err := json.Unmarshal([]byte(r.body), &body); err != nil {
			return err
		}
		return c.doc.Components.Schemas["Error"].Value.VisitJSON(body, openapi3.EnableJSONSchema2020())
	}
	c.mu.Lock()
	c.seen[fmt.Sprintf("%s %s %d", route.Method, route.Path, r.status)] = true
	c.mu.Unlock()
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route},
		Status:                 r.status, Header: r.header, Body: io.NopCloser(strings.NewReader(r.body)), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

// unseen lists the answers that are described and were never seen. That the database
// is away, or that we made a mistake, can happen to every call and is tried once.
func (c *contract) unseen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var missing []string
	for path, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if answer := fmt.Sprintf("%s %s %s", method, path, status); status != "500" && status != "503" && !c.seen[answer] {
					missing = append(missing, answer)
				}
			}
		}
	}
	slices.Sort(missing)
	return missing
}

func TestTheDescriptionIsOpenAPI(t *testing.T) {
	t.Parallel()
	if err := described.doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if !described.doc.IsOpenAPI31OrLater() {
		t.Error("it is older than 3.1")
	}
}

// Every address of the host is described, and the other way round, with its scope.
func TestTheDescriptionHasTheAddressesThatThereAre(t *testing.T) {
	t.Parallel()
	var served, written []string
	for _, route := range new(Server).routes() {
		served = append(served, strings.TrimSpace(route.method+" "+route.path+" "+string(route.scope)))
	}
	for path, item := range described.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			line := method + " " + path
			for _, needed := range *operation.Security {
				line += " " + strings.Join(needed["token"], " ")
			}
			written = append(written, line)
		}
	}
	slices.Sort(served)
	slices.Sort(written)
	if diff := cmp.Diff(served, written); diff != "" {
		t.Errorf("addresses (-served +described):\n%s", diff)
	}
}

// Every code of the closed list is described with a status that it really has.
func TestTheDescriptionHasTheCodesThatThereAre(t *testing.T) {
	t.Parallel()
	var ours, written []string
	for c := range maps.Keys(meanings) {
		ours = append(ours, string(c))
	}
	for _, c := range described.doc.Components.Schemas["Error"].Value.Properties["error"].Value.Properties["code"].Value.Enum {
		written = append(written, c.(string))
	}
	slices.Sort(ours)
	slices.Sort(written)
	if diff := cmp.Diff(ours, written); diff != "" {
		t.Errorf("codes (-ours +described):\n%s", diff)
	}
	for c, m := range meanings {
		if m.message.RU == "" || m.message.EN == "" || m.status < 400 {
			t.Errorf("%s: %+v", c, m)
		}
	}
}

// A field that is not described must not pass: the check is worth nothing otherwise.
func TestTheCheckOfAnswersSeesWhatIsNotDescribed(t *testing.T) {
	t.Parallel()
	good := `{"tenant":1,"plugin":"p","enabled":true,"portal":"","settings":{"a":"b"}}`
	header := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"1"}}
	for name, c := range map[string]struct {
		r    reply
		good bool
	}{
		"as described":       {reply{200, header, good}, true},
		"a field too many":   {reply{200, header, `{"more":1,` + good[1:]}, false},
		"a field too few":    {reply{200, header, strings.Replace(good, `"portal":"",`, "", 1)}, false},
		"another type":       {reply{200, header, strings.Replace(good, "true", `"true"`, 1)}, false},
		"a field further in": {reply{200, header, strings.Replace(good, `"b"`, `{"b":1}`, 1)}, false},
		"a status of no use": {reply{418, header, good}, false},
		"no JSON":            {reply{200, http.Header{"Content-Type": {"text/html"}, "X-Request-Id": {"1"}}, good}, false},
		"no number":          {reply{200, http.Header{"Content-Type": {"application/json"}}, good}, false},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x"+Base+"/connection", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := readContract().check(request, c.r); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

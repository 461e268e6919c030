package portalsim

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkBatch is one request of the fastest way to read people: 50 chained pages
// of 50 out of 100,000.
func BenchmarkBatch(b *testing.B) {
	portal := New(Options{People: People(100_000, 1), Bucket: Bucket{Off: true}})
	server := httptest.NewServer(portal)
	defer server.Close()
	var commands strings.Builder
	for i := range 50 {
		from := "0"
		if i > 0 {
			from = fmt.Sprintf("$result[p%d][49][ID]", i-1)
		}
		fmt.Fprintf(&commands, `,"p%d":"user.get?start=-1&SORT=ID&ORDER=ASC&FILTER[ACTIVE]=true&FILTER[%%3EID]=%s&select[]=ID&select[]=NAME&select[]=EMAIL"`, i, from)
	}
	body := `{"halt":0,"cmd":{` + commands.String()[1:] + `}}`
	for b.Loop() {
		response, err := http.Post(portal.WebhookURL(server.URL)+"batch", "application/json", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, response.Body)
		if err != nil || n < 100_000 {
			b.Fatalf("%d bytes, %v", n, err)
		}
		_ = response.Body.Close()
	}
}

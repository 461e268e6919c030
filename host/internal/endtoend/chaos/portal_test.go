//go:build chaos || cluster

package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// leaves are the departments of a simulated portal that have none below them: each is a
// tenant's.
var leaves = []int64{3, 4, 5, 8, 10, 11, 14, 15, 16}

// portal is a simulated portal, shared by as many tenants as it has leaves.
type portal struct{ webhook, control string }

func startPortal(t testing.TB) portal {
	t.Helper()
	file := filepath.Join(t.TempDir(), "webhook-secret")
	if err := os.WriteFile(file, []byte("chaoschaoschaos1"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(built, pluginName, pluginName), "simulate", "--print-json", "--until-stdin-closes",
		"--rate-limit", "off", "--latency", "100ms", "--people", "0", "--webhook-secret-file", file)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	var said struct {
		Webhook string `json:"webhook_url"`
		Control string `json:"control_url"`
	}
	if err := json.NewDecoder(stdout).Decode(&said); err != nil {
		stop()
		t.Fatalf("start a simulated portal: %v", err)
	}
	return portal{said.Webhook, said.Control}
}

// set makes these people what the portal says of them.
func (p portal) set(t testing.TB, people []person) {
	t.Helper()
	body, err := json.Marshal(people)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(p.control+"/people", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("set people: %s %s %v", answer.Status, text, err)
	}
}

// person is somebody in a portal.
type person struct {
	ID          int64   `json:"id"`
	Active      bool    `json:"active"`
	Name        string  `json:"name"`
	LastName    string  `json:"last_name"`
	Email       string  `json:"email"`
	Departments []int64 `json:"departments"`
}

// bigTenant has so many people that they do not go into one transaction.
const (
	bigTenant = 1
	bigStaff  = 1050
)

// staff are a tenant's people in one of the two acts of a round. In the second one
// somebody has another name, two have swapped their addresses, one is new and one has left.
// In both, two want one address and one has none.
func staff(tenant, department int64, act int) (people []person) {
	add := func(name, email string, active bool) {
		id := tenant*10_000 + int64(len(people)) + 1
		if email != "" {
			email = fmt.Sprintf("%s@t%d.example", email, tenant)
		}
		people = append(people, person{id, active, name, fmt.Sprint("Of ", tenant), email, []int64{department}})
	}
	first := act == 1
	anna, left, right := "Anna", "left", "right"
	if !first {
		anna, left, right = "Hanna", right, left
	}
	add(anna, "anna", true)
	add("Left", left, true)
	add("Right", right, true)
	add("Twin", "twin", true)
	add("Other Twin", "twin", true)
	add("Nowhere", "", true)
	add("Newcomer", "newcomer", !first)
	add("Leaver", "leaver", first)
	for tenant == bigTenant && len(people) < bigStaff {
		add(strings.Repeat("x", 1+len(people)%7), fmt.Sprint("p", len(people)), true)
	}
	return people
}

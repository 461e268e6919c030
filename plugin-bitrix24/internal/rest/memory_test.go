package rest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
)

// readerEnv makes the test's executable a process that only reads a portal: in the test's own,
// the simulator's memory would be measured as well.
const readerEnv = "REST_TEST_READER"

func TestMain(m *testing.M) {
	if os.Getenv(readerEnv) != "" {
		if err := readInChild(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// readInChild reads the portal whose address comes by standard input and prints by how many MB
// the memory that Go took from the system grew meanwhile.
func readInChild() error {
	address, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	webhook, err := ParseWebhook(address)
	if err != nil {
		return err
	}
	transport, err := NewTransport(Policy{HTTPPortals: []string{"127.0.0.1"}})
	if err != nil {
		return err
	}
	client, err := New(Options{Webhook: webhook, Transport: transport, Portals: NewPortals()})
	if err != nil {
		return err
	}
	if _, err := client.Owner(context.Background()); err != nil {
		return err
	}
	var idle, now runtime.MemStats
	runtime.ReadMemStats(&idle)
	complete, err := client.ReadPeople(context.Background(), Query{}, nil, func(Person) error { return nil })
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&now)
	_, err = fmt.Printf("%d people %d MB\n", complete.People(), (now.Sys-idle.Sys)>>20)
	return err
}

// TestMemory: a stream, not a pile. Reading 100,000 people takes less than 64 MB above idle.
func TestMemory(t *testing.T) {
	t.Parallel()
	b := newBench(t, portalsim.Options{People: portalsim.People(100_000, 7)})
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), readerEnv+"=1")
	child.Stdin = strings.NewReader(b.webhook.url("") + "\n")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var people, mb int
	if _, err := fmt.Sscanf(string(out), "%d people %d MB", &people, &mb); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%d people, %d MB", people, mb)
	if people != 100_000 || mb >= 64 {
		t.Errorf("%d people took %d MB", people, mb)
	}
}

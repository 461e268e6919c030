package cli

import (
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// composed is as much of a compose file as the README's uses.
type composed struct {
	Host     container            `yaml:"x-host"`
	Services map[string]container `yaml:"services"`
	Secrets  map[string]struct{ File string }
	Volumes  map[string]struct{}
}

type container struct {
	Image string
	Build struct {
		Context    string
		Dockerfile string `yaml:"dockerfile_inline"`
	}
	Command        []string
	Environment    map[string]string
	Secrets, Ports []string
	Volumes        []string
	DependsOn      map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck    struct {
		Test              []string
		Interval, Timeout time.Duration
		StartPeriod       time.Duration `yaml:"start_period"`
	}
	StopGracePeriod time.Duration `yaml:"stop_grace_period"`
	Restart         string
}

func readCompose(t *testing.T) composed {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(example(t, "yaml", "x-host:")))
	decoder.KnownFields(true)
	var all composed
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	if err := decoder.Decode(&all); !errors.Is(err, io.EOF) {
		t.Fatalf("a second document: %v", err)
	}
	return all
}

func TestTheComposeFileOfTheREADMESuitsTheHost(t *testing.T) {
	t.Parallel()
	all := readCompose(t)
	var duties []string
	for name, one := range all.Services {
		for _, secret := range one.Secrets {
			if all.Secrets[secret].File == "" || secretFiles[secret] == "" {
				t.Errorf("%s: there is no secret %s", name, secret)
			}
		}
		if one.Image != all.Host.Image {
			continue
		}
		exists(t, one.Command)
		duties = append(duties, one.Command...)
		one.suits(t, name)
	}
	slices.Sort(duties)
	if !slices.Equal(duties, []string{"--web-only", "--worker-only", "serve", "serve"}) {
		t.Errorf("the hosts are %v", duties)
	}
}

// suits holds a host's container against the host.
func (one container) suits(t *testing.T, name string) {
	t.Helper()
	c := understood(t, one.Environment, "/run/secrets")
	if c.DSN.Empty() || c.SecretKey.Empty() || len(one.Secrets) != 2 {
		t.Errorf("%s: its secrets are %v", name, one.Secrets)
	}
	_, port, _ := strings.Cut(c.Addr, ":")
	if look := one.Healthcheck.Test; look[len(look)-1] != "http://127.0.0.1:"+port+"/readyz" {
		t.Errorf("%s: it answers on %s, and is looked for by %v", name, c.Addr, look)
	}
	if one.StopGracePeriod < longestStop+c.Drain {
		t.Errorf("%s: it is killed after %s, its stop takes up to %s", name, one.StopGracePeriod, longestStop+c.Drain)
	}
	if one.DependsOn["database"].Condition != "service_healthy" {
		t.Errorf("%s does not wait for its database", name)
	}
	variables := regexp.MustCompile(`(?m)^ENV (\w+)=(\S+)$`).FindAllStringSubmatch(one.Build.Dockerfile, -1)
	image := map[string]string{}
	for _, v := range variables {
		image[v[1]] = v[2]
	}
	understood(t, image, "/run/secrets")
	for _, run := range regexp.MustCompile(`(?m)^(?:RUN|ENTRYPOINT) \["\S*/booking-host"(?:, (.*))?\]$`).FindAllStringSubmatch(one.Build.Dockerfile, -1) {
		if words := strings.NewReplacer(`"`, "", ",", "").Replace(run[1]); words != "" {
			exists(t, strings.Fields(words))
		}
	}
}

package portalsim

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// settings are what the command line says.
type settings struct {
	addr, secretFile, rateLimit, scopes, dialect, ids, empty string
	people                                                   int
	seed                                                     uint64
	oddities                                                 float64
	latency, commandLatency                                  time.Duration
	faults                                                   []Fault
	printJSON, untilStdinCloses                              bool
}

func parseFlags(args []string, stdout io.Writer) (*settings, error) {
	s := &settings{}
	set := flag.NewFlagSet("simulate", flag.ContinueOnError)
	set.SetOutput(io.Discard) // an error is one line, not the whole help
	set.StringVar(&s.addr, "addr", "127.0.0.1:0", "loopback `address` to listen on; port 0 takes a free one")
	set.IntVar(&s.people, "people", 300, "how many people the portal has")
	set.Uint64Var(&s.seed, "seed", 1, "the same seed makes the same people")
	set.Float64Var(&s.oddities, "oddities", 0, "share of people with something odd, 0 to 1")
	set.DurationVar(&s.latency, "latency", 0, "how long each request takes")
	set.DurationVar(&s.commandLatency, "command-latency", 0, "how long each method's call takes, in a batch too")
	set.StringVar(&s.secretFile, "webhook-secret-file", "", "`file` with the webhook's secret; without one a secret is made up")
	set.StringVar(&s.rateLimit, "rate-limit", "on", "on (50 requests, 2 a second), enterprise (250, 5 a second) or off")
	set.StringVar(&s.scopes, "scopes", "user,department", "the webhook's scopes")
	set.StringVar(&s.dialect, "dialect", "documented", "how the server differs, see below")
	set.StringVar(&s.ids, "ids", "strings", "strings, numbers or mixed")
	set.StringVar(&s.empty, "empty", "documented", "empty fields: documented, null, object, list, false, absent or mixed")
	set.Func("fault", "a `fault`, see below; can be given several times", func(text string) error {
		f, err := ParseFault(text)
		s.faults = append(s.faults, f)
		return err
	})
	set.BoolVar(&s.printJSON, "print-json", false, "print the addresses as one JSON object")
	set.BoolVar(&s.untilStdinCloses, "until-stdin-closes", false, "end when standard input ends: a child that cannot outlive its parent; a line lively there makes the portal change a little and read slowly, once")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(stdout, set)
		}
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("simulate takes no argument %q", set.Arg(0))
	}
	if s.people < 0 || s.oddities < 0 || s.oddities > 1 {
		return nil, errors.New("--people is a number from 0 up, --oddities a share from 0 to 1")
	}
	return s, nil
}

// options turns the command line into a portal.
func (s *settings) options() (Options, error) {
	o := Options{People: People(s.people, s.seed), Departments: Departments(), Latency: s.latency, CommandLatency: s.commandLatency}
	Sprinkle(o.People, s.oddities, s.seed)
	for scope := range strings.SplitSeq(s.scopes, ",") {
		o.Scopes = append(o.Scopes, strings.TrimSpace(scope))
	}
	var known [4]bool
	o.Bucket, known[0] = map[string]Bucket{"on": {}, "off": {Off: true}, "enterprise": Enterprise()}[s.rateLimit]
	o.Dialect, known[1] = Dialects()[strings.ReplaceAll(s.dialect, "-", " ")]
	o.Shapes.IDs, known[2] = map[string]IDShape{"strings": IDStrings, "numbers": IDNumbers, "mixed": IDMixed}[s.ids]
	o.Shapes.Empty, known[3] = map[string]EmptyShape{"documented": EmptyAsDocumented, "null": EmptyNull, "object": EmptyObject, "list": EmptyList, "false": EmptyFalse, "absent": EmptyAbsent, "mixed": EmptyMixed}[s.empty]
	for i, name := range []string{"rate-limit", "dialect", "ids", "empty"} {
		if !known[i] {
			return o, fmt.Errorf("--%s: unknown value, see --help", name)
		}
	}
	o.ApplicationToken = strings.ToLower(rand.Text())
	var err error
	o.Secret, err = s.secret()
	return o, err
}

// secret reads the webhook's secret from its file or makes one up.
func (s *settings) secret() (string, error) {
	if s.secretFile == "" {
		return strings.ToLower(rand.Text()), nil
	}
	text, err := os.ReadFile(s.secretFile)
	if err != nil {
		return "", fmt.Errorf("read the webhook's secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || strings.ContainsAny(secret, "/?#% \n") {
		return "", fmt.Errorf("the webhook's secret in %s must be letters and digits on one line", s.secretFile)
	}
	return secret, nil
}

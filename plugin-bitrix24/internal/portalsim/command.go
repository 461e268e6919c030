package portalsim

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
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

// Command is `bitrix24 simulate`: it serves a portal until SIGINT or SIGTERM and
// prints its webhook address, which is a secret of the simulator's own making.
func Command(args []string, stdout io.Writer) error {
	s, err := parseFlags(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if s.untilStdinCloses {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	return s.serve(ctx, stdout)
}

func parseFlags(args []string, stdout io.Writer) (*settings, error) {
	s := &settings{}
	set := flag.NewFlagSet("simulate", flag.ContinueOnError)
	set.SetOutput(stdout)
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
	set.BoolVar(&s.untilStdinCloses, "until-stdin-closes", false, "end when standard input ends: a child that cannot outlive its parent")
	set.Usage = func() { usage(stdout, set) }
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("simulate takes no argument %q", set.Arg(0))
	}
	return s, nil
}

func usage(out io.Writer, set *flag.FlagSet) {
	_, _ = fmt.Fprint(out, "Simulates a Bitrix24 portal on this machine, for tests and demonstrations.\n\nUsage: bitrix24 simulate [flags]\n\n")
	set.VisitAll(func(f *flag.Flag) {
		kind, about := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "false" {
			about += " (default " + f.DefValue + ")"
		}
		_, _ = fmt.Fprintf(out, "  %-34s %s\n", "--"+f.Name+" "+kind, about)
	})
	_, _ = fmt.Fprint(out, "\nDialects: "+strings.Join(dialectNames(), ", ")+"\n\nFaults: kind[,request=N][,every=N][,times=N|always][,for=60s][,command=N|last][,method=user.get]\n")
	for _, info := range infos {
		_, _ = fmt.Fprintf(out, "  %-24s %s\n", info.Kind, info.About)
	}
	_, _ = fmt.Fprint(out, controlHelp)
}

const controlHelp = `
While it serves, programs on this machine can change the portal below /control/:
  curl CONTROL/people                                  everybody
  curl CONTROL/people -d '{"name":"Anna"}'             hire
  curl -X PATCH CONTROL/people/7 -d '{"email":"a@b"}'  change fields
  curl CONTROL/people/7/rename -d 'Anna Ivanova'       rename
  curl -X POST CONTROL/people/7/dismiss                dismiss; also: restore
  curl -X DELETE CONTROL/people/7                      delete
  curl CONTROL/faults -d 'html_502,request=2'          break something
  curl -X DELETE CONTROL/faults                        mend everything
  curl CONTROL/stats                                   requests so far; DELETE: start from zero
  curl CONTROL/bucket -d 50                            others have made 50 requests
`

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

func (s *settings) serve(ctx context.Context, stdout io.Writer) error {
	options, err := s.options()
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil || host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return fmt.Errorf("--addr %q: a simulator listens on a loopback address such as 127.0.0.1:0 only", s.addr)
	}
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen for the simulated portal: %w", err)
	}
	portal := New(options)
	for _, f := range s.faults {
		portal.Inject(f)
	}
	mux := http.NewServeMux()
	mux.Handle("/", portal)
	mux.Handle("/control/", portal.Control())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	if err := s.announce(stdout, portal, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	select {
	case err := <-done:
		return fmt.Errorf("serve the simulated portal: %w", err)
	case <-ctx.Done():
	}
	portal.Close()
	return server.Close()
}

func (s *settings) announce(stdout io.Writer, portal *Portal, base string) error {
	var err error
	if s.printJSON {
		err = json.NewEncoder(stdout).Encode(map[string]any{"webhook_url": portal.WebhookURL(base), "control_url": base + "/control", "people": s.people})
	} else {
		_, err = fmt.Fprintf(stdout, "A simulated portal with %d people. Ctrl-C ends it.\nWebhook: %s\nControl: %s/control\n", s.people, portal.WebhookURL(base), base)
	}
	if err != nil {
		return fmt.Errorf("print the portal's address: %w", err)
	}
	return nil
}

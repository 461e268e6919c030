// Package config reads the environment of booking-host: one struct, its defaults
// and its rules. An error names the variable and what to write there, in both
// languages, and never shows a value that may be secret.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/secret"
)

// Config is what an operator can set; contract.md, "Environment of booking-host".
type Config struct {
	// DSN is empty when the host runs its own private MariaDB.
	DSN secret.Text `env:"BOOKING_DSN"`
	// PluginDSN is the narrower account for plugins; empty: DSN.
	PluginDSN secret.Text `env:"BOOKING_PLUGIN_DSN"`
	// SecretKey is 32 bytes in base64; empty: generated in DataDir.
	SecretKey secret.Text `env:"BOOKING_SECRET_KEY"`

	DSNFile       string `env:"BOOKING_DSN_FILE"`
	PluginDSNFile string `env:"BOOKING_PLUGIN_DSN_FILE"`
	SecretKeyFile string `env:"BOOKING_SECRET_KEY_FILE"`

	// PublicURL has no slash at its end.
	PublicURL string `env:"BOOKING_PUBLIC_URL"`
	// DataDir and PluginDir are absolute.
	DataDir   string `env:"BOOKING_DATA_DIR" envDefault:"./var"`
	PluginDir string `env:"BOOKING_PLUGIN_DIR"`
	// PluginMemory (MiB of data) and PluginFiles are the most that one plugin process
	// may have.
	PluginMemory uint64 `env:"BOOKING_PLUGIN_MEMORY" envDefault:"2048"`
	PluginFiles  uint64 `env:"BOOKING_PLUGIN_FILES" envDefault:"1024"`
	// PluginWatch is how often a serving host looks for a newly trusted plugin; 0: never.
	PluginWatch time.Duration `env:"BOOKING_PLUGIN_WATCH" envDefault:"0s"`
	Addr        string        `env:"BOOKING_ADDR" envDefault:"127.0.0.1:8080"`
	// MetricsAddr is where Prometheus scrapes; empty: nowhere.
	MetricsAddr string `env:"BOOKING_METRICS_ADDR"`
	// Drain is how long a host that is told to stop still answers, unready, so that load
	// balancers notice.
	Drain time.Duration `env:"BOOKING_DRAIN" envDefault:"0s"`
	// SMTPURL is the mail server, with its password; empty: mail waits in the outbox.
	SMTPURL     secret.Text `env:"BOOKING_SMTP_URL"`
	SMTPURLFile string      `env:"BOOKING_SMTP_URL_FILE"`
	// MailRate is how many mails a minute one host gives to the mail server.
	MailRate uint64 `env:"BOOKING_MAIL_RATE" envDefault:"120"`
	// TrustedProxies are the addresses (or networks, with a slash) of proxies in front
	// of the pages whose X-Forwarded-For is believed.
	TrustedProxies []string `env:"BOOKING_TRUSTED_PROXIES"`
	// HTTPPortals are lower-case hosts, or host:port.
	HTTPPortals []string `env:"BOOKING_HTTP_PORTALS"`
	// Proxy is the address of an HTTP proxy for calls to portals; it may carry a password.
	Proxy     secret.Text `env:"BOOKING_PROXY"`
	ProxyFile string      `env:"BOOKING_PROXY_FILE"`

	Lease     time.Duration `env:"BOOKING_LEASE" envDefault:"30s"`
	LimitWait time.Duration `env:"BOOKING_LIMIT_WAIT" envDefault:"15m"`

	// Runs is how many queued runs this host carries out at the same time, PerPlugin how
	// many of them one plugin's process does (0: no limit of its own), and PerPortal how
	// many all hosts together have at one portal (0: no limit).
	Runs      uint64 `env:"BOOKING_RUNS" envDefault:"4"`
	PerPortal uint64 `env:"BOOKING_RUNS_PER_PORTAL" envDefault:"2"`
	PerPlugin uint64 `env:"BOOKING_RUNS_PER_PLUGIN" envDefault:"0"`

	// TimeZone is that of schedules which name none.
	TimeZone string `env:"BOOKING_TIME_ZONE" envDefault:"Europe/Moscow"`
	// Spread is the window over which the starts of several tenants are spread.
	Spread time.Duration `env:"BOOKING_SPREAD" envDefault:"10m"`

	// HistoryDays is how long runs, what they did, and slots are kept; 0: for ever.
	HistoryDays uint64 `env:"BOOKING_HISTORY_DAYS" envDefault:"400"`

	// LogFile is empty for standard error.
	LogFile   string     `env:"BOOKING_LOG_FILE"`
	LogLevel  slog.Level `env:"BOOKING_LOG_LEVEL" envDefault:"info"`
	LogFormat string     `env:"BOOKING_LOG_FORMAT" envDefault:"text"`
	// Locale is "ru" or "en".
	Locale string `env:"BOOKING_LOCALE" envDefault:"ru"`
}

// Environment is the process's environment as Load takes it.
func Environment() map[string]string { return env.ToMap(os.Environ()) }

// Locale is the language of messages before, and whether or not, Load succeeds.
func Locale(environment map[string]string) string {
	if strings.TrimSpace(environment["BOOKING_LOCALE"]) == "en" {
		return "en"
	}
	return "ru"
}

// Load reads and checks the variables of environment. A variable that is empty
// counts as not set. Every error is a *problem.Error that names one variable.
func Load(environment map[string]string) (*Config, error) {
	var c Config
	err := env.ParseWithOptions(&c, env.Options{
		Environment: trimmed(environment),
		FuncMap:     map[reflect.Type]env.ParserFunc{reflect.TypeFor[slog.Level](): parseLevel},
	})
	if err != nil {
		return nil, parseProblem(err)
	}
	if err := c.readFiles(); err != nil {
		return nil, err
	}
	if err := c.settle(); err != nil {
		return nil, err
	}
	return &c, c.Validate()
}

// Unknown lists the BOOKING_ variables that mean nothing here, sorted: typing errors.
func Unknown(environment map[string]string) []string {
	known := variables()
	var unknown []string
	for name := range environment {
		if strings.HasPrefix(name, "BOOKING_") && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// ForgetSecrets removes the secret variables from the process's environment, so
// that no child can inherit them. What the kernel shows as the start environment
// (/proc/PID/environ, to the same account only) stays: the *_FILE forms avoid that.
func ForgetSecrets() {
	for _, name := range secretVariables {
		_ = os.Unsetenv(name)
	}
}

// Proxies are TrustedProxies as networks.
func (c *Config) Proxies() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range c.TrustedProxies {
		if network, err := parseNetwork(text); err == nil {
			networks = append(networks, network)
		}
	}
	return networks
}

// settle fills the defaults that depend on something else.
func (c *Config) settle() error {
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Addr
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if c.PluginDir == "" {
		executable, err := os.Executable()
		if err != nil {
			return fmt.Errorf("locate the executable: %w", err)
		}
		if real, err := filepath.EvalSymlinks(executable); err == nil {
			executable = real
		}
		c.PluginDir = filepath.Join(filepath.Dir(executable), "plugins")
	}
	for _, dir := range []*string{&c.DataDir, &c.PluginDir} {
		absolute, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("locate %s: %w", *dir, err)
		}
		*dir = absolute
	}
	for i, portal := range c.HTTPPortals {
		c.HTTPPortals[i] = strings.ToLower(strings.TrimSpace(portal))
	}
	return nil
}

// readFiles takes the secrets from their files.
func (c *Config) readFiles() error {
	for _, s := range []struct {
		name string
		file string
		into *secret.Text
	}{
		{"BOOKING_DSN", c.DSNFile, &c.DSN},
		{"BOOKING_PLUGIN_DSN", c.PluginDSNFile, &c.PluginDSN},
		{"BOOKING_SECRET_KEY", c.SecretKeyFile, &c.SecretKey},
		{"BOOKING_PROXY", c.ProxyFile, &c.Proxy},
		{"BOOKING_SMTP_URL", c.SMTPURLFile, &c.SMTPURL},
	} {
		if s.file == "" {
			continue
		}
		if !s.into.Empty() {
			return problem.New(nil, crm.Text{
				RU: fmt.Sprintf("Заданы и %s, и %s_FILE: оставьте что-то одно", s.name, s.name),
				EN: fmt.Sprintf("Both %s and %s_FILE are set: keep one of them", s.name, s.name),
			}, nil)
		}
		value, err := readSecret(s.name+"_FILE", s.file)
		if err != nil {
			return err
		}
		*s.into = value
	}
	return nil
}

// readSecret reads a file without the line end that editors and echo put there.
func readSecret(name, path string) (secret.Text, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return secret.Text{}, problem.New(nil, crm.Text{
			RU: fmt.Sprintf("%s: файл %s не читается: проверьте путь и права", name, path),
			EN: fmt.Sprintf("%s: the file %s cannot be read: check its path and permissions", name, path),
		}, err)
	}
	value := strings.TrimRight(string(content), "\r\n")
	if value == "" {
		return secret.Text{}, problem.New(nil, crm.Text{
			RU: fmt.Sprintf("%s: файл %s пуст", name, path),
			EN: fmt.Sprintf("%s: the file %s is empty", name, path),
		}, nil)
	}
	return secret.New(value), nil
}

// trimmed leaves the secrets as they are: a password may end with a space.
func trimmed(environment map[string]string) map[string]string {
	clean := make(map[string]string, len(environment))
	for name, value := range environment {
		if !slices.Contains(secretVariables, name) {
			value = strings.TrimSpace(value)
		}
		clean[name] = value
	}
	return clean
}

// parseProblem names the variable of a value that has the wrong type.
func parseProblem(err error) error {
	var parse env.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("read the environment: %w", err)
	}
	field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
	return wrong(field.Tag.Get("env"), shapes[field.Type])
}

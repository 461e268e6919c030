package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/host/internal/mail"
	"booking/host/internal/problem"
	"booking/host/internal/schedule"
	"booking/host/internal/secrets"
	"booking/shared/crm"
	"booking/shared/secret"
)

// ErrWrong is the kind of every rule that a value breaks.
var ErrWrong = errors.New("wrong setting")

// The least a plugin process can live with, in MiB and descriptors: Go itself maps
// some 70 MiB.
const (
	minPluginMemory = 128
	minPluginFiles  = 64
)

// MinLease is the shortest lease: a heartbeat must fit into it several times.
const MinLease = time.Second

// maxRuns is more than one process can make use of: it has sixteen database connections.
const maxRuns = 256

// History is kept for a month at least, which is as far back as schedule show tells what
// was missed.
const (
	minHistoryDays = 30
	maxHistoryDays = 36_500
)

var secretVariables = []string{"BOOKING_DSN", "BOOKING_PLUGIN_DSN", "BOOKING_SECRET_KEY", "BOOKING_PROXY", "BOOKING_SMTP_URL"}

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// shapes say what a value of a type looks like.
var shapes = map[reflect.Type]crm.Text{
	reflect.TypeFor[slog.Level]():    {RU: "нужно debug, info, warn или error", EN: "must be debug, info, warn or error"},
	reflect.TypeFor[uint64]():        {RU: "нужно целое число", EN: "must be a whole number"},
	reflect.TypeFor[time.Duration](): {RU: "нужна длительность, например 30s или 15m", EN: "must be a duration, for example 30s or 15m"},
}

// Validate checks every value; the first broken rule is the error.
func (c *Config) Validate() error {
	for _, rule := range []func(*Config) error{
		(*Config).validateLocale, (*Config).validateDatabase, (*Config).validateKey,
		(*Config).validatePlugins, (*Config).validateAddresses, (*Config).validateProxies, (*Config).validateMail, (*Config).validatePortals, (*Config).validateProxy, (*Config).validateTimes, (*Config).validateRuns, (*Config).validateSchedule, (*Config).validateHistory, (*Config).validateLog,
	} {
		if err := rule(c); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) validateLocale() error {
	if c.Locale != "ru" && c.Locale != "en" {
		return wrong("BOOKING_LOCALE", crm.Text{RU: "нужно ru или en", EN: "must be ru or en"})
	}
	return nil
}

func (c *Config) validateDatabase() error {
	if c.DSN.Empty() && !c.PluginDSN.Empty() {
		return wrong("BOOKING_PLUGIN_DSN", crm.Text{
			RU: "работает только вместе с BOOKING_DSN: собственная база сама заводит учётную запись для плагинов",
			EN: "works only together with BOOKING_DSN: the private database makes an account for plugins itself",
		})
	}
	for name, dsn := range map[string]secret.Text{"BOOKING_DSN": c.DSN, "BOOKING_PLUGIN_DSN": c.PluginDSN} {
		if dsn.Empty() {
			continue
		}
		// The parser's error may quote a part of the DSN, so it is not passed on.
		parsed, err := mysql.ParseDSN(dsn.Reveal())
		if err != nil || parsed.DBName == "" {
			return wrong(name, crm.Text{
				RU: "нужен DSN с именем базы, например user:password@tcp(127.0.0.1:3306)/booking",
				EN: "must be a DSN that names a database, for example user:password@tcp(127.0.0.1:3306)/booking",
			})
		}
	}
	return nil
}

func (c *Config) validateKey() error {
	if c.SecretKey.Empty() {
		return nil
	}
	if _, err := secrets.ParseKey(c.SecretKey); err != nil {
		return wrong("BOOKING_SECRET_KEY", crm.Text{
			RU: "нужны 32 байта в base64, например из команды: openssl rand -base64 32",
			EN: "must be 32 bytes in base64, for example from: openssl rand -base64 32",
		})
	}
	return nil
}

func (c *Config) validatePlugins() error {
	switch {
	// A plugin that cannot even start helps nobody.
	case c.PluginMemory < minPluginMemory || c.PluginMemory > 1<<20:
		return wrong("BOOKING_PLUGIN_MEMORY", crm.Text{RU: "нужно число мегабайт от 128 до 1048576", EN: "must be a number of mebibytes from 128 to 1048576"})
	case c.PluginFiles < minPluginFiles || c.PluginFiles > 1<<20:
		return wrong("BOOKING_PLUGIN_FILES", crm.Text{RU: "нужно число от 64 до 1048576", EN: "must be a number from 64 to 1048576"})
	case c.PluginWatch != 0 && c.PluginWatch < time.Second:
		return wrong("BOOKING_PLUGIN_WATCH", crm.Text{RU: "нужна длительность от 1s, или 0s — не следить", EN: "must be a duration of at least 1s, or 0s: never"})
	}
	return nil
}

func (c *Config) validateAddresses() error {
	if _, port, err := net.SplitHostPort(c.Addr); err != nil || !isPort(port) {
		return wrong("BOOKING_ADDR", crm.Text{
			RU: "нужен адрес с портом, например 127.0.0.1:8080",
			EN: "must be an address with a port, for example 127.0.0.1:8080",
		})
	}
	if _, port, err := net.SplitHostPort(c.MetricsAddr); c.MetricsAddr != "" && (err != nil || !isPort(port) || c.MetricsAddr == c.Addr && port != "0") {
		return wrong("BOOKING_METRICS_ADDR", crm.Text{
			RU: "нужен адрес с портом, другой, чем BOOKING_ADDR, например 127.0.0.1:9464",
			EN: "must be an address with a port, another one than BOOKING_ADDR, for example 127.0.0.1:9464",
		})
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return wrong("BOOKING_PUBLIC_URL", crm.Text{
			RU: "нужен адрес сайта, например https://booking.example.com",
			EN: "must be a web address, for example https://booking.example.com",
		})
	}
	return nil
}

func (c *Config) validateProxies() error {
	for _, text := range c.TrustedProxies {
		if _, err := parseNetwork(text); err != nil {
			return wrong("BOOKING_TRUSTED_PROXIES", crm.Text{
				RU: "нужны адреса или сети прокси через запятую: 10.0.0.5,192.168.0.0/24",
				EN: "must be addresses or networks of proxies, comma separated: 10.0.0.5,192.168.0.0/24",
			})
		}
	}
	return nil
}

func (c *Config) validateMail() error {
	if c.MailRate < 1 || c.MailRate > 10_000 {
		return wrong("BOOKING_MAIL_RATE", crm.Text{RU: "нужно число писем в минуту от 1 до 10000", EN: "must be a number of mails a minute from 1 to 10000"})
	}
	if c.SMTPURL.Empty() {
		return nil
	}
	if _, err := mail.NewSMTP(c.SMTPURL); err != nil {
		return wrong("BOOKING_SMTP_URL", crm.Text{
			RU: "нужен адрес почтового сервера и отправителя: smtp://user:password@mail.example.com:587?from=calendar@example.com",
			EN: "must be a mail server with a sender: smtp://user:password@mail.example.com:587?from=calendar@example.com",
		})
	}
	return nil
}

// parseNetwork takes a network, or an address as a network of one.
func parseNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "/") {
		network, err := netip.ParsePrefix(text)
		return network.Masked(), err
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
}

func (c *Config) validatePortals() error {
	for _, portal := range c.HTTPPortals {
		if !isPortal(portal) {
			return wrong("BOOKING_HTTP_PORTALS", crm.Text{
				RU: "нужны имена узлов через запятую, с портом или без: portal.local,127.0.0.1:8090",
				EN: "must be host names, comma separated, with or without a port: portal.local,127.0.0.1:8090",
			})
		}
	}
	return nil
}

func (c *Config) validateProxy() error {
	if c.Proxy.Empty() {
		return nil
	}
	// The parser's error would quote the address, and with it a password.
	u, err := url.Parse(c.Proxy.Reveal())
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return wrong("BOOKING_PROXY", crm.Text{
			RU: "нужен адрес прокси, например http://proxy.example:3128",
			EN: "must be a proxy's address, for example http://proxy.example:3128",
		})
	}
	return nil
}

func (c *Config) validateTimes() error {
	if c.Lease < MinLease {
		return wrong("BOOKING_LEASE", crm.Text{RU: "нужно не меньше 1s", EN: "must be at least 1s"})
	}
	if c.LimitWait < 0 {
		return wrong("BOOKING_LIMIT_WAIT", crm.Text{RU: "не может быть отрицательным", EN: "must not be negative"})
	}
	if c.Drain < 0 || c.Drain > 5*time.Minute {
		return wrong("BOOKING_DRAIN", crm.Text{RU: "нужно от 0s до 5m", EN: "must be from 0s to 5m"})
	}
	return nil
}

func (c *Config) validateRuns() error {
	switch {
	case c.Runs < 1 || c.Runs > maxRuns:
		return wrong("BOOKING_RUNS", crm.Text{RU: "нужно число от 1 до 256", EN: "must be a number from 1 to 256"})
	case c.PerPortal > maxRuns:
		return wrong("BOOKING_RUNS_PER_PORTAL", crm.Text{RU: "нужно число до 256, или 0 — без ограничения", EN: "must be a number up to 256, or 0: no limit"})
	case c.PerPlugin > c.Runs:
		return wrong("BOOKING_RUNS_PER_PLUGIN", crm.Text{RU: "не может быть больше BOOKING_RUNS; 0 — без ограничения", EN: "must not be above BOOKING_RUNS; 0: no limit"})
	}
	return nil
}

func (c *Config) validateSchedule() error {
	if _, err := schedule.LoadZone(c.TimeZone); err != nil {
		return wrong("BOOKING_TIME_ZONE", crm.Text{
			RU: "нужно имя часового пояса, например Europe/Moscow, Asia/Yekaterinburg или UTC",
			EN: "must be the name of a time zone, for example Europe/London, Asia/Tbilisi or UTC",
		})
	}
	if c.Spread < 0 || c.Spread >= time.Hour {
		return wrong("BOOKING_SPREAD", crm.Text{RU: "нужно от 0s до 59m", EN: "must be from 0s to 59m"})
	}
	return nil
}

func (c *Config) validateHistory() error {
	if c.HistoryDays != 0 && (c.HistoryDays < minHistoryDays || c.HistoryDays > maxHistoryDays) {
		return wrong("BOOKING_HISTORY_DAYS", crm.Text{RU: "нужно число дней от 30 до 36500, или 0 — хранить всегда", EN: "must be a number of days from 30 to 36500, or 0: for ever"})
	}
	return nil
}

func (c *Config) validateLog() error {
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return wrong("BOOKING_LOG_FORMAT", crm.Text{RU: "нужно text или json", EN: "must be text or json"})
	}
	return nil
}

// isPortal accepts host, host:port, [v6]:port and a bare v6 address.
func isPortal(portal string) bool {
	if portal == "" || strings.ContainsAny(portal, "/@?# \t") {
		return false
	}
	if net.ParseIP(strings.Trim(portal, "[]")) != nil {
		return true
	}
	host, port, found := portal, "", strings.Contains(portal, ":")
	if found {
		var err error
		if host, port, err = net.SplitHostPort(portal); err != nil || !isPort(port) {
			return false
		}
	}
	return host != ""
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && strconv.FormatUint(port, 10) == text
}

func parseLevel(text string) (any, error) {
	level, known := levels[strings.ToLower(text)]
	if !known {
		return nil, errors.New("unknown level")
	}
	return level, nil
}

func wrong(variable string, rule crm.Text) error {
	return problem.New(ErrWrong, crm.Text{
		RU: fmt.Sprintf("%s: %s", variable, rule.RU),
		EN: fmt.Sprintf("%s %s", variable, rule.EN),
	}, nil)
}

// variables are the names of the struct's tags.
func variables() []string {
	var names []string
	for field := range reflect.TypeFor[Config]().Fields() {
		names = append(names, field.Tag.Get("env"))
	}
	return names
}

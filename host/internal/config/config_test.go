package config

import (
	"bufio"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/host/internal/problem"
)

const (
	hidden = "hidden-value"
	dsn    = "booking:" + hidden + "@tcp(127.0.0.1:3306)/booking"
)

var key = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

func load(t *testing.T, environment map[string]string) *Config {
	t.Helper()
	c, err := Load(environment)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnEmptyEnvironmentGivesTheDefaultsOfTheContract(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, environment := range []map[string]string{nil, {"BOOKING_ADDR": "", "BOOKING_LEASE": " ", "BOOKING_LOG_LEVEL": "", "BOOKING_HTTP_PORTALS": ""}} {
		c := load(t, environment)
		if !c.DSN.Empty() || !c.PluginDSN.Empty() || !c.SecretKey.Empty() || len(c.HTTPPortals) != 0 || c.LogFile != "" {
			t.Errorf("%+v", c)
		}
		if c.Addr != "127.0.0.1:8080" || c.MetricsAddr != "" || c.Drain != 0 || c.PublicURL != "http://127.0.0.1:8080" || c.Lease != 30*time.Second || c.LimitWait != 15*time.Minute || c.TimeZone != "Europe/Moscow" || c.Spread != 10*time.Minute ||
			c.HistoryDays != 400 || c.Runs != 4 || c.PerPortal != 2 || c.PerPlugin != 0 || c.LogLevel != slog.LevelInfo || c.LogFormat != "text" || c.Locale != "ru" {
			t.Errorf("%+v", c)
		}
		if c.DataDir != filepath.Join(here, "var") || filepath.Base(c.PluginDir) != "plugins" || !filepath.IsAbs(c.PluginDir) {
			t.Errorf("data %s, plugins %s", c.DataDir, c.PluginDir)
		}
	}
}

func TestEveryVariableIsRead(t *testing.T) {
	t.Parallel()
	c := load(t, map[string]string{
		"BOOKING_DSN": dsn, "BOOKING_PLUGIN_DSN": dsn, "BOOKING_SECRET_KEY": key, "BOOKING_PUBLIC_URL": "https://booking.example/app/",
		"BOOKING_DATA_DIR": "/data", "BOOKING_PLUGIN_DIR": "/plugins", "BOOKING_ADDR": " :9000 ", "BOOKING_HTTP_PORTALS": "Portal.Local, 127.0.0.1:8090,[::1]:80",
		"BOOKING_PLUGIN_MEMORY": "512", "BOOKING_PLUGIN_FILES": "99", "BOOKING_PLUGIN_WATCH": "5s",
		"BOOKING_METRICS_ADDR": "127.0.0.1:9464", "BOOKING_DRAIN": "20s",
		"BOOKING_RUNS": "9", "BOOKING_RUNS_PER_PORTAL": "3", "BOOKING_RUNS_PER_PLUGIN": "8",
		"BOOKING_LEASE": "2s", "BOOKING_LIMIT_WAIT": "1m", "BOOKING_TIME_ZONE": "Asia/Omsk", "BOOKING_SPREAD": "0s", "BOOKING_HISTORY_DAYS": "0", "BOOKING_LOG_FILE": "/log", "BOOKING_LOG_LEVEL": "WARN", "BOOKING_LOG_FORMAT": "json", "BOOKING_LOCALE": "en",
	})
	if c.DSN.Reveal() != dsn || c.PluginDSN.Reveal() != dsn || c.SecretKey.Reveal() != key {
		t.Error("a secret was not read")
	}
	if diff := cmp.Diff([]string{"portal.local", "127.0.0.1:8090", "[::1]:80"}, c.HTTPPortals); diff != "" {
		t.Error(diff)
	}
	if c.PublicURL != "https://booking.example/app" || c.DataDir != "/data" || c.PluginDir != "/plugins" || c.Addr != ":9000" ||
		c.PluginMemory != 512 || c.PluginFiles != 99 || c.PluginWatch != 5*time.Second || c.Runs != 9 || c.PerPortal != 3 || c.PerPlugin != 8 ||
		c.MetricsAddr != "127.0.0.1:9464" || c.Drain != 20*time.Second ||
		c.Lease != 2*time.Second || c.LimitWait != time.Minute || c.TimeZone != "Asia/Omsk" || c.Spread != 0 || c.HistoryDays != 0 || c.LogFile != "/log" || c.LogLevel != slog.LevelWarn || c.LogFormat != "json" || c.Locale != "en" {
		t.Errorf("%+v", c)
	}
}

func TestProxiesAreAddressesAndNetworks(t *testing.T) {
	t.Parallel()
	c := load(t, map[string]string{"BOOKING_TRUSTED_PROXIES": "10.0.0.5, 192.168.1.7/24,::1"})
	var got []string
	for _, network := range c.Proxies() {
		got = append(got, network.String())
	}
	if diff := cmp.Diff([]string{"10.0.0.5/32", "192.168.1.0/24", "::1/128"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAWrongValueIsAnErrorThatNamesItsVariable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		variable    string
		environment map[string]string
	}{
		"language":           {"BOOKING_LOCALE", map[string]string{"BOOKING_LOCALE": "de"}},
		"no DSN":             {"BOOKING_DSN", map[string]string{"BOOKING_DSN": hidden}},
		"DSN without a base": {"BOOKING_DSN", map[string]string{"BOOKING_DSN": "u:" + hidden + "@tcp(127.0.0.1:3306)/"}},
		"DSN with a URL":     {"BOOKING_DSN", map[string]string{"BOOKING_DSN": "mysql://u:" + hidden + "@127.0.0.1/booking"}},
		"plugin DSN alone":   {"BOOKING_PLUGIN_DSN", map[string]string{"BOOKING_PLUGIN_DSN": dsn}},
		"wrong plugin DSN":   {"BOOKING_PLUGIN_DSN", map[string]string{"BOOKING_DSN": dsn, "BOOKING_PLUGIN_DSN": hidden}},
		"short key":          {"BOOKING_SECRET_KEY", map[string]string{"BOOKING_SECRET_KEY": hidden}},
		"no port":            {"BOOKING_ADDR", map[string]string{"BOOKING_ADDR": "127.0.0.1"}},
		"port of words":      {"BOOKING_ADDR", map[string]string{"BOOKING_ADDR": "127.0.0.1:http"}},
		"port too high":      {"BOOKING_ADDR", map[string]string{"BOOKING_ADDR": ":65536"}},
		"metrics, no port":   {"BOOKING_METRICS_ADDR", map[string]string{"BOOKING_METRICS_ADDR": "localhost"}},
		"metrics with pages": {"BOOKING_METRICS_ADDR", map[string]string{"BOOKING_ADDR": ":8080", "BOOKING_METRICS_ADDR": ":8080"}},
		"negative drain":     {"BOOKING_DRAIN", map[string]string{"BOOKING_DRAIN": "-1s"}},
		"endless drain":      {"BOOKING_DRAIN", map[string]string{"BOOKING_DRAIN": "1h"}},
		"no web address":     {"BOOKING_PUBLIC_URL", map[string]string{"BOOKING_PUBLIC_URL": "booking.example"}},
		"password in a URL":  {"BOOKING_PUBLIC_URL", map[string]string{"BOOKING_PUBLIC_URL": "https://u:" + hidden + "@booking.example"}},
		"portal with a path": {"BOOKING_HTTP_PORTALS", map[string]string{"BOOKING_HTTP_PORTALS": "portal.local/rest"}},
		"portal with http":   {"BOOKING_HTTP_PORTALS", map[string]string{"BOOKING_HTTP_PORTALS": "http://portal.local"}},
		"portal, no port":    {"BOOKING_HTTP_PORTALS", map[string]string{"BOOKING_HTTP_PORTALS": "portal.local:"}},
		"proxy by its name":  {"BOOKING_TRUSTED_PROXIES", map[string]string{"BOOKING_TRUSTED_PROXIES": "proxy.local"}},
		"no mail server":     {"BOOKING_SMTP_URL", map[string]string{"BOOKING_SMTP_URL": "smtp://u:" + hidden + "@mail.example"}},
		"empty portal":       {"BOOKING_HTTP_PORTALS", map[string]string{"BOOKING_HTTP_PORTALS": "a.local,,b.local"}},
		"no mail at all":     {"BOOKING_MAIL_RATE", map[string]string{"BOOKING_MAIL_RATE": "0"}},
		"a flood of mail":    {"BOOKING_MAIL_RATE", map[string]string{"BOOKING_MAIL_RATE": "10001"}},
		"little memory":      {"BOOKING_PLUGIN_MEMORY", map[string]string{"BOOKING_PLUGIN_MEMORY": "127"}},
		"memory in words":    {"BOOKING_PLUGIN_MEMORY", map[string]string{"BOOKING_PLUGIN_MEMORY": "2GB"}},
		"few files":          {"BOOKING_PLUGIN_FILES", map[string]string{"BOOKING_PLUGIN_FILES": "0"}},
		"restless watch":     {"BOOKING_PLUGIN_WATCH", map[string]string{"BOOKING_PLUGIN_WATCH": "1ms"}},
		"no duration":        {"BOOKING_LEASE", map[string]string{"BOOKING_LEASE": "30"}},
		"short lease":        {"BOOKING_LEASE", map[string]string{"BOOKING_LEASE": "10ms"}},
		"negative wait":      {"BOOKING_LIMIT_WAIT", map[string]string{"BOOKING_LIMIT_WAIT": "-1s"}},
		"zone":               {"BOOKING_TIME_ZONE", map[string]string{"BOOKING_TIME_ZONE": "Mars/Olympus"}},
		"the machine's zone": {"BOOKING_TIME_ZONE", map[string]string{"BOOKING_TIME_ZONE": "Local"}},
		"an hour's spread":   {"BOOKING_SPREAD", map[string]string{"BOOKING_SPREAD": "1h"}},
		"negative spread":    {"BOOKING_SPREAD", map[string]string{"BOOKING_SPREAD": "-1s"}},
		"no runs":            {"BOOKING_RUNS", map[string]string{"BOOKING_RUNS": "0"}},
		"too many runs":      {"BOOKING_RUNS", map[string]string{"BOOKING_RUNS": "257"}},
		"many for a portal":  {"BOOKING_RUNS_PER_PORTAL", map[string]string{"BOOKING_RUNS_PER_PORTAL": "257"}},
		"more than the host": {"BOOKING_RUNS_PER_PLUGIN", map[string]string{"BOOKING_RUNS": "3", "BOOKING_RUNS_PER_PLUGIN": "4"}},
		"four weeks":         {"BOOKING_HISTORY_DAYS", map[string]string{"BOOKING_HISTORY_DAYS": "29"}},
		"a longer history":   {"BOOKING_HISTORY_DAYS", map[string]string{"BOOKING_HISTORY_DAYS": "36501"}},
		"no number of days":  {"BOOKING_HISTORY_DAYS", map[string]string{"BOOKING_HISTORY_DAYS": "90d"}},
		"level":              {"BOOKING_LOG_LEVEL", map[string]string{"BOOKING_LOG_LEVEL": "loud"}},
		"format":             {"BOOKING_LOG_FORMAT", map[string]string{"BOOKING_LOG_FORMAT": "xml"}},
	} {
		_, err := Load(c.environment)
		text := problem.TextOf(err)
		if !errors.Is(err, ErrWrong) || !strings.HasPrefix(text.RU, c.variable+":") || !strings.HasPrefix(text.EN, c.variable+" ") {
			t.Errorf("%s: error %v, sentences %+v", name, err, text)
		}
		if err != nil && strings.Contains(err.Error()+text.RU, hidden) {
			t.Errorf("%s: the value is shown: %v", name, err)
		}
	}
}

func TestASecretIsReadFromItsFile(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c := load(t, map[string]string{
		"BOOKING_DSN_FILE": file(dsn + "\r\n"), "BOOKING_PLUGIN_DSN_FILE": file(dsn), "BOOKING_SECRET_KEY_FILE": file(key + "\n"),
	})
	if c.DSN.Reveal() != dsn || c.PluginDSN.Reveal() != dsn || c.SecretKey.Reveal() != key {
		t.Error("a value differs from its file's")
	}
	missing := filepath.Join(t.TempDir(), "missing")
	for name, environment := range map[string]map[string]string{
		"missing":     {"BOOKING_DSN_FILE": missing},
		"a directory": {"BOOKING_DSN_FILE": t.TempDir()},
		"empty":       {"BOOKING_DSN_FILE": file("\n")},
		"both":        {"BOOKING_DSN_FILE": file(dsn), "BOOKING_DSN": dsn},
		"no DSN":      {"BOOKING_DSN_FILE": file(hidden)},
	} {
		_, err := Load(environment)
		text := problem.TextOf(err)
		if err == nil || !strings.Contains(text.RU, "BOOKING_DSN") || !strings.Contains(text.EN, "BOOKING_DSN") || strings.Contains(err.Error()+text.RU, hidden) {
			t.Errorf("%s: error %v, sentences %+v", name, err, text)
		}
		if name == "missing" && !strings.Contains(text.RU, missing) {
			t.Errorf("the file is not named: %s", text.RU)
		}
	}
}

func TestAVariableThatMeansNothingIsFound(t *testing.T) {
	t.Parallel()
	got := Unknown(map[string]string{"BOOKING_DNS": "x", "BOOKING_ADDR": "x", "BOOKING_A": "", "PATH": "x"})
	if diff := cmp.Diff([]string{"BOOKING_A", "BOOKING_DNS"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheLanguageIsKnownBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "ru", "ru": "ru", "en": "en", "en\n": "en", "de": "ru"} {
		if got := Locale(map[string]string{"BOOKING_LOCALE": text}); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestSecretsLeaveTheEnvironment(t *testing.T) {
	for _, name := range secretVariables {
		t.Setenv(name, hidden)
	}
	t.Setenv("BOOKING_ADDR", ":1")
	ForgetSecrets()
	for _, pair := range os.Environ() {
		if strings.Contains(pair, hidden) {
			t.Errorf("a child would inherit %s", strings.SplitN(pair, "=", 2)[0])
		}
	}
	if Environment()["BOOKING_ADDR"] != ":1" {
		t.Error("what is no secret went, too")
	}
}

func TestTheExampleListsEveryVariableWithItsDefault(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	example := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), "="); found && !strings.HasPrefix(name, "#") {
			example[name] = value
		}
	}
	want := map[string]string{}
	for field := range reflect.TypeFor[Config]().Fields() {
		want[field.Tag.Get("env")] = field.Tag.Get("envDefault")
	}
	if diff := cmp.Diff(want, example); diff != "" {
		t.Error(diff)
	}
	if _, err := Load(example); err != nil {
		t.Errorf("the example cannot be used as it is: %v", err)
	}
	if !slices.Contains(slices.Collect(maps.Keys(example)), "BOOKING_DSN") {
		t.Error("the example is empty")
	}
}

package crmhost

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"booking/shared/crm"
)

// ManifestName is the file that makes a folder a plugin.
const ManifestName = "plugin.json"

// Limits of a manifest. maxManifest is in bytes.
const (
	maxManifest = 64 << 10
	maxName     = 32
	maxAliases  = 16
	maxArgument = 100
)

var (
	nameShape       = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	versionShape    = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$`)
	executableShape = regexp.MustCompile(`^[0-9A-Za-z_][0-9A-Za-z._-]{0,99}$`)
	sumShape        = regexp.MustCompile(`^[0-9a-f]{64}$`)
	platformShape   = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`)
	aliasShape      = regexp.MustCompile(`^[a-z][a-z0-9]*:[a-z][a-z0-9-]{0,31}$`)
	commandShape    = regexp.MustCompile(`^[a-z][a-z-]{0,31}$`)
)

// parseManifest reads plugin.json. Fields it does not know are left out: a newer
// plugin may have more to say. The error is a crm.Error (plugin_answer).
func parseManifest(content []byte) (crm.Manifest, error) {
	var m crm.Manifest
	in := json.NewDecoder(bytes.NewReader(content))
	if err := in.Decode(&m); err != nil {
		return m, badManifest(err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return m, badManifest(errors.New("something follows the JSON object"))
	}
	return m, checkManifest(m)
}

func badManifest(cause error) error {
	return contradiction(cause,
		ManifestName+" плагина не читается: соберите плагин заново или возьмите файл из его поставки",
		"the plugin's "+ManifestName+" cannot be read: build the plugin again or take the file from its package")
}

// checkManifest judges the manifest by itself and against this machine.
func checkManifest(m crm.Manifest) error {
	for _, field := range []struct {
		name, value string
		shape       *regexp.Regexp
	}{
		{"name", m.Name, nameShape}, {"version", m.Version, versionShape},
		{"executable", m.Executable, executableShape}, {"sha256", m.SHA256, sumShape},
		{"platform", m.Platform, platformShape},
	} {
		if !field.shape.MatchString(field.value) || field.name == "name" && len(field.value) > maxName {
			return badField(field.name)
		}
	}
	if m.Executable == ManifestName || strings.HasSuffix(m.Executable, ".") {
		return badField("executable")
	}
	if err := checkAliases(m); err != nil {
		return err
	}
	for _, argument := range m.Simulator {
		if len(m.Simulator) > maxAliases || clean(argument, maxArgument) != argument {
			return badField("simulator")
		}
	}
	if m.Protocol != crm.ProtocolVersion {
		return wrongProtocol(m.Protocol)
	}
	if here := runtime.GOOS + "/" + runtime.GOARCH; m.Platform != here {
		return contradiction(nil, "плагин собран для %s, а эта машина — %s: соберите его для неё",
			"the plugin is built for %s and this machine is %s: build it for this one", m.Platform, here)
	}
	return nil
}

func badField(name string) error {
	return contradiction(nil,
		"в "+ManifestName+" нет годного значения «%s»: соберите плагин заново или возьмите файл из его поставки",
		ManifestName+" has no usable %q: build the plugin again or take the file from its package", name)
}

// wrongProtocol says which of the two sides is behind.
func wrongProtocol(protocol int) error {
	if protocol > crm.ProtocolVersion {
		return contradiction(nil,
			"плагин говорит по протоколу %d, а хост знает только %d: хост слишком старый, обновите его",
			"the plugin speaks protocol %d and the host knows %d only: the host is too old, update it", protocol, crm.ProtocolVersion)
	}
	return contradiction(nil,
		"плагин говорит по протоколу %d, а хосту нужен %d: плагин слишком старый, обновите его",
		"the plugin speaks protocol %d and the host needs %d: the plugin is too old, update it", protocol, crm.ProtocolVersion)
}

// checkAliases keeps an alias inside the plugin's own name space: it can never
// stand in for a command of the host.
func checkAliases(m crm.Manifest) error {
	if len(m.Aliases) > maxAliases {
		return badField("aliases")
	}
	for _, alias := range slices.Sorted(maps.Keys(m.Aliases)) {
		if !aliasShape.MatchString(alias) || !strings.HasPrefix(alias, m.Name+":") || !commandShape.MatchString(m.Aliases[alias]) {
			return badField("aliases")
		}
	}
	return nil
}

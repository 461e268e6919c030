package crmhost_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/pluginpb"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// The generators, as the Makefile has them.
const (
	generateMessages = "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12"
	generateService  = "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2"
)

// A plugin built from the first contract's proto, with nothing of this module,
// still answers every call.
func TestPluginOfTheFirstContract(t *testing.T) {
	t.Parallel()
	found, trust := installFirst(t)
	p, err := crmhost.Start(t.Context(), crmhost.Options{Found: found, Trust: trust, Log: discard()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	d := p.Description()
	if d.Name != "first" || len(d.Fields) != 1 || !d.Fields[0].Secret || !cmp.Equal(d.Capabilities, []crm.Capability{crm.CapabilitySyncUsers}) {
		t.Errorf("description: %+v", d)
	}
	plugin := p.Plugin()
	if err := plugin.Configure(t.Context(), crm.Configuration{Locale: "en"}); err != nil {
		t.Error(err)
	}
	if r, err := plugin.Migrate(t.Context(), crm.Migration{}); err != nil || !cmp.Equal(r.Applied, []string{"first"}) {
		t.Errorf("%+v, %v", r, err)
	}
	settings := crm.Settings{"token": secret.New("acme")}
	if r, err := plugin.CheckSettings(t.Context(), settings); err != nil || r.Portal != "acme.example" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := plugin.CheckConnection(t.Context(), crm.ConnectionRequest{Tenant: crm.Tenant{ID: 1}, Settings: settings}); err != nil || !r.OK() {
		t.Errorf("%+v, %v", r, err)
	}
	events := &recorder{}
	r, err := plugin.SyncUsers(t.Context(), crm.SyncRequest{Tenant: crm.Tenant{ID: 1}, Mode: crm.ModeApply, Settings: settings, RunID: 1, Fence: 1}, events)
	if err != nil || r.Updated != 1 || r.Portal != "first.example" || events.changes != 1 {
		t.Errorf("%+v, %v, %d changes", r, err, events.changes)
	}
	for capability, call := range asked(p, "") { // what came later is not asked of it
		wantCode(t, call(t.Context()), crm.CodePluginAnswer, string(capability))
	}
	p.Stop(t.Context())
	if err := p.Err(); err != nil {
		t.Errorf("it does not end as it should: %v", err)
	}
}

// installFirst generates, builds, installs and trusts testdata/first.
func installFirst(t *testing.T) (crmhost.Found, crmhost.Trust) {
	t.Helper()
	source, plugins := t.TempDir(), filepath.Join(t.TempDir(), "plugins")
	folder := filepath.Join(plugins, "first")
	for _, dir := range []string{filepath.Join(source, "crmpb"), folder} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	generateFirst(t, source)
	// The same versions of everything as this module has, without its code.
	module := read(t, "../../go.mod")
	replace(t, filepath.Join(source, "go.mod"), strings.Replace(module, "module booking\n", "module first\n", 1), 0o644)
	replace(t, filepath.Join(source, "go.sum"), read(t, "../../go.sum"), 0o644)
	replace(t, filepath.Join(source, "main.go"), read(t, "testdata/first/main.go"), 0o644)
	executable := filepath.Join(folder, "first")
	run(t, source, nil, "go", "build", "-mod=mod", "-o", executable, ".")
	chmod(t, executable, 0o755)
	manifest, err := json.Marshal(crm.Manifest{
		Name: "first", Version: "1.0.0", Protocol: 1, Executable: "first", SHA256: sum(read(t, executable)), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	})
	if err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(folder, "plugin.json"), string(manifest), 0o644)
	for _, dir := range []string{plugins, folder} {
		chmod(t, dir, 0o755)
	}
	found, err := crmhost.Find(plugins, "first")
	if err != nil {
		t.Fatal(err)
	}
	trust := crmhost.Trust{Path: filepath.Join(t.TempDir(), "trust.json")}
	if err := trust.Pin(found); err != nil {
		t.Fatal(err)
	}
	return found, trust
}

// generateFirst makes the stubs of the first contract, as protoc would: it reads
// the compiled proto and asks the generators.
func generateFirst(t *testing.T, source string) {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(read(t, "testdata/first/crm.txtpb")), file); err != nil {
		t.Fatal(err)
	}
	request, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{"crm.proto"}, Parameter: proto.String("paths=source_relative,Mcrm.proto=first/crmpb"),
		ProtoFile: []*descriptorpb.FileDescriptorProto{
			protodesc.ToFileDescriptorProto(durationpb.File_google_protobuf_duration_proto),
			protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto), file,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, generator := range []string{generateMessages, generateService} {
		response := &pluginpb.CodeGeneratorResponse{}
		if err := proto.Unmarshal(run(t, source, request, "go", "run", generator), response); err != nil {
			t.Fatal(err)
		}
		if response.GetError() != "" || len(response.GetFile()) == 0 {
			t.Fatalf("%s: %s", generator, response.GetError())
		}
		for _, f := range response.GetFile() {
			replace(t, filepath.Join(source, "crmpb", f.GetName()), f.GetContent(), 0o644)
		}
	}
}

// run is a command that has to succeed; it returns what it wrote.
func run(t *testing.T, dir string, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, problems.Bytes())
	}
	return out
}

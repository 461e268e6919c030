package crm

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"booking/shared/crm/internal/crmpb"
)

// soon is how long a test waits for what should take milliseconds.
const soon = 20 * time.Second

// fakePlugin answers with whatever a test puts in; a call without a function is
// a nil call and panics, which is a test of its own.
type fakePlugin struct {
	describe        func(context.Context) (Description, error)
	configure       func(context.Context, Configuration) error
	migrate         func(context.Context, Migration) (MigrationResult, error)
	checkSettings   func(context.Context, Settings) (SettingsCheck, error)
	checkConnection func(context.Context, ConnectionRequest) (ConnectionCheck, error)
	syncUsers       func(context.Context, SyncRequest, Events) (SyncResult, error)
}

func (f *fakePlugin) Describe(ctx context.Context) (Description, error) { return f.describe(ctx) }
func (f *fakePlugin) Configure(ctx context.Context, c Configuration) error {
	return f.configure(ctx, c)
}
func (f *fakePlugin) Migrate(ctx context.Context, m Migration) (MigrationResult, error) {
	return f.migrate(ctx, m)
}
func (f *fakePlugin) CheckSettings(ctx context.Context, s Settings) (SettingsCheck, error) {
	return f.checkSettings(ctx, s)
}
func (f *fakePlugin) CheckConnection(ctx context.Context, r ConnectionRequest) (ConnectionCheck, error) {
	return f.checkConnection(ctx, r)
}
func (f *fakePlugin) SyncUsers(ctx context.Context, r SyncRequest, e Events) (SyncResult, error) {
	return f.syncUsers(ctx, r, e)
}

// foreignPlugin is a plugin in another language: it speaks the wire and nothing
// of this package.
type foreignPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	crmpb.UnimplementedCRMServiceServer
	describe        func() (*crmpb.DescribeResponse, error)
	checkConnection func() (*crmpb.CheckConnectionResponse, error)
	sync            func(grpc.ServerStreamingServer[crmpb.SyncUsersResponse]) error
	people          func(grpc.ServerStreamingServer[crmpb.PeopleResponse]) error
	choices         func() (*crmpb.ChoicesResponse, error)
	imported        func(grpc.ServerStreamingServer[crmpb.ImportSettingsResponse]) error
	event           func() (*crmpb.ReadEventResponse, error)
}

func (f *foreignPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	crmpb.RegisterCRMServiceServer(s, f)
	return nil
}

func (f *foreignPlugin) GRPCClient(ctx context.Context, b *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return (&grpcPlugin{}).GRPCClient(ctx, b, conn)
}

func (f *foreignPlugin) Describe(ctx context.Context, r *crmpb.DescribeRequest) (*crmpb.DescribeResponse, error) {
	if f.describe == nil {
		return f.UnimplementedCRMServiceServer.Describe(ctx, r)
	}
	return f.describe()
}

func (f *foreignPlugin) CheckConnection(context.Context, *crmpb.CheckConnectionRequest) (*crmpb.CheckConnectionResponse, error) {
	return f.checkConnection()
}

func (f *foreignPlugin) SyncUsers(_ *crmpb.SyncUsersRequest, s grpc.ServerStreamingServer[crmpb.SyncUsersResponse]) error {
	return f.sync(s)
}

func (f *foreignPlugin) People(_ *crmpb.PeopleRequest, s grpc.ServerStreamingServer[crmpb.PeopleResponse]) error {
	return f.people(s)
}

func (f *foreignPlugin) Choices(ctx context.Context, r *crmpb.ChoicesRequest) (*crmpb.ChoicesResponse, error) {
	if f.choices == nil {
		return f.UnimplementedCRMServiceServer.Choices(ctx, r)
	}
	return f.choices()
}

func (f *foreignPlugin) ImportSettings(_ *crmpb.ImportSettingsRequest, s grpc.ServerStreamingServer[crmpb.ImportSettingsResponse]) error {
	return f.imported(s)
}

func (f *foreignPlugin) ReadEvent(context.Context, *crmpb.ReadEventRequest) (*crmpb.ReadEventResponse, error) {
	return f.event()
}

// dial serves impl within the process, over a real socket.
func dial(t *testing.T, impl Plugin) *Client {
	t.Helper()
	return dialSet(t, PluginSet(impl))
}

func dialForeign(t *testing.T, f *foreignPlugin) *Client {
	t.Helper()
	return dialSet(t, plugin.PluginSet{PluginName: f})
}

func dialSet(t *testing.T, set plugin.PluginSet) *Client {
	t.Helper()
	client, _ := plugin.TestPluginGRPCConn(t, false, set)
	t.Cleanup(func() { _ = client.Close() }) // stops the server too; both at once is a data race in go-plugin 1.8.0
	raw, err := client.Dispense(PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return raw.(*Client)
}

// recorder is a host's Events.
type recorder struct {
	mu       sync.Mutex
	progress []Progress
	changes  []Change
	batches  []int
	onEvent  func() error
}

func (r *recorder) Progress(p Progress) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = append(r.progress, p)
	return r.event()
}

func (r *recorder) Changes(c []Change) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, c...)
	r.batches = append(r.batches, len(c))
	return r.event()
}

func (r *recorder) event() error {
	if r.onEvent == nil {
		return nil
	}
	return r.onEvent()
}

func within(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(soon):
		t.Fatalf("%s: not within %v", what, soon)
	}
}

package crm

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"booking/shared/crm/internal/crmpb"
)

// ProtocolVersion is the version of the contract. Additions that an older side
// can ignore keep it; anything else is a new version, served beside this one.
const ProtocolVersion = 1

// PluginName is what a host dispenses. go-plugin does not negotiate names: a
// program that serves something else shows at the first Describe.
const PluginName = "crm"

// MaxMessageBytes bounds one message in either direction. gRPC's own limit is
// 4 MiB on a server and none on go-plugin's client.
const MaxMessageBytes = 64 << 20

// Handshake is what host and plugin must agree upon before they speak. The
// cookie tells a start by a host from a start by hand; it protects nothing.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  ProtocolVersion,
	MagicCookieKey:   "CRM_PLUGIN_COOKIE",
	MagicCookieValue: "5f0c7f1e9d7c4c0f8a53b6f0f2ad61b7",
}

// VersionedPlugins is what a host gives to go-plugin's ClientConfig. What it
// dispenses under [PluginName] is a [*Client].
func VersionedPlugins() map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{ProtocolVersion: PluginSet(nil)}
}

// PluginSet is the set of protocol 1. A host needs no implementation; with one,
// go-plugin's TestPluginGRPCConn serves it within the process.
func PluginSet(impl Plugin) plugin.PluginSet {
	return plugin.PluginSet{PluginName: &grpcPlugin{impl: impl, calls: newCalls()}}
}

// grpcPlugin is both ends of go-plugin's bridge.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	impl  Plugin
	calls *calls
}

var _ plugin.GRPCPlugin = (*grpcPlugin)(nil)

// GRPCServer implements [plugin.GRPCPlugin] in the plugin.
func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	crmpb.RegisterCRMServiceServer(s, &server{impl: p.impl, calls: p.calls})
	return nil
}

// GRPCClient implements [plugin.GRPCPlugin] in the host. go-plugin ends ctx when
// the plugin's process has.
func (p *grpcPlugin) GRPCClient(ctx context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &Client{rpc: crmpb.NewCRMServiceClient(conn), done: ctx.Done()}, nil
}

package crm

import (
	"testing"

	"github.com/hashicorp/go-plugin"
)

func dial(t *testing.T, impl Plugin) *Client {
	t.Helper()
	client, server := plugin.TestPluginGRPCConn(t, false, PluginSet(impl))
	t.Cleanup(func() { _ = client.Close(); server.Stop() })
	raw, err := client.Dispense(PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return raw.(*Client)
}

package crmhost

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Limits of what the host takes from a plugin, in bytes.
const (
	maxMessageBytes = 16 << 20
	maxHeaderBytes  = 1 << 20
)

// brokerStream is the stream on which a plugin may offer services of its own to
// the host. This contract has none: the plugin never calls back.
const brokerStream = "/plugin.GRPCBroker/StartStream"

// conns remembers the connections go-plugin opens: it forgets those on which the
// start failed, and leaves their goroutines behind.
type conns struct {
	mu  sync.Mutex
	all []*grpc.ClientConn
}

func (c *conns) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithMaxHeaderListSize(maxHeaderBytes),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			c.add(conn)
			if method == brokerStream {
				return nil, status.Error(codes.Unimplemented, "the contract has no callbacks")
			}
			return open(ctx, desc, conn, method, opts...)
		}),
	}
}

func (c *conns) add(conn *grpc.ClientConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.all, conn) {
		c.all = append(c.all, conn)
	}
}

// first is the connection of a plugin that was started.
func (c *conns) first() *grpc.ClientConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[0]
}

func (c *conns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.all {
		_ = conn.Close() // closed already: fine
	}
}

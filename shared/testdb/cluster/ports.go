package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// portsPerNode are SQL, group communication, and two for state transfers.
const portsPerNode = 4

// Below what the kernel gives to outgoing connections, so that nobody takes a port
// between the look and the use.
const lowestPort, highestPort = 20000, 32000

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// reservePorts finds a block of free ports. Its first one stays taken until the end of
// the test: that keeps other clusters away from the block.
func reservePorts(t testing.TB) ([]int, error) {
	const block = 1 + Nodes*portsPerNode
	for range 100 {
		base := lowestPort + rand.IntN((highestPort-lowestPort)/block)*block
		guard, err := listen(base)
		if err != nil {
			continue
		}
		var ports []int
		for port := base + 1; port < base+block; port++ {
			if free(port) {
				ports = append(ports, port)
			}
		}
		if len(ports) == block-1 {
			t.Cleanup(func() { _ = guard.Close() })
			return ports, nil
		}
		_ = guard.Close()
	}
	return nil, errors.New("no block of free ports found")
}

func listen(port int) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(context.Background(), "tcp", loopback(port))
}

func free(port int) bool {
	listener, err := listen(port)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

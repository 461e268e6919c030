package mariadbd

import (
	"bytes"
	"context"
	"net"
	"time"
)

// answers reports whether a server sends its greeting on the socket. A greeting
// needs no account: one that was set up with a password is ready all the same.
func answers(ctx context.Context, socket string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	greeting := make([]byte, 64)
	n, err := conn.Read(greeting)
	// Length and sequence (4 bytes), then protocol version 10; 0xff instead is an error packet.
	return err == nil && n > 5 && greeting[4] == 10 && bytes.IndexByte(greeting[5:n], 0) >= 0
}

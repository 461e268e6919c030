package crmtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"booking/shared/crm"
	"booking/shared/secret"
)

// hello is a handshake line: core version | protocol | network | address | gRPC |
// certificate.
type hello struct {
	line, core, protocol, network, address, kind, certificate string
}

func parseHello(line string) (hello, error) {
	parts := strings.Split(line, "|")
	if len(parts) < 5 {
		return hello{line: line}, fmt.Errorf("the first line is no handshake: %q; %w", printable(line), errNotDocumented)
	}
	h := hello{line: line, core: parts[0], protocol: parts[1], network: parts[2], address: parts[3], kind: parts[4]}
	if len(parts) > 5 {
		h.certificate = parts[5]
	}
	return h, nil
}

// serverCertificate is the one in the handshake.
func (h hello) serverCertificate() (*x509.Certificate, error) {
	if h.certificate == "" {
		return nil, fmt.Errorf("the handshake has no certificate, though PLUGIN_CLIENT_CERT was set; %w", errNotDocumented)
	}
	der, err := base64.RawStdEncoding.DecodeString(h.certificate)
	if err != nil {
		return nil, fmt.Errorf("the handshake's certificate is no base64 without padding: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the handshake's certificate: %w", err)
	}
	return certificate, nil
}

// connect opens the connection a host would; nothing is sent yet.
func (s *session) connect() error {
	certificate, err := s.hello.serverCertificate()
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	config := &tls.Config{Certificates: []tls.Certificate{s.pair}, RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	if s.conn, err = s.dial(credentials.NewTLS(config)); err != nil {
		return err
	}
	done, gone := context.WithCancel(context.Background())
	s.gone = gone
	raw, err := crm.PluginSet(nil)[crm.PluginName].(plugin.GRPCPlugin).GRPCClient(done, nil, s.conn)
	if err != nil {
		return err
	}
	s.client = raw.(*crm.Client)
	return nil
}

func (s *session) dial(c credentials.TransportCredentials) (*grpc.ClientConn, error) {
	network, address := s.hello.network, s.hello.address
	return grpc.NewClient("passthrough:///unused", grpc.WithTransportCredentials(c),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(crm.MaxMessageBytes), grpc.MaxCallSendMsgSize(crm.MaxMessageBytes)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}))
}

// strangers are the ways in that must be closed.
func (s *session) strangers() (map[string]credentials.TransportCredentials, error) {
	certificate, err := s.hello.serverCertificate()
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	_, another, err := clientCertificate()
	if err != nil {
		return nil, s.x.fault(err)
	}
	config := func(pairs ...tls.Certificate) credentials.TransportCredentials {
		return credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12, Certificates: pairs})
	}
	return map[string]credentials.TransportCredentials{
		"without TLS": insecure.NewCredentials(), "without a certificate": config(), "with a certificate that is not the host's": config(another),
	}, nil
}

// ask makes one call by name, without a message.
func ask(ctx context.Context, conn *grpc.ClientConn, method string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{})
}

const (
	methodDescribe = "/booking.crm.v1.CRMService/Describe"
	methodUnknown  = "/booking.crm.v1.CRMService/AnswerOfTomorrow"
	methodShutdown = "/plugin.GRPCController/Shutdown"
)

// configure tells the plugin what a host would: people plugins get no database.
func (s *session) configure(ctx context.Context) error {
	c := crm.Configuration{
		Locale: "ru", LimitWait: time.Minute,
		HTTPPortals: append([]string{"127.0.0.1", "::1", "localhost"}, s.x.HTTPPortals...),
	}
	if s.x.description.Has(crm.CapabilitySyncUsers) {
		h, err := s.x.base(ctx)
		if err != nil {
			return err
		}
		c.DSN = h.narrow
	}
	if err := s.client.Configure(ctx, c); err != nil {
		return fmt.Errorf("Configure: %w", err)
	}
	return nil
}

// settings by key, as a connection has them.
func settings(values map[string]string) crm.Settings {
	s := crm.Settings{}
	for key, value := range values {
		s[key] = secret.New(value)
	}
	return s
}

var errNotDocumented = errors.New("see crm.proto, \"Authors in other languages\"")

func (s *session) folder(name string) string { return filepath.Join(s.dir, name) }

package crmtest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"booking/shared/crm"
)

// serveBare is what an author gets who writes the server by hand and forgets things:
// no health, no Shutdown, no watch over standard input or connections, gRPC's own
// limits. Words add further faults.
func serveBare(impl crm.Plugin, words []string) {
	has := func(word string) bool { return slices.Contains(words, word) }
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	if !has("open") {
		config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		config.ClientCAs.AppendCertsFromPEM([]byte(os.Getenv("PLUGIN_CLIENT_CERT")))
	}
	options := []grpc.ServerOption{grpc.Creds(credentials.NewTLS(config))}
	if has("picky") {
		options = append(options, grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			if len(request.(proto.Message).ProtoReflect().GetUnknown()) > 0 {
				return nil, fmt.Errorf("what is this?")
			}
			return handle(ctx, request)
		}))
	}
	if has("knowing") {
		options = append(options, grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { return s.SendMsg(&emptypb.Empty{}) }))
	}
	if has("guessing") {
		options = append(options, grpc.StreamInterceptor(func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			return handle(srv, &guessing{s})
		}))
	}
	if has("immortal") {
		signal.Ignore(syscall.SIGTERM)
	}
	server := grpc.NewServer(options...)
	must(crm.PluginSet(impl)[crm.PluginName].(plugin.GRPCPlugin).GRPCServer(nil, server))
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "bare")
	listener, err := net.Listen("unix", path)
	must(err)
	fmt.Printf("1|1|unix|%s|grpc|%s\n", path, base64.RawStdEncoding.EncodeToString(der))
	must(server.Serve(listener))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// guessing takes what is missing in a request for what was probably meant.
type guessing struct{ grpc.ServerStream }

func (g *guessing) RecvMsg(message any) error {
	if err := g.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	m := message.(proto.Message).ProtoReflect()
	fields := m.Descriptor().Fields()
	if mode := fields.ByName("mode"); mode != nil && m.Get(mode).String() == "rehearsal" {
		m.Set(mode, protoreflect.ValueOfString("apply"))
	}
	tenant := m.Mutable(fields.ByName("tenant")).Message()
	if id := tenant.Descriptor().Fields().ByName("id"); tenant.Get(id).Int() == 0 {
		tenant.Set(id, protoreflect.ValueOfInt64(1))
	}
	return nil
}

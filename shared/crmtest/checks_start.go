package crmtest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"booking/shared/crm"
)

var startChecks = []check{
	{"by_hand", both("запущенный руками, говорит, что это плагин, и завершается", "started by hand it says that it is a plugin, and ends"),
		both("без CRM_PLUGIN_COOKIE в окружении напишите одну понятную строку и завершитесь с ошибкой", "without CRM_PLUGIN_COOKIE in the environment write one friendly line and exit with an error"),
		0, func(_ context.Context, x *exam) error { return x.startedByHand("") }},
	{"wrong_cookie", both("чужой запуск (другое значение CRM_PLUGIN_COOKIE) — то же самое", "a foreign start (another value of CRM_PLUGIN_COOKIE) is the same"),
		both("сравнивайте значение CRM_PLUGIN_COOKIE, а не только его наличие", "compare the value of CRM_PLUGIN_COOKIE, not only its presence"),
		0, func(_ context.Context, x *exam) error { return x.startedByHand("another-program") }},
	{"handshake", both("за 10 секунд печатает строку рукопожатия и слушает сокет в своей папке", "prints the handshake within 10 seconds and listens on a socket in its folder"),
		both("строка: 1|1|unix|ПУТЬ|grpc|СЕРТИФИКАТ, сокет — прямо в PLUGIN_UNIX_SOCKET_DIR", "the line is 1|1|unix|PATH|grpc|CERTIFICATE, the socket lies directly in PLUGIN_UNIX_SOCKET_DIR"),
		0, checkHandshake},
	{"mutual_tls", both("пускает только хост: TLS с сертификатами обеих сторон", "lets only the host in: TLS with both sides' certificates"),
		both("требуйте клиентский сертификат и сверяйте его с PLUGIN_CLIENT_CERT (ECDSA P-521)", "require a client certificate and hold it against PLUGIN_CLIENT_CERT (ECDSA P-521)"),
		0, checkStrangers},
	{"protocol_versions", both("хосту, который говорит только по протоколу 99, не отвечает «99»", "does not claim protocol 99 to a host that speaks nothing else"),
		both("в рукопожатии — версия, по которой плагин говорит на самом деле", "the handshake holds the version that the plugin really speaks"),
		0, checkProtocolVersions},
	{"health", both("отвечает на проверку здоровья: служба «plugin» — SERVING", "answers the health check: the service \"plugin\" is SERVING"),
		both("зарегистрируйте grpc.health.v1.Health", "register grpc.health.v1.Health"), 0, checkHealth},
	{"unknown_call", both("на вызов из будущего отвечает Unimplemented и живёт дальше", "answers a call of the future with Unimplemented and lives on"),
		both("не перехватывайте неизвестные методы", "do not catch unknown methods"), 0, checkUnknownCall},
	{"unknown_fields", both("не замечает полей из будущего", "does not mind fields of the future"),
		both("разбирайте сообщения библиотекой protobuf, неизвестные поля она пропускает", "read messages with a protobuf library, it skips unknown fields"), 0, checkUnknownFields},
}

var handshakeShape = regexp.MustCompile(`(?m)^\d+\|\d*\|`)

func (x *exam) startedByHand(cookie string) error {
	s, err := x.spawn(launch{cookie: cookie, versions: "1"})
	if err != nil {
		return err
	}
	defer s.kill()
	if !s.ends(x.within(5 * time.Second)) {
		return errors.New("it goes on running")
	}
	s.wanted = true
	said := strings.TrimSpace(s.stdout.String() + s.stderr.String())
	switch {
	case handshakeShape.MatchString(s.stdout.String()):
		return errors.New("it shakes hands with whoever starts it")
	case s.cmd.ProcessState.Success():
		return errors.New("it ends with status 0, as if it had done something")
	case said == "":
		return errors.New("it says nothing")
	case strings.Count(said, "\n") > 10, strings.Contains(said, "Traceback"), strings.Contains(said, "goroutine "):
		return fmt.Errorf("what it says is a crash, no help: %s", said)
	}
	return nil
}

func checkHandshake(ctx context.Context, x *exam) error {
	s, err := x.start(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	h := s.hello
	switch {
	case h.core != "1" || h.protocol != "1" || h.kind != "grpc":
		return fmt.Errorf("the handshake is %q, want 1|1|unix|PATH|grpc|CERTIFICATE", printable(h.line))
	case h.network != "unix" || filepath.Dir(filepath.Clean(h.address)) != s.folder("sock"):
		return fmt.Errorf("it listens on %s %s, not in PLUGIN_UNIX_SOCKET_DIR: a host does not connect there", h.network, printable(h.address))
	}
	_, err = s.client.Describe(ctx)
	return err
}

func checkStrangers(ctx context.Context, x *exam) error {
	s, err := x.start(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	if err := ask(ctx, s.conn, methodDescribe, x.within(10*time.Second)); err != nil {
		return fmt.Errorf("the host itself is not let in: %w", err)
	}
	strangers, err := s.strangers()
	if err != nil {
		return err
	}
	for name, credentials := range strangers {
		conn, err := s.dial(credentials)
		if err != nil {
			return err
		}
		err = ask(ctx, conn, methodDescribe, x.within(5*time.Second))
		_ = conn.Close()
		if err == nil {
			return fmt.Errorf("a stranger %s is answered", name)
		}
	}
	if err := ask(ctx, s.conn, methodDescribe, x.within(10*time.Second)); err != nil {
		return fmt.Errorf("after strangers came, the host is not answered any more: %w", err)
	}
	return nil
}

func checkProtocolVersions(ctx context.Context, x *exam) error {
	l := asAHost()
	l.versions = "99"
	s, err := x.spawn(l)
	if err != nil {
		return err
	}
	defer s.kill()
	line, err := s.stdout.firstLine(ctx, x.within(10*time.Second))
	if err != nil && s.hasExited() {
		s.wanted = true
		return nil // it has refused
	}
	if err != nil {
		return fmt.Errorf("neither a handshake nor an end: %w", err)
	}
	h, err := parseHello(line)
	if err != nil {
		return err
	}
	if h.protocol == "99" {
		return errors.New("it claims to speak protocol 99, whatever that will be")
	}
	return nil
}

func checkHealth(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, x.within(5*time.Second))
	defer cancel()
	answer, err := grpc_health_v1.NewHealthClient(s.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	if err != nil {
		return err
	}
	if answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("the answer is %s", answer.GetStatus())
	}
	return nil
}

func checkUnknownCall(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	switch err := ask(ctx, s.conn, methodUnknown, x.within(5*time.Second)); {
	case err == nil:
		return errors.New("it is answered")
	case status.Code(err) != codes.Unimplemented:
		return fmt.Errorf("the answer is another error: %w", err)
	}
	return nil
}

func checkUnknownFields(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	var request emptypb.Empty
	// Fields 3000 (text), 3001 (number) and 3002 (bytes).
	request.ProtoReflect().SetUnknown([]byte{0xc2, 0xbb, 0x01, 2, 'h', 'i', 0xc8, 0xbb, 0x01, 7, 0xd2, 0xbb, 0x01, 1, 0xff})
	ctx, cancel := context.WithTimeout(ctx, x.within(5*time.Second))
	defer cancel()
	if err := s.conn.Invoke(ctx, methodDescribe, &request, &emptypb.Empty{}); err != nil {
		return err
	}
	_, err = s.client.CheckSettings(ctx, crm.Settings{})
	return err
}

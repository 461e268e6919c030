"""A CRM plugin in Python: people from a JSON directory, GET URL -> [{"id": 7, "email": ...}, ...].

It has no database (capability "people"): booking-host keeps users up with what it
streams. It is complete, and an example for authors; crm.proto says what it must do,
`booking-host plugins check jsondir` whether it does. Debian's packages are enough:
python3-grpcio, python3-protobuf, python3-cryptography. .ci/pyplugin builds it.
"""
import os

os.environ["GRPC_VERBOSITY"] = "NONE"  # the library would write its own lines to the log

import base64, datetime, hashlib, json, logging, platform, signal, sys, threading, urllib.parse, urllib.request  # noqa: E401
from concurrent import futures

import crm_pb2 as pb
import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME, VERSION, COOKIE = "jsondir", "1.0.0", "5f0c7f1e9d7c4c0f8a53b6f0f2ad61b7"
BATCH, LIMIT, PATIENCE = 500, 256 << 20, 60


def text(ru, en):
    return pb.Text(ru=ru, en=en)


DESCRIPTION = pb.DescribeResponse(
    name=NAME, version=VERSION, title=text("Справочник JSON", "JSON directory"),
    capabilities=["people"], external_id_column=NAME + "_user_id",
    fields=[
        pb.Field(key="url", label=text("Адрес", "Address"), type="text", required=True, help=text(
            "Адрес (https), по которому лежит список сотрудников: id, email, name, phone, position.",
            "Address (https) of the list of people: id, email, name, phone, position.")),
        pb.Field(key="token", label=text("Ключ", "Token"), type="text", secret=True,
                 help=text("Передаётся как Authorization: Bearer.", "Sent as Authorization: Bearer.")),
    ])


class Failed(Exception):
    """A reading that failed: a code of the contract's list and what to tell people."""

    def __init__(self, code, ru, en):
        super().__init__(code)
        self.failure = pb.Failure(code=code, message=text(ru, en))


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None  # the token is for this address and no other


def read_people(settings):
    """Everybody, or Failed: never a short list. What the errors say may hold the token."""
    try:
        request = urllib.request.Request(settings["url"].strip())
        if settings.get("token"):
            request.add_header("Authorization", "Bearer " + settings["token"].strip())
        with urllib.request.build_opener(NoRedirect).open(request, timeout=PATIENCE) as answer:
            body = answer.read(LIMIT + 1)
            whole = answer.headers.get("Content-Length") in (None, str(len(body)))
    except urllib.error.HTTPError as e:
        if e.code in (401, 403):
            raise Failed("unauthorized", "Справочник не принимает ключ.", "The directory refuses the token.") from None
        raise Failed("portal_unreachable", f"Справочник ответил {e.code}.", f"The directory answered {e.code}.") from None
    except Exception:
        raise Failed("portal_unreachable", "Справочник не отвечает.", "The directory does not answer.") from None
    try:
        if not whole or len(body) > LIMIT:
            raise ValueError
        return [pb.Person(external_id=str(p["id"]), **{k: str(p.get(k) or "") for k in ("email", "name", "phone", "position")})
                for p in json.loads(body)]
    except Exception:
        raise Failed("portal_answer", "Ответ справочника — не список сотрудников с id.", "The directory's answer is no list of people with ids.") from None


class Plugin:
    """The calls of crm.proto, one method each."""

    http_portals = ()

    def Describe(self, request, context):
        return DESCRIPTION

    def Configure(self, request, context):
        self.http_portals = tuple(request.http_portals)
        return pb.ConfigureResponse()

    def CheckSettings(self, request, context):
        answer = pb.CheckSettingsResponse()
        try:
            url = urllib.parse.urlsplit(request.settings.get("url", "").strip())
            host, plain = url.hostname or "", {url.hostname, f"{url.hostname}:{url.port or 80}"} & set(self.http_portals)
        except ValueError:
            host, plain = "", False
        if not host.isascii() or not host or len(host) > 253 or not (url.scheme == "https" or url.scheme == "http" and plain):
            answer.problems.add(key="url", message=text("Нужен адрес https://…", "Want an address https://…"))
        for key in sorted(set(request.settings) - {"url", "token"}):
            answer.problems.add(key=key, message=text("Такой настройки нет.", "There is no such setting."))
        answer.portal = "" if answer.problems else host
        return answer

    def CheckConnection(self, request, context):
        problems = self.CheckSettings(request, context).problems
        findings = [pb.Finding(code=p.key, message=p.message) for p in problems]
        try:
            count = 0 if findings else len(read_people(request.settings))
            if not findings:
                findings = [pb.Finding(code="people", ok=True, message=text(f"Сотрудников: {count}.", f"People: {count}."))]
        except Failed as e:
            findings = [pb.Finding(code=e.failure.code, message=e.failure.message)]
        return pb.CheckConnectionResponse(findings=findings)

    def People(self, request, context):
        tenant = request.tenant.id
        try:
            if tenant <= 0 or self.CheckSettings(request, context).problems:
                raise Failed("not_configured", "Нет компании или годных настроек.", "No tenant, or no usable settings.")
            people = read_people(request.settings)
            for i in range(0, len(people), BATCH):
                yield pb.PeopleResponse(tenant_id=tenant, people=pb.PeopleBatch(people=people[i:i + BATCH]))
            yield pb.PeopleResponse(tenant_id=tenant, complete=pb.PeopleComplete(people=len(people)))
        except Failed as e:
            logging.warning("reading failed: %s", e)
            yield pb.PeopleResponse(tenant_id=tenant, failure=e.failure)


class LogLine(logging.Formatter):
    LEVELS = {"WARNING": "warn", "CRITICAL": "error"}

    def format(self, record):
        message = record.getMessage()[:8000] + (f" ({record.exc_info[0].__name__})" if record.exc_info else "")
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return json.dumps({"@level": self.LEVELS.get(record.levelname, record.levelname.lower()), "@message": message, "@module": NAME, "@timestamp": now})


def certificate():
    """A certificate of this process's own, as (key PEM, certificate PEM, certificate DER)."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256()))
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    return (key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()), made.public_bytes(pem), made.public_bytes(der))


def handlers(server, plugin):
    service = pb.DESCRIPTOR.services_by_name["CRMService"]
    own = {}
    for method in service.methods:
        if hasattr(plugin, method.name):
            make = grpc.unary_stream_rpc_method_handler if method.name == "People" else grpc.unary_unary_rpc_method_handler
            own[method.name] = make(getattr(plugin, method.name), getattr(pb, method.input_type.name).FromString, lambda m: m.SerializeToString())
    yield grpc.method_handlers_generic_handler(service.full_name, own)
    # Two services of go-plugin's, small enough to be written as bytes: SERVING, and nothing.
    yield grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(lambda r, c: b"\x08\x01")})

    def shutdown(request, context):
        threading.Thread(target=lambda: (server.stop(0.5).wait(), os._exit(0))).start()
        return b""
    yield grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": grpc.unary_unary_rpc_method_handler(shutdown)})


def serve():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the host's to handle
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(LogLine())
    logging.basicConfig(level=logging.INFO, handlers=[output])
    key, cert, der = certificate()
    server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)])
    server.add_generic_rpc_handlers(tuple(handlers(server, Plugin())))
    path = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], NAME)
    host = os.environ["PLUGIN_CLIENT_CERT"].encode()
    server.add_secure_port("unix:" + path, grpc.ssl_server_credentials([(key, cert)], host, require_client_auth=True))
    server.start()
    print(f"1|1|unix|{path}|grpc|{base64.b64encode(der).decode().rstrip('=')}", flush=True)
    sys.stdin.buffer.read()  # ends when the host does
    os._exit(0)


def manifest():
    with open(sys.argv[0], "rb") as program:
        digest = hashlib.sha256(program.read()).hexdigest()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    print(json.dumps({"name": NAME, "version": VERSION, "protocol": 1, "executable": os.path.basename(sys.argv[0]), "sha256": digest, "platform": f"linux/{machine}"}, indent=2))


if __name__ == "__main__":
    if sys.argv[1:] == ["manifest"]:
        manifest()
    elif os.environ.get("CRM_PLUGIN_COOKIE") != COOKIE:
        sys.exit(f"{NAME}: это плагин, его запускает booking-host / this is a plugin, booking-host starts it")
    else:
        serve()

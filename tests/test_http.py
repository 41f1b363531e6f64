"""The HTTP client by itself: TLS, authorities, redirects from TLS to plain text, addresses in messages."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from running import running

from assess.errors import ConfigError, UnavailableError
from assess.http import MAX_REDIRECTS, Client, HttpLimits, Secret, bare

QUICK = HttpLimits(total=3.0, connect=1.0, read=1.0, attempts=1)


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    return file, key_file


class Server(ThreadingHTTPServer):
    """Answers 200, or sends on to `onward`."""

    daemon_threads = True
    onward = ""

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, str]] = []
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are expected."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append({name.lower(): value for name, value in self.headers.items()})
        onward = self.server.onward
        self.send_response(302 if onward else 200)
        if onward:
            self.send_header("Location", onward)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


@contextmanager
def serving(certificate: tuple[Path, Path] | None = None) -> Iterator[Server]:
    with running(Server(certificate)) as server:
        yield server


def test_an_authority_of_the_users_is_trusted_beside_the_systems(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path, "ours")
    other, _ = _certificate(tmp_path, "other")
    with serving(certificate) as server:
        assert Client(ca_file=certificate[0]).request("GET", server.url, limits=QUICK).body == b"ok"
        for client in (Client(), Client(ca_file=other)):
            with pytest.raises(UnavailableError, match="the certificate: ") as caught:
                client.request("GET", server.url, limits=QUICK)
            assert "--registry-ca" in (caught.value.hint or "")
        with pytest.raises(UnavailableError, match="the certificate: "):
            Client(ca_file=certificate[0]).request("GET", server.url.replace("127.0.0.1", "localhost"), limits=QUICK)


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END"])
def test_files_that_are_no_authorities(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="not certificates") as caught:
        Client(ca_file=file)
    assert caught.value.place == str(file)


@pytest.mark.parametrize("named", [False, True])
def test_from_tls_to_plain_text_only_where_the_user_named_the_host(tmp_path: Path, named: bool) -> None:
    certificate = _certificate(tmp_path, "ours")
    with serving(certificate) as server, serving() as plain:
        server.onward = f"{plain.url}/x?signature=s1gned"
        client = Client(ca_file=certificate[0], plain_http=(plain.host,) if named else ())

        def ask() -> bytes:
            header = Secret("Bearer t0ken")
            return client.request("GET", server.url, authorization=header, limits=QUICK, follow="anywhere").body

        if named:
            assert ask() == b"ok"
            assert "authorization" not in plain.asked[0]
        else:
            with pytest.raises(UnavailableError, match="without TLS") as caught:
                ask()
            assert plain.asked == []
            assert "s1gned" not in str(caught.value) + str(caught.value.hint)


def test_how_redirects_are_followed() -> None:
    with serving() as one, serving() as two:
        client = Client(plain_http=("127.0.0.1",))
        one.onward = f"{two.url}/x"
        with pytest.raises(UnavailableError, match="not followed"):
            client.request("GET", one.url, limits=QUICK)
        assert client.request("GET", one.url, limits=QUICK, follow="here").status == 302
        assert client.request("GET", one.url, limits=QUICK, follow="anywhere").status == 200
        one.onward = "/again"
        one.asked.clear()
        with pytest.raises(UnavailableError, match="too often"):
            client.request("GET", one.url, limits=QUICK, follow="here")
        assert len(one.asked) == MAX_REDIRECTS + 1


def test_connections_are_kept_and_shared() -> None:
    with serving() as server:
        opened: list[object] = []
        accept = server.get_request
        server.get_request = lambda: (opened.append(1), accept())[1]  # type: ignore[method-assign]
        client = Client()
        for _ in range(5):
            client.request("GET", server.url, limits=QUICK)
        client.close()
        assert len(opened) == 1


@pytest.mark.parametrize(
    ("host", "named", "plain"),
    [
        ("a.example:5000", ("a.example:5000",), True),
        ("a.example:5000", ("a.example",), True),
        ("a.example", ("a.example:5000",), False),
        ("a.example:5001", ("a.example:5000",), False),
        ("b.a.example", ("a.example",), False),
        ("127.0.0.1:5000", (), False),
        ("localhost", (), False),
        ("[::1]:5000", ("[::1]",), True),
    ],
)
def test_hosts_without_tls_are_those_that_are_named(host: str, named: tuple[str, ...], plain: bool) -> None:
    assert Client(plain_http=named).is_plain(host) is plain


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x?token=s3cret#s3cret", "https://a.example/x"),
        ("https://user:s3cret@a.example/x", "https://a.example/x"),
        ("//user:s3cret@a.example/x", "a.example/x"),
        ("https://a.example/\x1b[31m", "https://a.example/?[31m"),
        ("https://a.example/" + "x" * 500, "https://a.example/" + "x" * 182),
    ],
)
def test_addresses_in_messages(url: str, shown: str) -> None:
    assert bare(url) == shown


@pytest.mark.parametrize("url", ["ftp://x/", "https://", "x", "https://u:p@x/", "https://x:99999/", "https://x/\n"])
def test_what_is_no_address_is_asked_of_nobody(url: str) -> None:
    with pytest.raises(UnavailableError, match="not an address"):
        Client().request("GET", url, limits=QUICK)


def test_the_deadline_counts_for_all_redirects_together() -> None:
    with serving() as server:
        server.onward = "/again"

        class Slow(_Handler):
            def do_GET(self) -> None:
                time.sleep(0.4)
                super().do_GET()

        server.RequestHandlerClass = Slow
        started = time.monotonic()
        with pytest.raises(UnavailableError, match="takes too long"):
            limits = HttpLimits(total=1.0, attempts=1)
            Client(plain_http=("127.0.0.1",)).request("GET", server.url, limits=limits, follow="here")
        assert time.monotonic() - started < 2


def test_a_body_that_stops_coming_ends_with_the_deadline_not_a_read_later() -> None:
    class Stalling(_Handler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(4):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.2)
            time.sleep(2)

    with serving() as server:
        server.RequestHandlerClass = Stalling
        started = time.monotonic()
        with pytest.raises(UnavailableError, match="takes too long"):
            Client().request("GET", server.url, limits=HttpLimits(total=1.0, read=1.0, attempts=1))
        assert time.monotonic() - started < 1.5

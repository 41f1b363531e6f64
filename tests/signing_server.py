"""A small real server that signs as Sigstore does: a certificate for whoever shows a token, and a log; all virtual."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from log_server import api_entry
from virtual_entries import Content, Signed
from virtual_keys import derive_key
from virtual_sigstore import VirtualSigstore

Json = dict[str, Any]
IDENTITY, ISSUER = "assessor@example.com", "https://accounts.example"


def token(**changes: Any) -> str:
    """An identity token of the claims that Sigstore asks for; nobody here checks its signature."""
    now = int(datetime.now(UTC).timestamp())
    claims = {"aud": "sigstore", "sub": IDENTITY, "iss": ISSUER, "iat": now - 10, "exp": now + 600} | changes
    parts = ({"alg": "RS256", "typ": "JWT"}, claims, "no signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)


class SigningServer(ThreadingHTTPServer):
    """`manner`: well, refuses (every request), or foreign (answers of another kind)."""

    daemon_threads = True

    def __init__(self, manner: str = "well") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manner = manner
        self.sigstore = VirtualSigstore("signing", datetime.now(UTC))
        self.asked: list[str] = []

    def trust_config(self) -> bytes:
        """The client trust configuration that leads here."""
        address = f"http://127.0.0.1:{self.server_port}"
        valid = {"start": "2020-01-01T00:00:00Z"}
        service = {"url": address, "majorApiVersion": 1, "validFor": valid, "operator": "tests"}
        signing = {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service],
            "oidcUrls": [service],
            "rekorTlogUrls": [service],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        }
        document = {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": json.loads(self.sigstore.trusted_root()),
            "signingConfig": signing,
        }
        return json.dumps(document).encode()

    def certify(self, asked: Json) -> Json:
        """Fulcio's answer to a certificate signing request."""
        pem = base64.b64decode(asked["certificateSigningRequest"])
        request = x509.load_pem_x509_csr(pem)
        _, certificate = self.sigstore.issue(IDENTITY, ISSUER, public_key=request.public_key())
        authority = self.sigstore.ca
        chain = (certificate, authority.intermediate, authority.root)
        texts = [one.public_bytes(Encoding.PEM).decode() for one in chain]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": texts}}}

    def log(self, proposed: Json) -> Json:
        """Rekor's answer to a proposed entry of the kind dsse."""
        content = proposed["spec"]["proposedContent"]
        envelope = json.loads(content["envelope"])
        certificate = x509.load_pem_x509_certificate(base64.b64decode(content["verifiers"][0]))
        payload = Content(base64.b64decode(envelope["payload"]), envelope["payloadType"])
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        signed = Signed(payload, signature, derive_key("signing", "unused"), certificate)
        entry = self.sigstore._entry(signed, "v1", "dsse", None, proof=True, witness=False)
        return {"ab" * 32: api_entry(entry)}


class _Handler(BaseHTTPRequestHandler):
    server: SigningServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(self.path)
        match self.server.manner, self.path:
            case "refuses", _:
                self._answer(403, {"message": "not you"})
            case "foreign", _:
                self._answer(200, {"hello": "world"})
            case _, "/api/v2/signingCert":
                self._answer(200, self.server.certify(asked))
            case _, "/api/v1/log/entries":
                self._answer(201, self.server.log(asked))
            case _:
                self._answer(404, {})

    def _answer(self, status: int, value: Json) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def signing(manner: str = "well") -> Iterator[SigningServer]:
    """A server that runs while the block does."""
    server = SigningServer(manner)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A small real Rekor v1 server, made of a virtual Sigstore's log; it can also misbehave as servers do."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from running import running

Json = dict[str, Any]


def api_entry(entry: Json) -> Json:
    """A `tlogEntries` item of a bundle in the words of Rekor's API."""
    proof = entry["inclusionProof"]
    return {
        "body": entry["canonicalizedBody"],
        "integratedTime": int(entry["integratedTime"]),
        "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
        "logIndex": int(entry["logIndex"]),
        "verification": {
            "inclusionProof": {
                "checkpoint": proof["checkpoint"]["envelope"],
                "hashes": [base64.b64decode(one).hex() for one in proof["hashes"]],
                "logIndex": int(proof["logIndex"]),
                "rootHash": base64.b64decode(proof["rootHash"]).hex(),
                "treeSize": int(proof["treeSize"]),
            },
            "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        },
    }


class LogServer(ThreadingHTTPServer):
    """`index` is sha256 hex -> entry ids, `stored` entry id -> entry; `manner` says how to answer."""

    daemon_threads = True

    def __init__(self, manner: str = "well") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manner, self.index, self.stored = manner, {}, {}
        self.asked: list[tuple[str, Json]] = []
        self.elsewhere = ""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, entry: Json, *digests: str) -> str:
        """Log an entry (in the API's words) that is found by these digests."""
        uuid = f"{len(self.stored) + 1:064x}"
        self.stored[uuid] = entry
        for digest in digests:
            self.index.setdefault(digest, []).append(uuid)
        return uuid

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are expected."""


class _Handler(BaseHTTPRequestHandler):
    server: LogServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._send(200, b"{}")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked))
        match self.server.manner:
            case "well":
                self._answer(asked)
            case "garbage":
                self._send(200, b"<html>sign in</html>")
            case "numbers":
                self._send(200, b"[1, 2]")
            case "endless":
                self._endless(b"x" * 65536, 0)
            case "trickle":
                self._endless(b"[", 0.05)
            case "silent":
                time.sleep(3)
            case "elsewhere":
                self._send(302, b"", Location=self.server.elsewhere)
            case "busy once":
                busy = len(self.server.asked) == 1
                self._send(429, b"{}", **{"Retry-After": "0"}) if busy else self._answer(asked)
            case "busy":
                self._send(429, b"{}", **{"Retry-After": "0"})
            case "busy for an hour":
                self._send(503, b"{}", **{"Retry-After": "3600"})
            case "no index":
                self._send(404, b"{}")
            case "broken":
                self._send(500, b"{}")
            case "compressed":
                self._send(200, b"\x1f\x8b", **{"Content-Encoding": "gzip"})

    def _answer(self, asked: Json) -> None:
        if self.path == "/api/v1/index/retrieve":
            found: Any = self.server.index.get(asked["hash"].removeprefix("sha256:"), [])
        elif self.path == "/api/v1/log/entries/retrieve":
            found = [{one: self.server.stored[one]} for one in asked["entryUUIDs"]]
        else:
            self._send(404, b"{}")
            return
        self._send(200, json.dumps(found).encode())

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _endless(self, block: bytes, pause: float) -> None:
        self.send_response(200)
        self.end_headers()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            self.wfile.write(block)
            self.wfile.flush()
            time.sleep(pause)


@contextmanager
def serving(manner: str = "well") -> Iterator[LogServer]:
    """A log server that runs until the end of the block."""
    with running(LogServer(manner)) as server:
        yield server

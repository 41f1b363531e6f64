"""A small real registry on loopback (OCI distribution spec v1.1), which can also misbehave as servers do.

Images are pushed to it by clients (POST, PATCH, PUT) or put into it by tests. With or without the referrers API, with
bearer or basic log-in, with blobs elsewhere.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from image_parts import OCI_INDEX, Parts, digest_of, dumped
from running import running

Json = dict[str, Any]
_ROUTE = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>manifests|blobs|referrers|tags|uploads)/(?P<rest>.*)")


@dataclass
class Repository:
    """What one repository holds."""

    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, data: bytes, media_type: str, tag: str | None = None) -> str:
        """Keep a manifest, by tag if one is given; its digest."""
        digest = digest_of(data)
        self.manifests[digest] = (media_type, data)
        if tag is not None:
            self.tags[tag] = digest
        return digest

    def add(self, parts: Parts, **tags: Json) -> None:
        """Keep all parts; `tags` are descriptors by tag (`_` for characters that Python's names lack)."""
        for digest, data in parts.blobs.items():
            if digest in parts.manifests:
                self.manifests[digest] = (parts.manifests[digest], data)
            else:
                self.blobs[digest] = data
        for tag, found in tags.items():
            self.tags[tag] = found["digest"]

    def referrers(self, digest: str) -> list[Json]:
        """Descriptors of the manifests whose subject is `digest`."""
        found = []
        for one, (media_type, data) in self.manifests.items():
            document = json.loads(data)
            if (document.get("subject") or {}).get("digest") == digest:
                kind = document.get("artifactType") or (document.get("config") or {}).get("mediaType")
                found.append(
                    {
                        "mediaType": media_type,
                        "digest": one,
                        "size": len(data),
                        "artifactType": kind,
                        "annotations": document.get("annotations") or {},
                    }
                )
        return found


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


Manner = Callable[["_Handler"], bool]
"""Answers and says True, or says False to have the request answered as usual."""


class RegistryServer(ThreadingHTTPServer):
    """`repositories` by name; what it was asked stands in `asked`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *, api: bool = True, login: str = "", public: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api, self.login, self.public = api, login, public
        self.users = {"anna": "s3cret-pässword"}
        self.refresh = "r3fresh-token"
        self.tokens: dict[str, str] = {}
        self.repositories: dict[str, Repository] = {}
        self.asked: list[Asked] = []
        self.manners: list[tuple[re.Pattern[str], Manner]] = []
        self.blobs_at = ""
        """Where blobs are sent on to: an address's start."""
        self.page_size = 0
        self.realm = ""
        self.challenge: str | None = None
        self.uploads: dict[str, bytes] = {}
        self.lock = threading.Lock()

    @property
    def host(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self.server_port}"

    def repository(self, name: str) -> Repository:
        """The repository of this name, made when it is first named."""
        return self.repositories.setdefault(name, Repository())

    def when(self, path: str, manner: Manner, times: int = 1_000_000) -> None:
        """Answer requests whose path holds the pattern in a manner of their own, the first `times`."""
        left = [times]

        def limited(handler: _Handler) -> bool:
            with self.lock:
                if left[0] <= 0:
                    return False
                left[0] -= 1
            return manner(handler)

        self.manners.append((re.compile(path), limited))

    def authorizations(self) -> list[str]:
        """Every Authorization header that came, in order."""
        return [one.headers["authorization"] for one in self.asked if "authorization" in one.headers]

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are expected."""


class _Handler(BaseHTTPRequestHandler):
    server: RegistryServer
    protocol_version = "HTTP/1.1"
    timeout = 30
    body = b""

    def log_message(self, *_: Any) -> None:
        pass

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self._chunked() if self.headers.get("Transfer-Encoding") == "chunked" else self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.command, self.path, headers, self.body))
        for pattern, manner in self.server.manners:
            if pattern.search(self.path) and manner(self):
                return
        if urlsplit(self.path).path == "/token":
            self._token()
        elif self._admitted():
            self._route()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def _chunked(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def send(self, status: int, body: bytes = b"", **headers: str) -> bool:
        """A whole answer; underscores in names stand for hyphens. True, for manners."""
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **named}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return True

    def fail(self, status: int, code: str, **headers: str) -> bool:
        """An error in the registry's words."""
        body = dumped({"errors": [{"code": code, "message": code.lower()}]})
        return self.send(status, body, Content_Type="application/json", **headers)

    # --- logging in

    def _admitted(self) -> bool:
        given = self.headers.get("Authorization", "")
        scheme = self.server.login
        if not scheme:
            return True
        if scheme == "basic":
            if self._user(given) is not None:
                return True
            self.fail(401, "UNAUTHORIZED", WWW_Authenticate=self.server.challenge or 'Basic realm="here"')
            return False
        found = _ROUTE.match(urlsplit(self.path).path)
        scope = self.server.tokens.get(given.removeprefix("Bearer "), "") if given.startswith("Bearer ") else ""
        if found and scope.split(":")[:2] == ["repository", found["name"]]:
            if self.command in ("GET", "HEAD") or "push" in scope:
                return True
        if not found and scope:
            return True
        realm = self.server.realm or f"http://{self.server.host}/token"
        name = found["name"] if found else ""
        challenge = f'Bearer realm="{realm}",service="the registry",scope="repository:{name}:pull,push"'
        self.fail(401, "UNAUTHORIZED", WWW_Authenticate=self.server.challenge or challenge)
        return False

    def _user(self, header: str) -> str | None:
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user if self.server.users.get(user) == password else None

    def _token(self) -> None:
        if self.command == "POST":
            form = {key: values[0] for key, values in parse_qs(self.body.decode()).items()}
            known = form.get("grant_type") == "refresh_token" and form.get("refresh_token") == self.server.refresh
        else:
            form = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            header = self.headers.get("Authorization")
            known = self._user(header) is not None if header else self.server.public
        if not known or form.get("service") != "the registry" or not form.get("scope"):
            self.fail(401, "UNAUTHORIZED")
            return
        token = f"t0ken-{len(self.server.tokens)}-of-{'post' if self.command == 'POST' else 'get'}"
        self.server.tokens[token] = form["scope"]
        self.send(200, dumped({"token": token, "expires_in": 300}), Content_Type="application/json")

    # --- the registry

    def _route(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path in ("/v2/", "/v2"):
            self.send(200, b"{}", Content_Type="application/json")
            return
        found = _ROUTE.match(parts.path)
        if not found:
            self.fail(404, "NOT_FOUND")
            return
        repository = self.server.repository(found["name"])
        rest = found["rest"]
        match found["kind"], self.command:
            case "blobs", "POST" | "PATCH" | "PUT":
                self._upload(repository, found["name"], rest.removeprefix("uploads/").strip("/"), query)
            case "blobs", _:
                self._blob(repository, found["name"], rest)
            case "manifests", "PUT":
                self._put(repository, rest)
            case "manifests", _:
                self._manifest(repository, rest)
            case "referrers", _:
                self._referrers(repository, rest, query)
            case "tags", _:
                body = dumped({"name": found["name"], "tags": sorted(repository.tags)})
                self.send(200, body, Content_Type="application/json")
            case _:
                self.fail(404, "NOT_FOUND")

    def _manifest(self, repository: Repository, reference: str) -> None:
        digest = repository.tags.get(reference, reference)
        if digest not in repository.manifests:
            self.fail(404, "MANIFEST_UNKNOWN")
            return
        media_type, data = repository.manifests[digest]
        self.send(200, data, Content_Type=media_type, Docker_Content_Digest=digest)

    def _blob(self, repository: Repository, name: str, digest: str) -> None:
        if self.server.blobs_at:
            self.send(307, b"", Location=f"{self.server.blobs_at}/v2/{name}/blobs/{digest}?signature=s1gned")
        elif digest in repository.blobs:
            self.send(200, repository.blobs[digest], Content_Type="application/octet-stream")
        else:
            self.fail(404, "BLOB_UNKNOWN")

    def _referrers(self, repository: Repository, digest: str, query: dict[str, str]) -> None:
        if not self.server.api:
            self.fail(404, "NOT_FOUND")
            return
        found, headers = repository.referrers(digest), {}
        if kind := query.get("artifactType"):
            found = [one for one in found if one["artifactType"] == kind]
            headers["OCI_Filters_Applied"] = "artifactType"
        start, size = int(query.get("last", 0)), self.server.page_size or len(found) or 1
        if start + size < len(found):
            headers["Link"] = f'<{urlsplit(self.path).path}?last={start + size}>; rel="next"'
        body = dumped({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found[start : start + size]})
        self.send(200, body, Content_Type=OCI_INDEX, **headers)

    def _put(self, repository: Repository, reference: str) -> None:
        tag = None if reference.startswith("sha256:") else reference
        digest = repository.put(self.body, self.headers.get("Content-Type", ""), tag)
        subject = (json.loads(self.body).get("subject") or {}).get("digest")
        more = {"OCI_Subject": subject} if subject and self.server.api else {}
        self.send(201, b"", Docker_Content_Digest=digest, Location=self.path, **more)

    def _upload(self, repository: Repository, name: str, session: str, query: dict[str, str]) -> None:
        if self.command == "POST" and "digest" not in query:
            session = f"upload-{len(self.server.uploads)}"
            self.server.uploads[session] = b""
        self.server.uploads[session] = self.server.uploads.get(session, b"") + self.body
        if "digest" not in query:
            place = f"/v2/{name}/blobs/uploads/{session}"
            self.send(202, b"", Location=place, Range=f"0-{max(0, len(self.server.uploads[session]) - 1)}")
            return
        data = self.server.uploads.pop(session)
        if digest_of(data) != query["digest"]:
            self.fail(400, "DIGEST_INVALID")
            return
        repository.blobs[query["digest"]] = data
        self.send(201, b"", Location=f"/v2/{name}/blobs/{query['digest']}", Docker_Content_Digest=query["digest"])


# --- manners of servers that misbehave


def html(handler: _Handler) -> bool:
    """A log-in page, with status 200."""
    return handler.send(200, b"<!doctype html><html>please sign in</html>", Content_Type="text/html; charset=utf-8")


def status(code: int, **headers: str) -> Manner:
    """Any status with any headers."""
    return lambda handler: handler.fail(code, "SOMETHING", **headers)


def content(body: bytes, media_type: str, **headers: str) -> Manner:
    """This body, whatever was asked for."""
    return lambda handler: handler.send(200, body, Content_Type=media_type, **headers)


def redirect(location: str, code: int = 307) -> Manner:
    """Elsewhere; `{path}` is what was asked for."""
    return lambda handler: handler.send(code, b"", Location=location.replace("{path}", handler.path))


def truncated(handler: _Handler) -> bool:
    """Half of what was promised, then the end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{" + b" " * 400)
    handler.close_connection = True
    return True


def raw(data: bytes, repeat: int = 1) -> Manner:
    """These bytes, with no HTTP around them."""

    def answer(handler: _Handler) -> bool:
        handler.close_connection = True
        for _ in range(repeat):
            handler.wfile.write(data)
        return True

    return answer


def _until_gone(handler: _Handler, block: bytes, pause: float) -> bool:
    handler.close_connection = True
    until = time.monotonic() + 20
    while time.monotonic() < until:
        handler.wfile.write(block)
        handler.wfile.flush()
        time.sleep(pause)
    return True


def endless(handler: _Handler) -> bool:
    """A body that never ends."""
    handler.send_response(200)
    handler.end_headers()
    return _until_gone(handler, b"x" * 65536, 0)


def trickle(handler: _Handler) -> bool:
    """A body, one byte now and then."""
    handler.send_response(200)
    handler.end_headers()
    return _until_gone(handler, b" ", 0.05)


def trickling_headers(handler: _Handler) -> bool:
    """Headers without end, one byte now and then."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    return _until_gone(handler, b"x", 0.05)


def silent(handler: _Handler) -> bool:
    """No answer at all."""
    time.sleep(5)
    handler.close_connection = True
    return True


def hang_up(handler: _Handler) -> bool:
    """The connection closed without a word."""
    handler.close_connection = True
    return True


@contextmanager
def serving(*, api: bool = True, login: str = "", public: bool = False) -> Iterator[RegistryServer]:
    """A registry that runs until the end of the block."""
    with running(RegistryServer(api=api, login=login, public=public)) as server:
        yield server

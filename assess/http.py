"""The one small HTTP client: bounded in size and time, and imported only when it is needed.

1. https or http, a host, no credentials in the address
2. one deadline over connecting, all attempts, all redirects and all of the body
3. a redirect is an error unless the caller follows: then at most `MAX_REDIRECTS`, never from TLS to plain text (but to
   hosts that the user named), and what logs in goes to no other host, port or scheme
4. the body is neither decompressed nor read beyond its limit
5. busy and broken servers are tried again, for as long as the deadline allows
6. credentials, queries and what servers say stand in no message; an error keeps no other error that could show them
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

from assess._http_secrets import Secret, bare
from assess.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from assess._http_pool import Pools

__all__ = ["Answer", "Client", "Follow", "HttpLimits", "Secret", "bare", "request"]

MAX_REDIRECTS = 5
_BLOCK = 64 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)

Follow = Literal["never", "here", "anywhere"]
"""`never`: a redirect is an error; `here`: one to another place is the answer."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one request may cost; seconds and bytes."""

    size: int = 4 << 20
    connect: float = 5.0
    total: float = 30.0
    """Over all attempts and redirects, waiting included."""
    attempts: int = 3
    longest_wait: float = 5.0
    """Between two attempts; a server that asks for more is not asked again."""
    read: float = 30.0
    """For one single read."""
    again: tuple[int, ...] = (429, 502, 503, 504)
    """Statuses that are tried again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        """A header's value; "" where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def all_headers(self, name: str) -> tuple[str, ...]:
        """All values of a header that may stand more than once."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    limits: HttpLimits
    deadline: float


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    accept: str = "application/json",
    limits: HttpLimits | None = None,
) -> Answer:
    """One request that follows no redirect; any other final status is an answer.

    Raises UnavailableError with the address for what is out of reach, too slow, too large or redirected.
    """
    client = Client()
    try:
        return client.request(method, url, body=body, accept=accept, limits=limits)
    finally:
        client.close()


class Client:
    """Requests over shared connections; safe to share between threads."""

    def __init__(self, *, ca_file: Path | None = None, plain_http: tuple[str, ...] = ()) -> None:
        """`plain_http`: hosts (`host`, `host:port`) that a redirect may reach without TLS. Raises ConfigError."""
        self._plain = plain_http
        self._lock = threading.Lock()
        self._pools = _pools(ca_file) if ca_file is not None else None

    def close(self) -> None:
        """Close all connections."""
        if self._pools is not None:
            self._pools.close()

    def is_plain(self, host: str) -> bool:
        """Whether the user named `host` (with or without its port) as one without TLS."""
        return host in self._plain or re.sub(r":[0-9]+\Z", "", host) in self._plain

    def request(
        self,
        method: str,
        url: str,
        *,
        authorization: Secret | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        limits: HttpLimits | None = None,
        follow: Follow = "never",
    ) -> Answer:
        """One request; raises UnavailableError as `request` does."""
        limits = limits or HttpLimits()
        headers = [("Accept", accept), ("Accept-Encoding", "identity"), ("User-Agent", _agent())]
        if body is not None:
            headers.append(("Content-Type", content_type))
        deadline = time.monotonic() + limits.total
        asked = _Request(method, tuple(headers), body, limits, deadline)
        for _ in range(MAX_REDIRECTS + 1):
            _checked(url)
            answer = self._persistent(asked, url, authorization)
            # (3)
            if answer.status not in _REDIRECTS:
                return answer
            if follow == "never":
                hint = f"it names {bare(answer.header('Location')) or 'no place'!r}; is the address the right one?"
                raise UnavailableError("the server sends elsewhere, which is not followed", bare(url), hint)
            target = _target(url, answer)
            if _origin(target) != _origin(url):
                if follow == "here":
                    return answer
                authorization = None
            self._check_tls(url, target)
            url = target
        raise UnavailableError(f"sent on too often (more than {MAX_REDIRECTS} times)", bare(url))

    def _check_tls(self, url: str, target: str) -> None:
        scheme, host = urlsplit(target)[:2]
        if scheme == "http" and not self.is_plain(host):
            hint = f"if {bare(host)} is to be reached without TLS on purpose, name it: --plain-http {bare(host)}"
            raise UnavailableError(f"sent on without TLS (to {bare(target)}), which is refused", bare(url), hint)

    def _persistent(self, asked: _Request, url: str, authorization: Secret | None) -> Answer:
        """As often as the limits allow."""
        limits = asked.limits
        for attempt in range(1, limits.attempts + 1):
            outcome, wait = self._once(asked, url, authorization, attempt)
            left = asked.deadline - time.monotonic()
            # (5)
            if wait is None or attempt == limits.attempts or wait > min(limits.longest_wait, left):
                break
            time.sleep(wait)
        if isinstance(outcome, UnavailableError):
            raise outcome
        if outcome.status in limits.again:
            state = "busy" if outcome.status in (429, 503) else "broken"
            raise UnavailableError(f"the server is {state} (status {outcome.status})", bare(url), "try again later")
        return outcome

    def _once(
        self, asked: _Request, url: str, authorization: Secret | None, attempt: int
    ) -> tuple[Answer | UnavailableError, float | None]:
        """One attempt, and the seconds to wait before another; None where another is of no use."""
        from assess._http_pool import FAILURES, broke_off, reason_of

        try:
            answer = self._exchange(asked, url, authorization)
        except UnavailableError as refused:
            return refused, None
        except FAILURES as problem:
            # (6) words of our own: what urllib3 says may hold addresses with queries, and headers
            reason, hint = reason_of(problem)
            wait = _backoff(attempt) if broke_off(problem) and asked.method == "GET" else None
        else:
            again = answer.status in asked.limits.again
            return answer, _wait(answer.header("Retry-After"), attempt) if again else None
        return UnavailableError(f"out of reach ({reason})", bare(url), hint), wait

    def _exchange(self, asked: _Request, url: str, authorization: Secret | None) -> Answer:
        headers = dict(asked.headers)
        if authorization is not None:
            headers["Authorization"] = authorization.reveal()
            if not re.fullmatch(r"[\x21-\x7e][\x20-\x7e]*", headers["Authorization"]):
                raise UnavailableError("credentials that cannot be sent (unprintable characters)", bare(url))
        with self._lock:
            if self._pools is None:
                self._pools = _pools(None)
        response = self._pools.send(
            asked.method, url, headers, asked.body, asked.limits.connect, asked.limits.read, asked.deadline
        )
        try:
            content = _body(response, url, asked.limits)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(response.status, content, tuple(response.headers.items()))


def _pools(ca_file: Path | None) -> Pools:
    from assess._http_pool import Pools

    try:
        return Pools(ca_file)
    except (OSError, ValueError):
        problem = "not certificates of authorities (expected a PEM file)"
    raise ConfigError(problem, str(ca_file), "name a file with one or more certificates in PEM")


def _checked(url: str) -> None:
    # (1)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("https", "http") or not host or parts.username is not None or not url.isprintable():
        raise UnavailableError("not an address (expected https://host/path)", bare(url), "check the address")


def _target(url: str, answer: Answer) -> str:
    location = answer.header("Location")
    try:
        target = urljoin(url, location)
        _origin(target)
    except ValueError:
        location = ""
    if not location:
        raise UnavailableError("the server sends on, but not to an address", bare(url))
    return target


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _agent() -> str:
    from assess import __version__

    return f"slsa-assess/{__version__}"


def _body(response: BaseHTTPResponse, url: str, limits: HttpLimits) -> bytes:
    # (4)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnavailableError("the answer is compressed, which was not asked for", bare(url))
    blocks: list[bytes] = []
    size = 0
    # read1: what is there; the connection's clock ends a body that trickles
    while block := response.read1(_BLOCK):
        size += len(block)
        if size > limits.size:
            raise UnavailableError(f"the answer is too large (expected at most {limits.size} bytes)", bare(url))
        blocks.append(block)
    return b"".join(blocks)


def _wait(asked: str, attempt: int) -> float:
    """Seconds before another attempt: what `Retry-After` says, in seconds or as a date, else ever longer."""
    if asked.isdecimal() and len(asked) < 10:
        return float(asked)
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return _backoff(attempt)


def _backoff(attempt: int) -> float:
    return float(0.5 * 2 ** (attempt - 1))

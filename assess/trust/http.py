"""The one small HTTP client: bounded in size and time, follows no redirect, and is imported only when it is needed.

1. https or http, a host, no credentials in the address
2. one deadline over connecting, all attempts and all of the body
3. a redirect is an error: what was asked for is at the address that the user or the trusted root names
4. the body is neither decompressed nor read beyond its limit
5. 429, 502, 503 and 504 are tried again, for as long as the deadline allows
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assess.errors import UnavailableError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_AGAIN = (429, 502, 503, 504)
_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one request may cost; seconds and bytes."""

    size: int = 4 << 20
    connect: float = 5.0
    total: float = 30.0
    """Over all attempts, waiting included."""
    attempts: int = 3
    longest_wait: float = 5.0
    """Between two attempts; a server that asks for more is not asked again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    accept: str = "application/json",
    limits: HttpLimits | None = None,
) -> Answer:
    """One request; any final status is an answer, 3xx is not.

    Raises UnavailableError with the address for what is out of reach, too slow, too large or redirected.
    """
    limits = limits or HttpLimits()
    host = _checked(url)
    deadline = time.monotonic() + limits.total
    headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": _agent()}
    if body is not None:
        headers["Content-Type"] = "application/json"
    with _pool(url, host) as pool:
        for attempt in range(1, limits.attempts + 1):
            answer, wait = _once(pool, method, url, body, headers, limits, deadline)
            left = deadline - time.monotonic()
            if answer.status not in _AGAIN or attempt == limits.attempts or wait > min(limits.longest_wait, left):
                break
            time.sleep(wait)
    if answer.status in _AGAIN:
        raise UnavailableError(f"the server is busy (status {answer.status})", url, "try again later")
    return answer


def _checked(url: str) -> str:
    # (1)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("https", "http") or not host or parts.username is not None or not url.isprintable():
        raise UnavailableError("not an address (expected https://host/path)", url[:200], "check the address")
    return host


def _agent() -> str:
    from assess import __version__

    return f"slsa-assess/{__version__}"


def _pool(url: str, host: str) -> PoolManager:
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    proxy = getproxies().get(urlsplit(url).scheme)
    if proxy and not proxy_bypass(host):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _once(
    pool: PoolManager,
    method: str,
    url: str,
    body: bytes | None,
    headers: dict[str, str],
    limits: HttpLimits,
    deadline: float,
) -> tuple[Answer, float]:
    """One attempt, and the seconds to wait before another."""
    from urllib3 import Timeout
    from urllib3.exceptions import HTTPError

    # (2) each single read may take what is left
    left = max(0.05, deadline - time.monotonic())
    timeout = Timeout(connect=min(limits.connect, left), read=left)
    try:
        response = pool.request(
            method, url, body=body, headers=headers, timeout=timeout,
            retries=False, redirect=False, preload_content=False, decode_content=False,
        )  # fmt: skip
        try:
            # (3)
            if 300 <= response.status < 400:
                raise UnavailableError("the server sends elsewhere, which is not followed", url, _whither(response))
            return Answer(response.status, _body(response, url, limits, deadline)), _wait(response)
        finally:
            response.close()
    except (HTTPError, OSError, ValueError) as problem:
        reason = " ".join(str(problem).split())[:200]
        raise UnavailableError(
            f"out of reach ({reason})", url, "is the network there, and the address right?"
        ) from None


def _whither(response: BaseHTTPResponse) -> str:
    return f"it names {response.headers.get('Location', 'no place')[:200]!r}; is the address the right one?"


def _wait(response: BaseHTTPResponse) -> float:
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() and len(asked) < 6 else 1.0


def _body(response: BaseHTTPResponse, url: str, limits: HttpLimits, deadline: float) -> bytes:
    # (4)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnavailableError("the answer is compressed, which was not asked for", url)
    blocks: list[bytes] = []
    size = 0
    # read1: what is there, so that a body that trickles meets the deadline
    while block := response.read1(_BLOCK):
        size += len(block)
        if size > limits.size:
            raise UnavailableError(f"the answer is too large (expected at most {limits.size} bytes)", url)
        if time.monotonic() > deadline:
            raise UnavailableError(f"the answer takes too long (expected at most {limits.total:g} s)", url)
        blocks.append(block)
    return b"".join(blocks)

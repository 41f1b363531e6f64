"""Pools of connections as `assess.http` wants them; the one module that imports urllib3, and imported only when needed.

1. one deadline over all that is read, headers included: each read gets what is left, so that nothing can trickle on
2. TLS is verified, against the system's authorities and those that the user names
3. proxies come from the environment; what logs in to one stays out of addresses, and so out of messages
4. nothing that logs sees a query (signatures stand in them) or a header
"""

from __future__ import annotations

import io
import ipaddress
import logging
import re
import ssl
import threading
import time
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPSConnectionPool,
    PoolManager,
    ProxyManager,
    Timeout,
    exceptions,
    make_headers,
)
from urllib3.connection import HTTPConnection, HTTPSConnection

MAX_CONNECTIONS = 16
"""Kept to one host."""
_LOGGERS = ("urllib3.connection", "urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry")


class _Clock(threading.local):
    """Of the request that this thread makes: when it ends, and how long one read may take."""

    deadline = 0.0
    read = 0.0


CLOCK = _Clock()


class Pools:
    """Connections to any host, directly or through a proxy; safe to share between threads."""

    def __init__(self, ca_file: Path | None) -> None:
        """Raises OSError or ValueError where `ca_file` cannot be loaded."""
        # (2)
        self._context = ssl.create_default_context()
        if ca_file is not None:
            self._context.load_verify_locations(cafile=str(ca_file))
        self._proxies = getproxies()
        self._managers: dict[str, PoolManager] = {}
        self._lock = threading.Lock()
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_without_queries)

    def send(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None,
        connect: float, read: float, deadline: float,
    ) -> BaseHTTPResponse:  # fmt: skip
        """The answer, its body unread; no redirect is followed and nothing tried again. Raises `FAILURES`."""
        CLOCK.deadline, CLOCK.read = deadline, read
        left = max(0.05, deadline - time.monotonic())
        timeout = Timeout(connect=min(connect, left), read=min(read, left))
        return self._of(url).request(
            method, url, body=body, headers=headers, timeout=timeout,
            retries=False, redirect=False, preload_content=False, decode_content=False,
        )  # fmt: skip

    def _of(self, url: str) -> PoolManager:
        """The pool for an address. Raises ValueError for a proxy that cannot be used."""
        parts = urlsplit(url)
        proxy = self._proxies.get(parts.scheme) or self._proxies.get("all") or ""
        if proxy and _goes_directly(parts):
            proxy = ""
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = self._manager(proxy)
            return self._managers[proxy]

    def close(self) -> None:
        """Close all idle connections."""
        for manager in self._managers.values():
            manager.clear()

    def _manager(self, proxy: str) -> PoolManager:
        options: dict[str, Any] = {"maxsize": MAX_CONNECTIONS, "num_pools": 64, "ssl_context": self._context}
        if proxy:
            # (3)
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            login = None
            if parts.username is not None:
                login = make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
            bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
            manager: PoolManager = ProxyManager(bare, proxy_headers=login, **options)
        else:
            manager = PoolManager(**options)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager


def _goes_directly(parts: SplitResult) -> bool:
    """Loopback, and what NO_PROXY names: hosts, domains, networks."""
    host = parts.hostname or ""
    if host == "localhost" or proxy_bypass(parts.netloc) or proxy_bypass(host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in _networks(getproxies().get("no", "")))


def _networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    found = []
    for one in text.split(","):
        try:
            found.append(ipaddress.ip_network(one.strip(), strict=False))
        except ValueError:
            continue
    return found


class _Bounded(io.RawIOBase):
    """What a socket gives, each read within the thread's clock."""

    def __init__(self, raw: io.RawIOBase, sock: socket) -> None:
        self._raw, self._sock = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # (1)
        left = CLOCK.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        if self._sock.fileno() >= 0:
            self._sock.settimeout(min(left, CLOCK.read))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _Response
    debuglevel = 0  # (4) http.client would print headers


class _TlsConnection(HTTPSConnection):
    response_class = _Response
    debuglevel = 0


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _without_queries(record: logging.LogRecord) -> bool:
    # (4)
    if isinstance(record.args, tuple):
        record.args = tuple(one.partition("?")[0] if isinstance(one, str) else one for one in record.args)
    return True


FAILURES = (exceptions.HTTPError, HTTPException, OSError, ValueError)
"""What a request may raise."""


def broke_off(problem: Exception) -> bool:
    """Whether the connection ended in the middle, which may happen once to anybody."""
    return isinstance(problem, exceptions.ProtocolError)


def reason_of(problem: Exception) -> tuple[str, str]:
    """What went wrong in words of our own, and advice."""
    hint = "is the network there, and the address right?"
    causes = [problem, *(one for one in problem.args if isinstance(one, Exception))]
    while causes[-1].__cause__ is not None and isinstance(causes[-1].__cause__, Exception) and len(causes) < 8:
        causes.append(causes[-1].__cause__)
    if any(isinstance(one, exceptions.ProxyError) for one in causes):
        return "the proxy does not answer", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    # the first cause says most
    for one in reversed(causes):
        match one:
            case ssl.SSLCertVerificationError():
                words = re.sub(r"[^\w '.-]", "", one.verify_message or "it cannot be verified")[:100]
                return (
                    f"the certificate: {words}",
                    "name its authority, if it is your own (registries: --registry-ca FILE)",
                )
            case exceptions.SSLError() | ssl.SSLError():
                return (
                    "no TLS there",
                    "if a registry speaks plain HTTP on purpose (loopback too), name it: --plain-http HOST",
                )
            case exceptions.NameResolutionError():
                return "no host of this name is known", hint
            case ConnectionRefusedError():
                return "connection refused", hint
            case exceptions.NewConnectionError():
                return "no connection", hint
            case exceptions.TimeoutError() | TimeoutError():
                return "it takes too long", hint
            case exceptions.ProtocolError() | HTTPException() | ConnectionError():
                return "the answer broke off", hint
    return "no connection", hint

"""Requests to registries, logged in where they ask for it (Docker's token authentication, and basic).

1. nothing is sent unasked: a registry first refuses (401) and says how to log in
2. tokens are asked for one repository and for pulling, whatever the registry's challenge would have
3. the token server is reached over TLS, or is one that the user named as plain; credentials follow no redirect
4. what comes back is used as a header and goes nowhere else
"""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from assess.attestations._json import parsed_or_none
from assess.errors import UnavailableError
from assess.http import Answer, Client, Follow, HttpLimits, Secret, bare
from assess.images.challenge import Challenge, read_challenges
from assess.images.credentials import Credential, Credentials, Found
from assess.images.options import ImageOptions
from assess.images.reference import DOCKER_HUB

_HUB_API = "registry-1.docker.io"
_AGAIN = (429, 500, 502, 503, 504)
_MAX_TOKEN = 1 << 20
_ADDRESS = re.compile(r"https?://[\w.:-]+(?:[/?][\x21-\x7e]*)?", re.A)
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A repository at a host: the origin, or a mirror."""

    host: str
    repository: str

    @property
    def name(self) -> str:
        """`host/repository`."""
        return f"{self.host}/{self.repository}"


class Session:
    """Connections, credentials and tokens, shared by all images of one run and by its threads."""

    def __init__(self, options: ImageOptions) -> None:
        """Raises ConfigError for a file of authorities or credentials that cannot be used."""
        self.options = options
        self._client = Client(ca_file=options.ca_file, plain_http=options.plain_http)
        self._credentials = Credentials(options.auth_file)
        self._headers: dict[Endpoint, Secret] = {}
        self._locks: dict[Endpoint, threading.Lock] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def limits(self, size: int, total: float | None = None) -> HttpLimits:
        """For an answer of at most `size` bytes."""
        options = self.options
        return HttpLimits(
            size=size, connect=options.connect, total=options.total if total is None else total,
            attempts=options.attempts, longest_wait=options.total, read=options.read, again=_AGAIN,
        )  # fmt: skip

    def url(self, endpoint: Endpoint, path: str) -> str:
        """The address of `path` (`manifests/latest`) in a repository."""
        host = _HUB_API if endpoint.host == DOCKER_HUB else endpoint.host
        scheme = "http" if self._client.is_plain(endpoint.host) else "https"
        return f"{scheme}://{host}/v2/{endpoint.repository}/{path}"

    def get(self, endpoint: Endpoint, url: str, accept: str, limits: HttpLimits, follow: Follow) -> Answer:
        """What a registry answers, of any status but 401 and 403. Raises UnavailableError."""
        header = self._headers.get(endpoint)
        answer = self._client.request("GET", url, authorization=header, accept=accept, limits=limits, follow=follow)
        if answer.status == 401:
            # (1)
            header, found = self._log_in(endpoint, answer, header)
            answer = self._client.request("GET", url, authorization=header, accept=accept, limits=limits, follow=follow)
            if answer.status == 401:
                raise self._unauthorized(endpoint, found)
        if answer.status == 403:
            raise self._unauthorized(endpoint, self._credentials.of(endpoint.host, endpoint.repository), "denied")
        return answer

    def _log_in(self, endpoint: Endpoint, refusal: Answer, used: Secret | None) -> tuple[Secret, Found]:
        with self._lock:
            lock = self._locks.setdefault(endpoint, threading.Lock())
        with lock:
            found = self._credentials.of(endpoint.host, endpoint.repository)
            known = self._headers.get(endpoint)
            if known is not None and known is not used:
                return known, found  # another thread was quicker
            header = self._header(endpoint, read_challenges(refusal.all_headers("WWW-Authenticate")), found)
            self._headers[endpoint] = header
            return header, found

    def _header(self, endpoint: Endpoint, challenges: tuple[Challenge, ...], found: Found) -> Secret:
        credential = found.credential
        bearer = next((one for one in challenges if one.scheme == "bearer" and one.get("realm")), None)
        if credential is not None and credential.kind == "bearer":
            return Secret(f"Bearer {credential.secret.reveal()}")
        if bearer is not None:
            token = self._token(endpoint, bearer, found)
            return Secret(f"Bearer {token.reveal()}")
        if any(one.scheme == "basic" for one in challenges):
            if credential is None or credential.kind != "password":
                raise self._unauthorized(endpoint, found)
            return _basic(credential)
        names = ", ".join(sorted({one.scheme for one in challenges}))[:60]
        raise UnavailableError(
            f"unauthorized, and no known way to log in is offered (got {names or 'none'}, expected bearer or basic)",
            endpoint.name,
        )

    def _token(self, endpoint: Endpoint, bearer: Challenge, found: Found) -> Secret:
        realm = bearer.get("realm")
        # (3)
        parts = (
            urlsplit(realm) if re.fullmatch(r"https?://[\w.:-]+(?:[/?][\x21-\x7e]*)?", realm, re.A) else urlsplit("")
        )
        if parts.scheme != "https" and not (parts.scheme == "http" and self._client.is_plain(parts.netloc)):
            hint = f"if it is to be reached without TLS on purpose, name it: --plain-http {bare(parts.netloc)}"
            raise UnavailableError(
                f"the registry's token server is not reached over TLS (got {bare(realm)!r})",
                endpoint.name,
                hint if parts.netloc else None,
            )
        # (2)
        scope = f"repository:{endpoint.repository}:pull"
        asked = {"service": bearer.get("service"), "scope": scope}
        credential = found.credential
        limits = self.limits(_MAX_TOKEN)
        if credential is not None and credential.kind == "identity":
            form = {
                **asked, "grant_type": "refresh_token", "client_id": "slsa-assess",
                "refresh_token": credential.secret.reveal(),
            }  # fmt: skip
            body = urlencode(form).encode()
            answer = self._client.request("POST", realm, body=body, content_type=_FORM, limits=limits, follow="here")
        else:
            query = urlencode({key: value for key, value in asked.items() if value})
            url = f"{realm}{'&' if parts.query else '?'}{query}"
            login = _basic(credential) if credential is not None else None
            answer = self._client.request("GET", url, authorization=login, limits=limits, follow="here")
        if answer.status in (400, 401, 403):
            raise self._unauthorized(endpoint, found)
        token = _token_in(answer) if answer.status == 200 else None
        if token is None:
            raise UnavailableError(f"the token server gives no token (status {answer.status})", bare(realm))
        return token

    def _unauthorized(self, endpoint: Endpoint, found: Found, what: str = "unauthorized") -> UnavailableError:
        host = endpoint.host
        if found.credential is not None:
            message = f"{what}: the registry does not accept the credentials of {found.credential.source} for this"
        else:
            message = f"{what}: the registry wants credentials, or there is no such repository"
        hint = f"log in with: docker login {'' if host == DOCKER_HUB else host}".rstrip()
        return UnavailableError(message, endpoint.name, f"{hint} ({found.note})" if found.note else hint)


def _basic(credential: Credential) -> Secret:
    pair = f"{credential.username}:{credential.secret.reveal()}"
    return Secret(f"Basic {b64encode(pair.encode()).decode()}")


def _token_in(answer: Answer) -> Secret | None:
    # (4)
    value = parsed_or_none(answer.body)
    if not isinstance(value, dict):
        return None
    token = value.get("token") or value.get("access_token")
    return Secret(token) if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]+", token) else None

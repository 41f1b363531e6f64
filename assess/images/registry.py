"""Images in a registry (OCI distribution spec v1.1, and Docker's registries), read only.

1. a tag is asked for once; everything after goes by digest
2. bytes are held to the digest and size that they were asked by, and to `Docker-Content-Digest`
3. a mirror is asked first where the user named one; what it lacks or garbles is asked of the origin
4. what belongs to an image: the referrers API; where there is none, the fallback tag (spec, "Referrers Tag Schema")
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from assess.errors import ConfigError, InputError, NoInputError, UnavailableError
from assess.files import ATTESTATION_LIMIT
from assess.http import Answer, Follow
from assess.images.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_ENTRIES,
    MAX_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    check_content,
    digest_of,
    read_manifest,
)
from assess.images.reference import RegistryReference, is_digest, is_host, is_repository, is_tag
from assess.images.session import Endpoint, Session
from assess.images.store import Descriptor, Manifest

MAX_PAGES = 20
"""Of one list of referrers."""
_ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))
_UNTYPED = ("", "application/json", "application/octet-stream", "binary/octet-stream")
_NO_API = (400, 404, 405, 406, 501)
"""What registries without the referrers API answer; the specification says 404, Artifactory 406."""
_SLACK = 64 << 10
"""Bytes beyond a blob's size that are read: what a registry says when it refuses, or when it lies."""

_T = TypeVar("_T")


class Registry:
    """An `ImageStore` over one repository; safe to share between threads."""

    def __init__(self, reference: RegistryReference, session: Session) -> None:
        """Raises ConfigError for a mirror that is no host or repository."""
        self._reference, self._session = reference, session
        origin = Endpoint(reference.host, reference.repository)
        mirror = _mirror(origin, session.options.mirrors)
        self._endpoints = (mirror, origin) if mirror else (origin,)
        self._lock = threading.Lock()
        self._resolved: Manifest | None = None

    @property
    def shown(self) -> str:
        """See `ImageStore`."""
        return self._reference.name

    @property
    def caveat(self) -> str | None:
        """See `ImageStore`."""
        return None

    def resolve(self) -> Manifest:
        """See `ImageStore`."""
        # (1)
        with self._lock:
            if self._resolved is None:
                wanted = self._reference.digest or self._reference.tag or ""
                found = self._manifest(wanted)
                if found is None:
                    raise NoInputError("no such image in the registry", str(self._reference), "check name and tag")
                self._resolved = found
            return self._resolved

    def manifest(self, digest: str) -> Manifest | None:
        """See `ImageStore`."""
        if not is_digest(digest):
            raise InputError("a digest that cannot be asked for", self.shown)
        return self._manifest(digest)

    def tagged(self, tag: str) -> Manifest | None:
        """See `ImageStore`."""
        if not is_tag(tag):
            raise InputError("a tag that cannot be asked for", self.shown)
        return self._manifest(tag)

    def blob(self, descriptor: Descriptor) -> bytes:
        """See `ImageStore`."""
        if descriptor.data is not None:
            return descriptor.data
        place = f"{self.shown}@{descriptor.digest}"
        if descriptor.size > ATTESTATION_LIMIT:
            raise InputError(f"too large (got {descriptor.size} bytes, expected at most {ATTESTATION_LIMIT})", place)

        def ask(endpoint: Endpoint) -> bytes | None:
            answer = self._get(endpoint, f"blobs/{descriptor.digest}", "*/*", descriptor.size + _SLACK)
            if answer is not None:
                check_content(answer.body, descriptor.digest, descriptor.size, place)
            return answer.body if answer is not None else None

        data = self._first(ask)
        if data is None:
            raise InputError("missing from the registry", place, "push the image again, whole")
        return data

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `ImageStore`."""
        if not is_digest(digest):
            raise InputError("a digest that cannot be asked for", self.shown)
        return self._first(lambda endpoint: self._referrers(endpoint, digest) or None) or ()

    def kept(self, kind: str) -> tuple[Descriptor, ...]:  # noqa: ARG002
        """See `ImageStore`."""
        return ()

    def _first(self, ask: Callable[[Endpoint], _T | None]) -> _T | None:
        """What the first endpoint has; the origin's word is the last."""
        # (3)
        for endpoint in self._endpoints[:-1]:
            try:
                found = ask(endpoint)
            except (UnavailableError, InputError):
                continue
            if found is not None:
                return found
        return ask(self._endpoints[-1])

    def _manifest(self, wanted: str) -> Manifest | None:
        return self._first(lambda endpoint: self._manifest_at(endpoint, wanted))

    def _manifest_at(self, endpoint: Endpoint, wanted: str) -> Manifest | None:
        place = f"{endpoint.name}{'@' if is_digest(wanted) else ':'}{wanted}"
        answer = self._get(endpoint, f"manifests/{wanted}", _ACCEPT, MAX_MANIFEST)
        if answer is None:
            return None
        # (2)
        digest = wanted if is_digest(wanted) else digest_of(answer.body)
        stated = answer.header("Docker-Content-Digest")
        if re.fullmatch(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", stated):
            check_content(answer.body, stated, None, f"{place} (header Docker-Content-Digest)")
        return read_manifest(answer.body, place, digest=digest, media_type=_media_type(answer, place))

    def _referrers(self, endpoint: Endpoint, digest: str) -> tuple[Descriptor, ...]:
        # (4)
        listed = self._listed(endpoint, digest)
        if listed is not None:
            return listed
        tag = digest.replace(":", "-", 1)
        index = self._manifest_at(endpoint, tag)
        if index is None or index.digest == digest:  # GitLab's registry takes the tag for the digest itself
            return ()
        if index.kind != "index":
            raise InputError("the fallback tag for referrers is no index", f"{endpoint.name}:{tag}")
        return index.manifests

    def _listed(self, endpoint: Endpoint, digest: str) -> tuple[Descriptor, ...] | None:
        """All pages of the referrers API; None where the registry has none.

        Registries without it also send on to a web page elsewhere (GitHub's) or to a log-in (Google's).
        """
        url = self._session.url(endpoint, f"referrers/{digest}")
        place = f"{endpoint.name}/referrers/{digest}"
        ends = time.monotonic() + self._session.options.total
        found: dict[str, Descriptor] = {}
        seen: set[str] = set()
        while url:
            seen.add(url)
            if len(seen) > MAX_PAGES or len(found) > MAX_ENTRIES:
                raise InputError(f"too many referrers (more than {MAX_PAGES} pages or {MAX_ENTRIES})", place)
            limits = self._session.limits(MAX_MANIFEST, max(0.05, ends - time.monotonic()))
            answer = self._session.get(endpoint, url, OCI_INDEX, limits, "here")
            typed = _type(answer) == OCI_INDEX
            elsewhere = 300 <= answer.status < 400 or (answer.status == 200 and not typed)
            if len(seen) == 1 and (answer.status in _NO_API or elsewhere):
                return None
            if answer.status != 200 or not typed:
                raise UnavailableError(f"the registry cannot list referrers (status {answer.status})", place)
            if answer.header("OCI-Filters-Applied"):
                raise InputError("the registry lists some referrers only, though all were asked for", place)
            for one in read_manifest(answer.body, place, media_type=OCI_INDEX).manifests:
                found.setdefault(one.digest, one)
            url = _next_page(url, answer, place)
            if url in seen:
                raise InputError("the pages of referrers go round in a circle", place)
        return tuple(found.values())

    def _get(self, endpoint: Endpoint, path: str, accept: str, size: int, follow: Follow = "anywhere") -> Answer | None:
        """The answer with status 200; None for 404."""
        url = self._session.url(endpoint, path)
        answer = self._session.get(endpoint, url, accept, self._session.limits(size), follow)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise UnavailableError(f"the registry refuses (status {answer.status})", f"{endpoint.name}/{path}")
        return answer


def _type(answer: Answer) -> str:
    return answer.header("Content-Type").partition(";")[0].strip().lower()


def _media_type(answer: Answer, place: str) -> str | None:
    """What the registry says that a manifest is; None where it does not say."""
    found = _type(answer)
    if found in ("text/html", "application/xhtml+xml") or answer.body[:64].lstrip()[:1] == b"<":
        raise InputError("a web page, not a manifest", place, "is this a registry, and not a log-in page or a proxy's?")
    return None if found in _UNTYPED else found


def _next_page(url: str, answer: Answer, place: str) -> str:
    """The address of the next page, on the same host; "" where this is the last."""
    link = re.search(r'<([^<>\s]{1,2000})>\s*;[^,<>]*\brel="?next"?', answer.header("Link"))
    if link is None:
        return ""
    try:
        target = urljoin(url, str(link[1]))
        here, there = urlsplit(url), urlsplit(target)
        same = (here.scheme, here.netloc) == (there.scheme, there.netloc) and there.path.startswith("/v2/")
    except ValueError:
        same = False
    if not same:
        raise InputError("the next page of referrers is elsewhere, which is not followed", place)
    return target


def _mirror(origin: Endpoint, mirrors: tuple[tuple[str, str], ...]) -> Endpoint | None:
    """The mirror of the longest prefix that the user named."""
    best = ""
    found: Endpoint | None = None
    for prefix, mirror in mirrors:
        if not (origin.name == prefix or origin.name.startswith(f"{prefix.rstrip('/')}/")) or len(prefix) <= len(best):
            continue
        rest = origin.name[len(prefix.rstrip("/")) :].strip("/")
        host, _, path = mirror.strip("/").partition("/")
        repository = "/".join(part for part in (path, rest) if part)
        if not is_host(host) or not is_repository(repository):
            raise ConfigError(
                "a mirror that is no host or repository", mirror[:200], "write --mirror HOST=HOST[/PREFIX]"
            )
        best, found = prefix, Endpoint(host, repository)
    return found

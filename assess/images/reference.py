"""What users write to name an image, read: a registry's name, a layout folder, an archive.

Registry names follow the grammar that Docker and OCI clients share (OCI distribution spec v1.1, "Pulling manifests";
`docker.io` and `library/` are filled in). Nothing is asked over the network here.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assess.attestations._json import shown
from assess.errors import InputError

DOCKER_HUB = "docker.io"
DEFAULT_TAG = "latest"
MAX_TEXT = 4096
MAX_NAME = 255

LocalKind = Literal["oci", "oci-archive", "docker-archive"]
_LOCAL: tuple[LocalKind, ...] = ("oci", "oci-archive", "docker-archive")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ELSEWHERE = re.compile(r"(docker-daemon|containers-storage|dir|ostree|sif|tarball):")


@dataclass(frozen=True, slots=True)
class RegistryReference:
    """An image in a registry; `tag` is None only where a digest is given without one."""

    host: str
    """With its port where one was given: `localhost:5000`; `docker.io` for Docker Hub."""
    repository: str
    tag: str | None
    digest: str | None = None
    """Wins over the tag."""

    @property
    def name(self) -> str:
        """`host/repository`."""
        return f"{self.host}/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, slots=True)
class LocalReference:
    """An image in a layout folder or an archive; `name` chooses among several."""

    kind: LocalKind
    path: Path
    name: str | None = None
    digest: str | None = None

    @property
    def place(self) -> str:
        """`oci:dist/app`."""
        return f"{self.kind}:{self.path}"

    def __str__(self) -> str:
        name = f":{self.name}" if self.name else ""
        return f"{self.place}{name}" + (f"@{self.digest}" if self.digest else "")


def read_reference(text: str) -> RegistryReference | LocalReference:
    """The image that `text` names. Raises InputError, with what to write instead."""
    if not text or len(text) > MAX_TEXT or not text.isprintable() or text != text.strip():
        raise _refused(text, "empty, too long, or with spaces or unprintable characters around or in it")
    kind, colon, rest = text.partition(":")
    for local in _LOCAL:
        if colon and kind == local:
            return _local(local, rest, text)
    if elsewhere := _ELSEWHERE.match(text):
        hint = (
            "save the image first (docker save, podman save) and name the file: docker-archive:FILE or oci-archive:FILE"
        )
        raise InputError(f"images in {elsewhere.group(1)} storage are not read here", shown(text), hint)
    return _registry(text)


def is_tag(text: str) -> bool:
    """Whether `text` can be a tag."""
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether `text` is a digest that this tool checks: `sha256:` and 64 hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """Whether `text` can be a registry's host, with or without port."""
    found = _HOST.fullmatch(text)
    return found is not None and not (found["port"] and int(found["port"]) > 65535)


def is_repository(text: str) -> bool:
    """Whether `text` can be a repository's path."""
    return _PATH.fullmatch(text) is not None and len(text) <= MAX_NAME


def same_name(wanted: str, name: str) -> bool:
    """Whether two names mean one image: as written, by the tag alone, or with Docker's defaults filled in."""
    if wanted in (name, name.rpartition(":")[2]):
        return True
    try:
        return _registry(wanted) == _registry(name)
    except InputError:
        return False


def _registry(text: str) -> RegistryReference:
    if not text:
        raise _refused(text, "empty")
    if text.startswith("docker://"):  # as skopeo and podman write it
        text = text.removeprefix("docker://")
    if "://" in text:
        raise _refused(
            text, "an address, not a name", "write the name without the scheme: registry.example/team/app:1.0"
        )
    if text[0] in "./~":
        raise _refused(text, "a path, not a name", "a folder is written oci:DIR, an archive oci-archive:FILE")
    named, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise _refused(text, f"{shown(digest)} is no digest (expected sha256: and 64 lower-case hexadecimal digits)")
    head, _, last = named.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not is_tag(tag):
        raise _refused(text, f"{shown(tag)} is no tag")
    host, repository = _split(f"{head}/{last}" if head else last)
    if not is_host(host):
        raise _refused(text, f"{shown(host)} is no host")
    if not is_repository(repository):
        hint = "repositories are in lower case" if repository.lower() != repository else None
        raise _refused(text, f"{shown(repository)} is no repository", hint)
    return RegistryReference(host, repository, tag or (None if digest else DEFAULT_TAG), digest or None)


def _split(name: str) -> tuple[str, str]:
    """Host and repository: the first part is a host where it could be nothing else."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        first, rest = DOCKER_HUB, name
    if first in ("index.docker.io", "registry-1.docker.io"):
        first = DOCKER_HUB
    if first == DOCKER_HUB and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest


def _local(kind: LocalKind, rest: str, text: str) -> LocalReference:
    """`PATH`, `PATH:NAME` or `PATH@DIGEST`; names may hold colons, so the longest path that exists is the path."""
    path, at, digest = rest.rpartition("@")
    if not (at and digest.startswith("sha256:")):
        path, digest = rest, ""
    elif not is_digest(digest):
        raise _refused(text, f"{shown(digest)} is no digest (expected sha256: and 64 lower-case hexadecimal digits)")
    name: str | None = None
    if not os.path.lexists(path):
        cuts = [place for place, letter in enumerate(path) if letter == ":"]
        cut = next((one for one in reversed(cuts) if os.path.lexists(path[:one])), cuts[0] if cuts else None)
        if cut is not None:
            path, name = path[:cut], path[cut + 1 :]
    if not path or name == "":
        expected = f"{kind}:{'DIR' if kind == 'oci' else 'FILE'}"
        raise _refused(text, "incomplete", f"write {expected}, {expected}:TAG or {expected}@sha256:...")
    return LocalReference(kind, Path(path), name, digest or None)


def _refused(text: str, why: str, hint: str | None = None) -> InputError:
    return InputError(
        f"not an image reference: {why}",
        shown(text, 200),
        hint or "write registry.example/team/app:1.0, app@sha256:..., oci:DIR, oci-archive:FILE or docker-archive:FILE",
    )

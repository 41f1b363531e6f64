"""Sigstore trusted roots: certificate authorities, logs and timestamp authorities with their validity windows."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from assess._frozen import frozen
from assess.attestations._json import Limits, Node, read_json, shown
from assess.errors import ConfigError, InputError

PUBLIC_GOOD = "sigstore-public-good"
GITHUB = "github"
_DATA = Path(__file__).parent / "data"
_LIMITS = Limits(size=4 * 1024 * 1024, depth=32, nodes=20_000)
_MEDIA_TYPE = re.compile(r"application/vnd\.dev\.sigstore\.trustedroot(\+json;\s*version=0\.[12]|\.v0\.[12]\+json)")


@frozen
class Window:
    """When something is trusted; both ends belong to it, `end` None is open."""

    start: datetime
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in the window."""
        return self.start <= moment and (self.end is None or moment <= self.end)


@frozen
class Authority:
    """A certificate or timestamp authority: its chain as DER, leaf-most first, root last."""

    uri: str
    certificates: tuple[bytes, ...]
    window: Window


@frozen
class LogInstance:
    """A transparency log: `log_id` identifies it in entries and SCTs, `key` is DER."""

    base_url: str
    key: bytes
    log_id: bytes
    checkpoint_id: bytes
    """Its first four bytes are the key hint on checkpoints."""
    window: Window


@frozen
class TrustedRoot:
    """Whom a Sigstore instance trusts (sigstore/protobuf-specs, `sigstore_trustroot.proto`)."""

    name: str
    origin: str
    """Where it was taken from; for files, the path."""
    dated: str | None
    sha256: str
    """Hex digest of the bytes of the trusted_root.json."""
    authorities: tuple[Authority, ...] = ()
    ct_logs: tuple[LogInstance, ...] = ()
    logs: tuple[LogInstance, ...] = ()
    timestamp_authorities: tuple[Authority, ...] = ()

    @property
    def described(self) -> str:
        """One line for reports: name, version and digest."""
        version = f", {self.origin}, {self.dated}" if self.dated is not None else ""
        return f"{self.name}{version}, sha256:{self.sha256}"

    def log(self, log_id: bytes) -> LogInstance | None:
        """The transparency log of that id."""
        return next((log for log in self.logs if log.log_id == log_id), None)

    def ct_log(self, log_id: bytes) -> LogInstance | None:
        """The certificate transparency log of that id."""
        return next((log for log in self.ct_logs if log.log_id == log_id), None)


@lru_cache(maxsize=1)
def public_good() -> TrustedRoot:
    """The dated snapshot of the public-good instance's trusted root that comes with this package."""
    return _snapshot("sigstore_public_good.json", PUBLIC_GOOD)


@lru_cache(maxsize=1)
def github() -> TrustedRoot:
    """The dated snapshot of the trusted root of GitHub's own instance: it signs for private repositories and releases.

    It has timestamp authorities and no logs: nothing it issued is expected in one (spec T40).
    """
    return _snapshot("sigstore_github.json", GITHUB)


def _snapshot(file: str, name: str) -> TrustedRoot:
    snapshot = json.loads((_DATA / file).read_bytes())
    node = Node(snapshot["trustedRoot"], file, "/trustedRoot", proto=True)
    return replace(
        _read(node, name),
        origin=snapshot["origin"],
        dated=snapshot["dated"],
        sha256=snapshot["sha256"],
    )


def load_trusted_root(data: bytes, path: str, name: str = "custom") -> TrustedRoot:
    """A trusted_root.json of media type v0.1 or v0.2; every certificate and key in it is parsed.

    Raises ConfigError with `path#pointer` for what is malformed or incomplete.
    """
    try:
        node = Node(read_json(data, path, _LIMITS), path, proto=True)
        if not isinstance(node.value, dict):
            raise node.wrong_type("a trusted root")
        root = _read(node, name)
    except InputError as error:
        raise ConfigError(f"not a trusted root: {error.message}", error.place, error.hint) from None
    problems = _problems(root)
    if problems:
        places = tuple((path, problem) for problem in problems)
        raise ConfigError(f"a trusted root with malformed material: {problems[0]}", path, problems=places)
    return replace(root, sha256=hashlib.sha256(data).hexdigest())


def _read(node: Node, name: str) -> TrustedRoot:
    media_type = node.string("mediaType")
    if not _MEDIA_TYPE.fullmatch(media_type):
        expected = "application/vnd.dev.sigstore.trustedroot+json;version=0.1 or 0.2"
        raise node.get("mediaType").error(f"unknown media type (got {shown(media_type)}, expected {expected})")
    return TrustedRoot(
        name=name,
        origin=node.path,
        dated=None,
        sha256="",
        authorities=tuple(_authority(item) for item in node.items("certificateAuthorities")),
        ct_logs=tuple(_log(item) for item in node.items("ctlogs")),
        logs=tuple(_log(item) for item in node.items("tlogs")),
        timestamp_authorities=tuple(_authority(item) for item in node.items("timestampAuthorities")),
    )


def _authority(node: Node) -> Authority:
    chain = node.object("certChain").items("certificates")
    if not chain:
        raise node.get("certChain").error("an authority without certificates")
    return Authority(
        uri=node.string("uri"),
        certificates=tuple(item.decoded("rawBytes") for item in chain),
        window=_window(node.object("validFor")),
    )


def _log(node: Node) -> LogInstance:
    public_key = node.object("publicKey")
    key = public_key.decoded("rawBytes")
    if not key:
        raise public_key.get("rawBytes").error("a log without a key")
    algorithm = node.string("hashAlgorithm")
    if algorithm not in ("", "SHA2_256"):
        raise node.get("hashAlgorithm").error(f"unknown hash of a log (got {shown(algorithm)}, expected SHA2_256)")
    checkpoint_id = node.object("checkpointKeyId").decoded("keyId")
    log_id = node.object("logId").decoded("keyId") or checkpoint_id or hashlib.sha256(key).digest()
    return LogInstance(
        base_url=_url(node, "baseUrl"),
        key=key,
        log_id=log_id,
        checkpoint_id=checkpoint_id or log_id,
        window=_window(public_key.object("validFor")),
    )


def _url(node: Node, key: str) -> str:
    text = node.string(key)
    try:
        urlsplit(text)
    except ValueError:
        raise node.get(key).error(f"not a URL (got {shown(text)})") from None
    return text


def _window(node: Node) -> Window:
    # A missing start must not widen a window without bounds.
    return Window(_moment(node, "start"), _moment(node, "end") if node.get("end").present else None)


def _moment(node: Node, key: str) -> datetime:
    text = node.required_string(key)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise node.get(key).error(f"not a time (got {shown(text, 40)}, expected like 2025-01-31T00:00:00Z)")
    return moment


def _problems(root: TrustedRoot) -> tuple[str, ...]:
    """What is malformed in certificates and keys; kinds of key that are unknown here are not malformed."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from cryptography.x509 import load_der_x509_certificate

    from assess.trust._outcome import MALFORMED

    problems: list[str] = []
    for authority in (*root.authorities, *root.timestamp_authorities):
        for number, der in enumerate(authority.certificates, start=1):
            try:
                load_der_x509_certificate(der)
            except MALFORMED:
                problems.append(f"certificate {number} of {shown(authority.uri)} cannot be parsed")
    for log in (*root.logs, *root.ct_logs):
        try:
            load_der_public_key(log.key)
        except UnsupportedAlgorithm:
            continue
        except MALFORMED:
            problems.append(f"the key of {shown(log.base_url)} cannot be parsed")
    return tuple(problems)

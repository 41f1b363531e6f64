"""Layouts and links as files with signatures, and the keys that may have made them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from assess.attestations._json import shown
from assess.attestations.containers import read_container
from assess.attestations.envelope import Envelope
from assess.attestations.metablock import (
    CONTAINER,
    FunctionaryKey,
    LayoutFacts,
    LinkFacts,
    is_gpg,
    read_metadata,
    signed_bytes,
)
from assess.errors import InputError
from assess.evidence import Signer
from assess.trust._outcome import MALFORMED, RefusedError
from assess.trust.keys import PublicKey, SupportedKey, pae, spki, supported, verify_signature

MAX_VERIFICATIONS = 2000
"""Signatures tried with keys, in one layout and its sub-layouts."""
MAX_NAME = 1024
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_KINDS: tuple[tuple[str, type], ...] = (
    ("rsa", rsa.RSAPublicKey),
    ("ecdsa", ec.EllipticCurvePublicKey),
    ("ed25519", ed25519.Ed25519PublicKey),
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """One layout or link that was opened, not verified."""

    name: PurePosixPath
    facts: LayoutFacts | LinkFacts
    envelope: Envelope
    data: bytes
    """What its signatures cover."""
    metablock: bool

    @property
    def only_gpg(self) -> bool:
        """All its signatures are of GPG."""
        signatures = self.envelope.signatures
        return self.metablock and bool(signatures) and all(is_gpg(one) for one in signatures)


@dataclass(frozen=True, slots=True)
class Functionary:
    """A key that may sign: an owner's, or one that a layout names. Two names of one key are one functionary."""

    keyid: str
    key: SupportedKey
    sha256: str

    @property
    def signer(self) -> Signer:
        """As evidence."""
        return Signer("key", f"sha256:{self.sha256}", root="key")


def read_metadata_file(data: bytes, name: PurePosixPath, shown_as: str) -> Metadata:
    """One file with one layout or link. Raises InputError for anything else."""
    opened = read_container(data, shown_as).opened
    if len(opened) != 1 or opened[0].envelope is None or opened[0].material is not None:
        raise InputError("not a layout or link", shown_as)
    facts = read_metadata(opened[0])
    envelope, metablock = opened[0].envelope, opened[0].container == CONTAINER
    signed = signed_bytes(envelope) if metablock else pae(envelope.payload_type, envelope.payload)
    return Metadata(name, facts, envelope, signed, metablock)


def safe_name(name: str) -> PurePosixPath:
    """The name of a link below its folder. Raises RefusedError where it leaves the folder or is no name."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name or _UNSAFE.search(name) or len(name) > MAX_NAME:
        raise RefusedError(f"a link's name leaves its folder or is none (got {shown(name)})")
    return path


def owner_of(key: PublicKey) -> Functionary:
    """A key that the user gave."""
    return Functionary("", key.key, key.sha256)


@lru_cache(maxsize=1024)
def functionary_of(key: FunctionaryKey) -> Functionary | None:
    """A key that a layout names; None where it is of GPG, of another kind than it says, or not supported."""
    expected = next((kind for prefix, kind in _KINDS if key.keytype.startswith(prefix)), None)
    if key.gpg or expected is None:
        return None
    try:
        if expected is ed25519.Ed25519PublicKey and "-----BEGIN" not in key.public:
            loaded = supported(ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public)))
        else:
            loaded = supported(load_pem_public_key(key.public.encode()))
        if loaded is None or not isinstance(loaded, expected):
            return None
        return Functionary(key.keyid, loaded, hashlib.sha256(spki(loaded)).hexdigest())
    except MALFORMED:
        return None


class Signatures:
    """The signatures that one verification has tried, which are limited."""

    __slots__ = ("tried",)

    def __init__(self) -> None:
        self.tried = 0

    def signers(
        self, metadata: Metadata, functionaries: tuple[Functionary, ...], known: frozenset[str] = frozenset()
    ) -> tuple[Functionary, ...]:
        """Those of whom a signature holds; a signature whose key id is one of `known` is tried with that key only."""
        return tuple(one for one in functionaries if self._signed(metadata, one, known))

    def _signed(self, metadata: Metadata, by: Functionary, known: frozenset[str]) -> bool:
        for one in metadata.envelope.signatures:
            if one.keyid in known and one.keyid != by.keyid:
                continue
            self.tried += 1
            if self.tried > MAX_VERIFICATIONS:
                raise RefusedError(f"too many signatures to try (expected at most {MAX_VERIFICATIONS})")
            if verify_signature(by.key, one.sig, metadata.data):
                return True
        return False

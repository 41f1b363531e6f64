"""Public keys of services that sign without certificates: npm's registry and Google Cloud Build, as dated snapshots."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_der_public_key

from assess.trust.keys import PublicKey, supported
from assess.trust.roots import Window

NPM = "npm-registry"
GOOGLE_CLOUD_BUILD = "google-cloud-build"
_DATA = Path(__file__).parent / "data"
_FILES = ((NPM, "npm_registry_keys.json"), (GOOGLE_CLOUD_BUILD, "google_cloud_build_keys.json"))


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of one service, with where and when they were taken from."""

    owner: str
    origin: str
    dated: str
    sha256: str
    """Hex digest of the source's bytes."""
    keys: tuple[PublicKey, ...]


@lru_cache(maxsize=1)
def key_sets() -> tuple[KeySet, ...]:
    """The snapshots that come with this package."""
    return tuple(_read(owner, json.loads((_DATA / file).read_bytes())) for owner, file in _FILES)


def known_keys() -> tuple[PublicKey, ...]:
    """All their keys. Each is tried for signatures with its own key id only."""
    return tuple(key for one in key_sets() for key in one.keys)


def _read(owner: str, snapshot: dict[str, object]) -> KeySet:
    rows = snapshot["keys"]
    assert isinstance(rows, list)  # noqa: S101  our own data file
    keys = tuple(_key(owner, row) for row in rows)
    return KeySet(owner, str(snapshot["origin"]), str(snapshot["dated"]), str(snapshot["sha256"]), keys)


def _key(owner: str, row: dict[str, str]) -> PublicKey:
    der = base64.b64decode(row["key"])
    key = supported(load_der_public_key(der))
    assert key is not None  # noqa: S101  our own data file
    window = None
    if "start" in row:
        end = datetime.fromisoformat(row["end"]) if "end" in row else None
        window = Window(datetime.fromisoformat(row["start"]), end)
    return PublicKey(
        key=key,
        der=der,
        sha256=hashlib.sha256(der).hexdigest(),
        owner=owner,
        hint=row["hint"],
        covers_payload=row["signs"] == "payload",
        window=window,
    )

"""Verification summaries as verifiers write them, signed with seeded keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from virtual_entries import pae
from virtual_keys import Key, b64, derive_key, pem_of, sign
from virtual_statements import STATEMENT_V1, edited, subject_of

Json = dict[str, Any]

DATA = b"widget 1.4.2"
VERIFIER = "https://verifier.example/team-a"
RESOURCE = "pkg:generic/widget@1.4.2"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
VSA_V1 = "https://slsa.dev/verification_summary/v1"
KEY = derive_key("tests", "verifier")
OTHER_KEY = derive_key("tests", "somebody else")


def summary(*levels: str, **changes: Any) -> Json:
    """A VSA v1 that passes for `DATA`; `changes` replace fields of the predicate (None removes one)."""
    predicate = {
        "verifier": {"id": VERIFIER, "version": {"verifier": "1.0"}},
        "timeVerified": "2025-09-30T12:00:00Z",
        "resourceUri": RESOURCE,
        "policy": {"uri": "https://verifier.example/policy", "digest": {"sha256": "ab" * 32}},
        "verificationResult": "PASSED",
        "verifiedLevels": list(levels or ("SLSA_BUILD_LEVEL_2",)),
        "slsaVersion": "1.2",
    } | changes
    return {
        "_type": STATEMENT_V1,
        "subject": [subject_of("widget", DATA)],
        "predicateType": VSA_V1,
        "predicate": {name: value for name, value in predicate.items() if value is not None},
    }


def envelope(statement: Json, key: Key = KEY, keyid: str | None = None) -> bytes:
    """A DSSE envelope around a statement."""
    payload = json.dumps(statement).encode()
    signature: Json = {"sig": b64(sign(key, pae(PAYLOAD_TYPE, payload)))}
    if keyid is not None:
        signature["keyid"] = keyid
    return json.dumps({"payloadType": PAYLOAD_TYPE, "payload": b64(payload), "signatures": [signature]}).encode()


def private_pem(key: Key) -> bytes:
    """PKCS#8 PEM of a private key, as `--vsa-key` takes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def project(folder: Path, *, key: Key = KEY, more: str = "", **changes: object) -> Path:
    """A project that lists the verifier; `changes` replace fields of the entry."""
    (folder / "verifier.pem").write_bytes(pem_of(key))
    (folder / "widget").write_bytes(DATA)
    entry = {"id": VERIFIER, "key": "verifier.pem", "resource_uri": RESOURCE, "max_level": {"build": 3}} | changes
    text = f"version: 1\nartifacts: [{{path: widget}}]\ntrust:\n  verifiers: [{json.dumps(entry)}]\n{more}"
    (folder / "slsa-assess.yaml").write_text(text)
    return folder


__all__ = [
    "DATA",
    "KEY",
    "OTHER_KEY",
    "RESOURCE",
    "VERIFIER",
    "VSA_V1",
    "edited",
    "envelope",
    "private_pem",
    "project",
    "summary",
]

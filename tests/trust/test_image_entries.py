"""Log entries about image signatures: `rekord`, which cosign wrote before hashedrekord, is bound in every member."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from virtual_entries import Content
from virtual_keys import b64, canonical, pem_of
from virtual_sigstore import VirtualSigstore

from assess.attestations.cosign import opened_from_signature
from assess.evidence import Source
from assess.trust.keys import load_public_key
from assess.trust.roots import load_trusted_root
from assess.trust.verify import verify

VS = VirtualSigstore()
KEY = VS.managed_key("release")
PAYLOAD = b'{"critical":{}}'
CHANGES: tuple[tuple[str, tuple[str, ...], Any, bool], ...] = (
    ("as it was", (), None, True),
    ("another format", ("signature", "format"), "pgp", False),
    ("another signature", ("signature", "content"), b64(b"other"), False),
    ("another key", ("signature", "publicKey", "content"), b64(pem_of(VS.managed_key("another"))), False),
    ("another content", ("data", "hash", "value"), "00" * 32, False),
    ("an unknown hash", ("data", "hash", "algorithm"), "md5", False),
    ("no hash", ("data", "hash"), None, False),
)


@pytest.mark.parametrize(("name", "path", "value", "holds"), CHANGES, ids=[row[0] for row in CHANGES])
def test_rekord(name: str, path: tuple[str, ...], value: Any, holds: bool) -> None:
    bundle = VS.sign_content(Content(PAYLOAD, None), keyed="release", log=None)
    signature = bundle["messageSignature"]["signature"]
    spec: dict[str, Any] = {
        "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(PAYLOAD).hexdigest()}},
        "signature": {"format": "x509", "content": signature, "publicKey": {"content": b64(pem_of(KEY))}},
    }
    at = spec
    for key in path[:-1]:
        at = at[key]
    if path:
        at[path[-1]] = value
    body = canonical({"apiVersion": "0.0.1", "kind": "rekord", "spec": spec})
    seconds, index = int(VS.integrated_time.timestamp()), 7
    logged = {"body": b64(body), "integratedTime": seconds, "logIndex": index, "logID": VS.v1.log_id.hex()}
    promise = {"SignedEntryTimestamp": b64(VS.v1.promise(body, seconds, index)), "Payload": logged}
    annotations = (
        ("dev.cosignproject.cosign/signature", signature),
        ("dev.sigstore.cosign/bundle", json.dumps(promise)),
    )
    opened = opened_from_signature(PAYLOAD, annotations, Source("image"), "00")
    root = load_trusted_root(VS.trusted_root(), "root.json")
    result = verify(opened, root=root, keys=(load_public_key(pem_of(KEY), "release.pub"),))
    failed = {one.name for one in result.checks if one.result != "verified"}
    assert (result.signature == "verified", failed) == (holds, set() if holds else {"binding"})

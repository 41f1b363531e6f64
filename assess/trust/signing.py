"""Signing of our own output with a private key that the user gives; DSSE, the form that every verifier reads."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from assess.errors import ConfigError
from assess.trust._outcome import MALFORMED
from assess.trust.keys import pae, spki

_HASHES: dict[str, hashes.HashAlgorithm] = {"secp256r1": hashes.SHA256(), "secp384r1": hashes.SHA384()}
_EXPECTED = "expected an ECDSA key on P-256 or P-384, or Ed25519, as unencrypted PEM"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that signs; it is never shown. `sha256` is the hex digest of its SubjectPublicKeyInfo."""

    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = field(repr=False)
    sha256: str


def load_signing_key(data: bytes, path: str) -> SigningKey:
    """A PEM private key: ECDSA P-256 or P-384, or Ed25519. Raises ConfigError with `path` for anything else."""
    if b"PRIVATE KEY-----" not in data:
        raise ConfigError("not a PEM private key", path, _EXPECTED)
    try:
        loaded = load_pem_private_key(data, None)
    except MALFORMED as problem:
        # A key that is encrypted is a TypeError here; the text of the problem holds nothing of the key.
        what = "an encrypted private key" if isinstance(problem, TypeError) else "a private key that cannot be read"
        raise ConfigError(what, path, _EXPECTED) from None
    match loaded:
        case ec.EllipticCurvePrivateKey() if loaded.curve.name in _HASHES:
            return SigningKey(loaded, hashlib.sha256(spki(loaded.public_key())).hexdigest())
        case ed25519.Ed25519PrivateKey():
            return SigningKey(loaded, hashlib.sha256(spki(loaded.public_key())).hexdigest())
        case _:
            raise ConfigError(f"a key that is not signed with (got {type(loaded).__name__})", path, _EXPECTED)


def sign_envelope(payload: bytes, payload_type: str, key: SigningKey) -> str:
    """A DSSE envelope as one line of JSON; the key id is the SHA-256 of the public key."""
    return envelope_of(payload, payload_type, _sign(key, pae(payload_type, payload)), key.sha256)


def envelope_of(payload: bytes, payload_type: str, signature: bytes, keyid: str) -> str:
    """A DSSE envelope of one signature, as one line of JSON."""
    envelope = {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode("ascii"),
        "signatures": [{"keyid": keyid, "sig": base64.b64encode(signature).decode("ascii")}],
    }
    return json.dumps(envelope, separators=(",", ":"))


def _sign(key: SigningKey, data: bytes) -> bytes:
    if isinstance(key.key, ed25519.Ed25519PrivateKey):
        return key.key.sign(data)
    hashed = _HASHES[key.key.curve.name]
    try:
        # Same inputs, same bytes (RFC 6979); older OpenSSL cannot.
        return key.key.sign(data, ec.ECDSA(hashed, deterministic_signing=True))
    except UnsupportedAlgorithm:
        return key.key.sign(data, ec.ECDSA(hashed))

"""Seeded keys, deterministic signatures and the encodings that the virtual Sigstore's parties share."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Hash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
Json = dict[str, Any]

CURVES: dict[str, tuple[ec.EllipticCurve, Hash, int]] = {
    "p256": (ec.SECP256R1(), hashes.SHA256(), 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    "p384": (ec.SECP384R1(), hashes.SHA384(), 1 << 383),
    "p521": (ec.SECP521R1(), hashes.SHA512(), 1 << 520),
}
P256_ORDER = CURVES["p256"][2]


def b64(data: bytes) -> str:
    """Standard base64 text."""
    return base64.b64encode(data).decode()


def canonical(value: Any) -> bytes:
    """Canonical JSON as far as Rekor needs it: sorted keys, no blanks, UTF-8 (RFC 8785 for strings and integers)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def spki(key: Key) -> bytes:
    """DER SubjectPublicKeyInfo of a private key."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem_of(key: Key) -> bytes:
    """PEM SubjectPublicKeyInfo of a private key."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=8)
def _rsa_key(name: str) -> rsa.RSAPrivateKey:
    # The one key kind that cannot be derived from a seed; cached so that a process sees one key per name.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def derive_key(seed: str, name: str, algorithm: str = "p256") -> Key:
    """The key called `name` of a seed; `algorithm` is p256, p384, p521, ed25519, rsa or rsa-pss.

    RSA keys are fresh in each process; all others depend on seed, name and algorithm alone.
    """
    material = hashlib.sha512(f"{seed}/{name}/{algorithm}".encode()).digest()
    if algorithm == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(material[:32])
    if algorithm.startswith("rsa"):
        return _rsa_key(f"{seed}/{name}")
    curve, _, order = CURVES[algorithm]
    return ec.derive_private_key(int.from_bytes(material, "big") % (order - 1) + 1, curve)


def algorithm_of(key: Key) -> str:
    """The word for a key's algorithm as `derive_key` takes it."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return "ed25519"
        case rsa.RSAPrivateKey():
            return "rsa"
        case _:
            return {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}[key.curve.name]


def hash_of(key: Key) -> Hash:
    """The hash that goes with a key (SHA-256 where the key prescribes none)."""
    word = algorithm_of(key)
    return CURVES[word][1] if word in CURVES else hashes.SHA256()


def sign(key: Key, data: bytes, *, pss: bool = False) -> bytes:
    """Sign data: ECDSA (DER, deterministic), Ed25519, or RSA with PKCS#1 v1.5 or PSS."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return key.sign(data)
        case rsa.RSAPrivateKey():
            pad = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else padding.PKCS1v15()
            return key.sign(data, pad, hashes.SHA256())
        case _:
            return key.sign(data, ec.ECDSA(hash_of(key), deterministic_signing=True))


def key_details(key: Key) -> str:
    """The `PublicKeyDetails` word of protobuf-specs for a key."""
    return {
        "p256": "PKIX_ECDSA_P256_SHA_256",
        "p384": "PKIX_ECDSA_P384_SHA_384",
        "p521": "PKIX_ECDSA_P521_SHA_512",
        "ed25519": "PKIX_ED25519",
        "rsa": "PKIX_RSA_PKCS1V15_2048_SHA256",
    }[algorithm_of(key)]


def zulu(when: datetime) -> str:
    """RFC 3339 text of a UTC time, whole seconds."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def shift(when: datetime, **by: int) -> datetime:
    """A time moved by a timedelta's keywords."""
    return when + timedelta(**by)

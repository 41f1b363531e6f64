"""Public keys and signatures: DSSE's encoding, ECDSA, Ed25519(ph) and RSA over bytes or over known digests."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from assess._frozen import frozen
from assess.errors import ConfigError
from assess.evidence import Digest
from assess.trust._outcome import MALFORMED
from assess.trust.roots import Window

SupportedKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_CURVES = {
    # The matching hash first; cosign signed with SHA-256 whatever the curve before it knew key details.
    "secp256r1": ("sha256",),
    "secp384r1": ("sha384", "sha256"),
    "secp521r1": ("sha512", "sha256"),
}
_RSA_BITS = range(2048, 8193)
_FAILED: tuple[type[Exception], ...] = (InvalidSignature, *MALFORMED)
MAX_FILE = 256 * 1024 * 1024
"""Bytes of an artifact that are read where a signature is over the bytes and not over a digest (pure Ed25519)."""


@frozen
class PublicKey:
    """A public key that is trusted; `sha256` is the hex digest of its SubjectPublicKeyInfo.

    The defaults are those of a key that a user gave; the others belong to keys of known services (`known_keys.py`).
    """

    key: SupportedKey
    der: bytes
    sha256: str
    owner: str = "key"
    """Which roots of trust vouch for it, as `Signer.root` says it: `key`, `npm-registry`, `google-cloud-build`."""
    hint: str | None = None
    """Tried for signatures with this key id only; None: tried for all."""
    covers_payload: bool = False
    """Signs the raw in-toto payload and not DSSE's encoding of it."""
    window: Window | None = None
    """When signatures by it count; None: always."""


@frozen
class Content:
    """What a signature covers: bytes, or an artifact of which only digests (and perhaps a file) are known."""

    data: bytes | None = None
    digests: tuple[Digest, ...] = ()
    file: Path | None = None

    def digest(self, algorithm: str) -> bytes | None:
        """The digest by `algorithm` (sha256, sha384, sha512); None where it is not known."""
        if algorithm not in _HASHES:
            return None
        if self.data is not None:
            return hashlib.new(algorithm, self.data).digest()
        for digest in self.digests:
            if digest.algorithm == algorithm:
                try:
                    return bytes.fromhex(digest.value)
                except ValueError:
                    return None
        return None

    def read(self) -> bytes | None:
        """The bytes themselves; None where they are not known or the file cannot be read or is too large."""
        if self.data is not None or self.file is None:
            return self.data
        try:
            if self.file.stat().st_size > MAX_FILE:
                return None
            return self.file.read_bytes()
        except OSError:
            return None


def load_public_key(data: bytes, path: str) -> PublicKey:
    """A PEM public key (SubjectPublicKeyInfo or PKCS#1): ECDSA P-256/384/521, Ed25519, or RSA of 2048 to 8192 bits.

    Raises ConfigError with `path` for anything else.
    """
    if b"PRIVATE KEY-----" in data:
        raise ConfigError("a private key (expected a public key)", path, "give the public key, and keep this one safe")
    if b"-----BEGIN CERTIFICATE" in data:
        raise ConfigError("a certificate (expected a public key)", path, "give its key: openssl x509 -pubkey -noout")
    if b"-----BEGIN" not in data:
        raise ConfigError("not a PEM public key", path, "expected -----BEGIN PUBLIC KEY-----")
    try:
        loaded = load_pem_public_key(data)
        key = supported(loaded)
        if key is None:
            raise ConfigError(
                f"a key that signatures are not verified with (got {type(loaded).__name__})",
                path,
                "expected ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits",
            )
        der = spki(key)
    except MALFORMED as error:
        raise ConfigError(f"not a PEM public key ({str(error)[:120]})", path) from None
    return PublicKey(key, der, hashlib.sha256(der).hexdigest())


def supported(key: object) -> SupportedKey | None:
    """The key, if its kind and size are supported."""
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return key
        case ed25519.Ed25519PublicKey():
            return key
        case rsa.RSAPublicKey() if key.key_size in _RSA_BITS:
            return key
        case _:
            return None


@lru_cache(maxsize=256)
def key_of_der(der: bytes) -> SupportedKey | None:
    """A DER SubjectPublicKeyInfo or PKCS#1 key; None where it is malformed or not supported."""
    try:
        return supported(load_der_public_key(der))
    except MALFORMED:
        return None


def spki(key: SupportedKey) -> bytes:
    """DER SubjectPublicKeyInfo of a key."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE pre-authentication encoding v1 (https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md)."""
    kind = payload_type.encode("utf-8", "surrogatepass")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def verify_signature(key: SupportedKey, signature: bytes, data: bytes) -> bool:
    """Whether the signature over the bytes holds: ECDSA with the curve's hash, Ed25519, RSA PKCS#1 v1.5 or PSS."""
    return verify_content(key, signature, Content(data)) is True


def verify_p1363(key: SupportedKey, signature: bytes, content: Content) -> bool:
    """Whether an ECDSA signature in the form of IEEE P1363 (r and s, each as long as the curve's order) holds."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    size = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * size:
        return False
    numbers = (int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
    return verify_content(key, encode_dss_signature(*numbers), content) is True


def verify_content(key: SupportedKey, signature: bytes, content: Content, *, prehashed: bool = False) -> bool | None:
    """Whether the signature holds for the content; None where the digest or bytes that it needs are not known.

    `prehashed` asks for Ed25519ph of Ed25519 keys; it changes nothing for others.
    """
    match key:
        case ec.EllipticCurvePublicKey():
            algorithms = _CURVES.get(key.curve.name, ())
        case rsa.RSAPublicKey():
            algorithms = tuple(_HASHES)
        case ed25519.Ed25519PublicKey():
            return _verify_ed25519(key, signature, content, prehashed)
    known = [(name, digest) for name in algorithms if (digest := content.digest(name)) is not None]
    if any(_verify_digest(key, signature, name, digest) for name, digest in known):
        return True
    return False if len(known) == len(algorithms) or algorithms[0] in dict(known) else None


def _verify_ed25519(key: ed25519.Ed25519PublicKey, signature: bytes, content: Content, prehashed: bool) -> bool | None:
    if prehashed:
        from assess.trust import ed25519ph

        digest = content.digest("sha512")
        return None if digest is None else ed25519ph.verify(key.public_bytes_raw(), signature, digest)
    data = content.read()
    if data is None:
        return None
    try:
        key.verify(signature, data)
    except _FAILED:
        return False
    return True


def _verify_digest(
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, signature: bytes, algorithm: str, digest: bytes
) -> bool:
    hashed = Prehashed(_HASHES[algorithm])
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(hashed))
            return True
    except _FAILED:
        return False
    pss = padding.PSS(padding.MGF1(_HASHES[algorithm]), padding.PSS.AUTO)
    return any(_verify_rsa(key, signature, digest, scheme, hashed) for scheme in (padding.PKCS1v15(), pss))


def _verify_rsa(
    key: rsa.RSAPublicKey, signature: bytes, digest: bytes, scheme: padding.AsymmetricPadding, hashed: Prehashed
) -> bool:
    try:
        key.verify(signature, digest, scheme, hashed)
    except _FAILED:
        return False
    return True

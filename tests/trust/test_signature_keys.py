"""Keys and signatures: which keys load, which signatures hold over bytes and over digests, Ed25519ph's vectors."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from virtual_keys import derive_key, pem_of, sign

from assess.errors import ConfigError
from assess.evidence import Digest
from assess.trust import ed25519ph
from assess.trust.keys import Content, load_public_key, pae, verify_content, verify_signature

DATA = b"widget 1.4.2\n"
ALGORITHMS = ("p256", "p384", "p521", "ed25519", "rsa")


def digests_of(data: bytes, *names: str) -> tuple[Digest, ...]:
    return tuple(Digest(name, hashlib.new(name, data).hexdigest()) for name in names)


def test_pae_is_that_of_the_specification() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    # Lengths are of bytes, not of characters.
    assert pae("tÿpe", b"") == "DSSEv1 5 tÿpe 0 ".encode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signature_over_bytes(algorithm: str) -> None:
    private = derive_key("keys", "one", algorithm)
    key = load_public_key(pem_of(private), "key.pub")
    signature = sign(private, DATA)
    assert verify_signature(key.key, signature, DATA)
    assert not verify_signature(key.key, signature, DATA + b" ")
    other = load_public_key(pem_of(derive_key("keys", "two", algorithm)), "other.pub")
    assert not verify_signature(other.key, signature, DATA)
    for broken in (b"", signature[:-1], signature + b"\0", bytes(len(signature)), b"\x30\x80"):
        assert not verify_signature(key.key, broken, DATA)


@pytest.mark.parametrize(
    ("algorithm", "digest"), [("p256", "sha256"), ("p384", "sha384"), ("p521", "sha512"), ("rsa", "sha256")]
)
def test_signature_over_a_known_digest(algorithm: str, digest: str) -> None:
    private = derive_key("keys", "one", algorithm)
    key = load_public_key(pem_of(private), "key.pub").key
    signature = sign(private, DATA)
    assert verify_content(key, signature, Content(None, digests_of(DATA, digest))) is True
    assert verify_content(key, signature, Content(None, digests_of(b"other", "sha256", "sha384", "sha512"))) is False
    assert verify_content(key, signature, Content(None, ())) is None
    assert verify_content(key, signature, Content(None, (Digest(digest, "not hex"),))) is None


def test_large_curves_with_sha256() -> None:
    private = ec.generate_private_key(ec.SECP384R1())
    signature = private.sign(DATA, ec.ECDSA(hashes.SHA256()))
    assert verify_signature(private.public_key(), signature, DATA)
    only = Content(None, digests_of(b"other", "sha256"))
    assert verify_content(private.public_key(), signature, only) is None


def test_rsa_pss_and_sizes() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA512()), padding.PSS.MAX_LENGTH)
    assert verify_signature(private.public_key(), private.sign(DATA, pss, hashes.SHA512()), DATA)
    old = private.sign(DATA, padding.PKCS1v15(), hashes.SHA1())
    assert not verify_signature(private.public_key(), old, DATA)


def test_ed25519_needs_bytes(tmp_path: Path) -> None:
    private = derive_key("keys", "one", "ed25519")
    key, signature = load_public_key(pem_of(private), "k").key, sign(private, DATA)
    known = digests_of(DATA, "sha256", "sha512")
    assert verify_content(key, signature, Content(None, known)) is None
    file = tmp_path / "widget"
    file.write_bytes(DATA)
    assert verify_content(key, signature, Content(None, known, file)) is True
    assert verify_content(key, signature, Content(None, known, tmp_path / "gone")) is None


VECTOR = {
    # RFC 8032, 7.3
    "key": "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    "message": "616263",
    "signature": (
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    ),
}


def test_ed25519ph_vector() -> None:
    key, message, signature = (bytes.fromhex(VECTOR[name]) for name in ("key", "message", "signature"))
    digest = hashlib.sha512(message).digest()
    assert ed25519ph.verify(key, signature, digest)
    assert not ed25519ph.verify(key, signature, hashlib.sha512(b"abd").digest())
    for position in range(0, 64, 7):
        broken = bytearray(signature)
        broken[position] ^= 1
        assert not ed25519ph.verify(key, bytes(broken), digest)
    # S is not reduced; keys that are no points; wrong lengths
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    assert not ed25519ph.verify(key, signature[:32] + s.to_bytes(32, "little"), digest)
    for bad in (b"\xff" * 32, b"\x02" + bytes(31), key[:-1]):
        assert not ed25519ph.verify(bad, signature, digest)
    assert not ed25519ph.verify(key, signature[:-1], digest)
    assert not ed25519ph.verify(key, signature, digest[:-1])


def _private_pem() -> bytes:
    return derive_key("keys", "one").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_pem(key: dsa.DSAPublicKey | rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


REFUSED = [
    (_private_pem, "a private key"),
    (lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a certificate"),
    (lambda: b"", "not a PEM"),
    (lambda: b"ssh-ed25519 AAAA", "not a PEM"),
    (lambda: b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not a PEM"),
    (lambda: b"-----BEGIN PUBLIC KEY-----\n", "not a PEM"),
    (lambda: _public_pem(dsa.generate_private_key(1024).public_key()), "not verified with"),
    (lambda: _public_pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "not verified with"),
    (lambda: _public_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()), "not verified"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_refused_keys(make, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_public_key(make(), "key.pub")
    assert caught.value.place == "key.pub"


def test_key_is_known_by_its_spki() -> None:
    key = load_public_key(pem_of(derive_key("keys", "one")), "key.pub")
    assert key.sha256 == hashlib.sha256(key.der).hexdigest()

"""The certificate authorities of the virtual Sigstore: chains, signing certificates, SCTs."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import virtual_der as der
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from virtual_keys import Key, derive_key, hash_of, sign, spki
from virtual_tamper import Tamper

SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
FULCIO = "1.3.6.1.4.1.57264.1."


def serial_of(*parts: str) -> int:
    """A positive certificate serial number (152 bits) from text."""
    return int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:19], "big") | 1


def key_usage(**on: bool) -> x509.KeyUsage:
    """A KeyUsage extension with the named bits set."""
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: on.get(name, False) for name in names.split()})


def subject_name(common: str) -> x509.Name:
    """A name that says whose it is."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Virtual Sigstore (tests only)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def sign_certificate(builder: x509.CertificateBuilder, key: Key) -> x509.Certificate:
    """Sign a certificate, deterministically where the key is an EC key."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return builder.sign(key, hash_of(key), ecdsa_deterministic=True)
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hash_of(key))


@dataclass(frozen=True, slots=True)
class Authority:
    """A two-tier certificate authority: root, and an intermediate that issues."""

    root: x509.Certificate
    intermediate: x509.Certificate
    key: Key
    """The intermediate's private key."""

    @classmethod
    def make(cls, seed: str, name: str, start: datetime, end: datetime, *, tsa: bool = False) -> Authority:
        """A root and an intermediate (P-384) valid from start to end, for code signing or (tsa) time stamping."""
        root_key, key = derive_key(seed, f"{name}-root", "p384"), derive_key(seed, f"{name}-intermediate", "p384")
        root_name, issuer = subject_name(f"{name}-root"), subject_name(f"{name}-intermediate")
        usage = key_usage(key_cert_sign=True, crl_sign=True)
        root_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
        base = x509.CertificateBuilder().not_valid_before(start).not_valid_after(end).add_extension(usage, True)
        root = sign_certificate(
            base.subject_name(root_name)
            .issuer_name(root_name)
            .serial_number(serial_of(seed, name, "root"))
            .public_key(root_key.public_key())
            .add_extension(x509.BasicConstraints(True, 1), True)
            .add_extension(root_id, False),
            root_key,
        )
        purpose = ExtendedKeyUsageOID.TIME_STAMPING if tsa else ExtendedKeyUsageOID.CODE_SIGNING
        intermediate = sign_certificate(
            base.subject_name(issuer)
            .issuer_name(root_name)
            .serial_number(serial_of(seed, name, "intermediate"))
            .public_key(key.public_key())
            .add_extension(x509.ExtendedKeyUsage([purpose]), False)
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id), False),
            root_key,
        )
        return cls(root, intermediate, key)

    def builder(self, public: Any, serial: int, start: datetime, end: datetime) -> x509.CertificateBuilder:
        """A leaf's builder with issuer, key, window and key identifiers filled in."""
        ski = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .issuer_name(self.intermediate.subject)
            .serial_number(serial)
            .public_key(public)
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), False)
        )

    def issuer_key_hash(self) -> bytes:
        """SHA-256 of the issuing key's SPKI, as an SCT's signed data holds it."""
        return hashlib.sha256(spki(self.key)).digest()


def sct_list(key: Key, tbs: bytes, issuer_key_hash: bytes, when: datetime, extensions: bytes = b"") -> bytes:
    """The value of a certificate's SCT list extension with one SCT over a precertificate (RFC 6962, 3.2 and 3.3)."""
    stamp = struct.pack(">Q", int(when.timestamp() * 1000))
    tail = struct.pack(">H", len(extensions)) + extensions
    entry = issuer_key_hash + len(tbs).to_bytes(3, "big") + tbs
    signature = sign(key, b"\x00\x00" + stamp + b"\x00\x01" + entry + tail)
    log_id = hashlib.sha256(spki(key)).digest()
    sct = b"\x00" + log_id + stamp + tail + b"\x04\x03" + struct.pack(">H", len(signature)) + signature
    listed = struct.pack(">H", len(sct)) + sct
    return der.octets(struct.pack(">H", len(listed)) + listed)


def leaf_extensions(
    identity: str, claims: dict[int, str], tamper: Tamper | None
) -> list[tuple[x509.ExtensionType, bool]]:
    """A signing certificate's extensions, each with its criticality, in Fulcio's order."""
    email = "@" in identity and ":" not in identity
    name = x509.RFC822Name(identity) if email else x509.UniformResourceIdentifier(identity)
    signing = tamper is not Tamper.CERT_NO_DIGITAL_SIGNATURE
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (key_usage(digital_signature=signing, content_commitment=not signing), True)
    ]
    if tamper is not Tamper.CERT_NO_EKU:
        other = tamper is Tamper.CERT_OTHER_EKU
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if other else ExtendedKeyUsageOID.CODE_SIGNING
        extensions.append((x509.ExtendedKeyUsage([purpose]), False))
    extensions.append((x509.SubjectAlternativeName([name]), True))
    for number, text in sorted(claims.items()):
        value = text.encode() if number < 7 else der.utf8(text)
        extensions.append((x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{FULCIO}{number}"), value), False))
    return extensions

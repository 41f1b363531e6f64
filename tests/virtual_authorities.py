"""The logs and time-stamp authorities of the virtual Sigstore: Merkle trees, checkpoints, promises, RFC 3161 tokens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import virtual_der as der
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from virtual_fulcio import Authority, key_usage, serial_of, sign_certificate, subject_name
from virtual_keys import Json, Key, b64, canonical, derive_key, key_details, sign, spki, zulu


def leaf_hash(body: bytes) -> bytes:
    """Merkle leaf hash (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + body).digest()


def merkle_root(leaves: list[bytes]) -> bytes:
    """Root hash over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def merkle_path(leaves: list[bytes], index: int) -> list[bytes]:
    """Inclusion path of one leaf, from the leaf up (RFC 9162, 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*merkle_path(leaves[:split], index), merkle_root(leaves[split:])]
    return [*merkle_path(leaves[split:], index - split), merkle_root(leaves[:split])]


@dataclass(frozen=True, slots=True)
class Log:
    """A Rekor log: version 1 (SET, integrated time, ECDSA) or 2 (checkpoint only, Ed25519 or ECDSA)."""

    host: str
    origin: str
    key: Key
    version: int

    @property
    def log_id(self) -> bytes:
        """Key id, 32 bytes: SHA-256 of the SPKI, or for Ed25519 logs the signed-note key hash before truncation."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            raw = self.key.public_key().public_bytes_raw()
            return hashlib.sha256(self.origin.encode() + b"\n\x01" + raw).digest()
        return hashlib.sha256(spki(self.key)).digest()

    def tree(self, body: bytes, size: int = 11) -> tuple[int, list[bytes]]:
        """A tree of `size` leaves that holds the body: its index (taken from the body) and all leaf hashes."""
        index = hashlib.sha256(body).digest()[0] % size
        leaves = [leaf_hash(f"{self.origin} filler {number}".encode()) for number in range(size)]
        leaves[index] = leaf_hash(body)
        return index, leaves

    def note(self, size: int, root: bytes, *, origin: str | None = None) -> str:
        """The text of a checkpoint, unsigned: origin, size and root hash lines."""
        return f"{origin or self.origin}\n{size}\n{b64(root)}\n"

    def note_signature(self, note: str) -> str:
        """One signature line for a checkpoint."""
        name = self.host if self.version == 1 else self.origin
        return f"\u2014 {name} {b64(self.log_id[:4] + sign(self.key, note.encode()))}\n"

    def promised(self, body: bytes, integrated: int, index: int) -> bytes:
        """What a signed entry timestamp covers: canonical JSON of the entry."""
        entry = {"body": b64(body), "integratedTime": integrated, "logID": self.log_id.hex(), "logIndex": index}
        return canonical(entry)

    def promise(self, body: bytes, integrated: int, index: int) -> bytes:
        """The signed entry timestamp of an entry."""
        return sign(self.key, self.promised(body, integrated, index))

    def trusted(self, start: datetime, end: datetime | None = None) -> Json:
        """This log as a `TransparencyLogInstance` of a trusted root."""
        window = {"start": zulu(start)} | ({"end": zulu(end)} if end else {})
        return {
            "baseUrl": f"https://{self.host}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {"rawBytes": b64(spki(self.key)), "keyDetails": key_details(self.key), "validFor": window},
            "logId": {"keyId": b64(self.log_id)},
        }


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """An RFC 3161 authority: its own chain and a signing leaf."""

    authority: Authority
    leaf: x509.Certificate
    key: Key

    @classmethod
    def make(cls, seed: str, name: str, window: tuple[datetime, datetime], leaf: tuple[datetime, datetime]) -> Any:
        """An authority valid in `window` whose leaf is valid in `leaf`."""
        authority = Authority.make(seed, name, *window, tsa=True)
        key = derive_key(seed, f"{name}-leaf")
        builder = (
            authority.builder(key.public_key(), serial_of(seed, name, "leaf"), *leaf)
            .subject_name(subject_name(f"{name}-leaf"))
            .add_extension(key_usage(digital_signature=True), True)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
        )
        return cls(authority, sign_certificate(builder, authority.key), key)

    def stamp(self, message: bytes, when: datetime, *, embed: bool = True) -> bytes:
        """A granted TimeStampResp (DER) over SHA-256 of the message (RFC 3161, 2.4.2); `embed` puts the leaf in."""
        sha256, digest = der.sequence(der.oid("2.16.840.1.101.3.4.2.1")), hashlib.sha256
        info = der.sequence(
            der.integer(1),
            der.oid("1.3.6.1.4.1.57264.2"),
            der.sequence(sha256, der.octets(digest(message).digest())),
            der.integer(int.from_bytes(digest(message + zulu(when).encode()).digest()[:8], "big")),
            der.generalized_time(when),
            der.sequence(der.integer(1)),
        )
        leaf = self.leaf.public_bytes(Encoding.DER)
        attributes = (
            der.sequence(der.oid("1.2.840.113549.1.9.3"), der.set_of(der.oid("1.2.840.113549.1.9.16.1.4"))),
            der.sequence(der.oid("1.2.840.113549.1.9.4"), der.set_of(der.octets(digest(info).digest()))),
            der.sequence(
                der.oid("1.2.840.113549.1.9.16.2.47"),
                der.set_of(der.sequence(der.sequence(der.sequence(der.octets(digest(leaf).digest()))))),
            ),
        )
        signer = der.sequence(
            der.integer(1),
            der.sequence(self.leaf.issuer.public_bytes(), der.integer(self.leaf.serial_number)),
            sha256,
            der.set_of(*attributes, tag=0xA0),
            der.sequence(der.oid("1.2.840.10045.4.3.2")),
            der.octets(sign(self.key, der.set_of(*attributes))),
        )
        signed = der.sequence(
            der.integer(3),
            der.set_of(sha256),
            der.sequence(der.oid("1.2.840.113549.1.9.16.1.4"), der.explicit(0, der.octets(info))),
            *((der.explicit(0, leaf),) if embed else ()),
            der.set_of(signer),
        )
        token = der.sequence(der.oid("1.2.840.113549.1.7.2"), der.explicit(0, signed))
        return der.sequence(der.sequence(der.integer(0)), token)

    def trusted(self, start: datetime, end: datetime | None = None) -> Json:
        """This authority as a `CertificateAuthority` of a trusted root, leaf first."""
        return trusted_authority([self.leaf, self.authority.intermediate, self.authority.root], start, end)


def trusted_authority(chain: list[x509.Certificate], start: datetime, end: datetime | None = None) -> Json:
    """A `CertificateAuthority` message of a trusted root; the chain's root comes last."""
    common = chain[-1].subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return {
        "subject": {"organization": "Virtual Sigstore (tests only)", "commonName": str(common)},
        "uri": "https://sigstore.example",
        "certChain": {"certificates": [{"rawBytes": b64(item.public_bytes(Encoding.DER))} for item in chain]},
        "validFor": {"start": zulu(start)} | ({"end": zulu(end)} if end else {}),
    }

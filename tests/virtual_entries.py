"""What the virtual Sigstore signs and how its logs record it: contents, signatures, Rekor v1 and v2 entry bodies."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from virtual_keys import Json, Key, b64, hash_of, key_details, pem_of, spki

IN_TOTO = "application/vnd.in-toto+json"
HASHES = {"sha256": "SHA2_256", "sha384": "SHA2_384", "sha512": "SHA2_512"}


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE pre-authentication encoding, version 1."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Content:
    """What is signed: a DSSE payload, or (payload_type None) an artifact."""

    data: bytes
    payload_type: str | None = IN_TOTO

    @property
    def signed(self) -> bytes:
        """The bytes under the signature."""
        return self.data if self.payload_type is None else pae(self.payload_type, self.data)

    def changed(self) -> Content:
        """The same with other data; a JSON payload stays JSON."""
        return Content(self.data + b" ", self.payload_type)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature with what verifies it; certificate None for managed keys."""

    content: Content
    signature: bytes
    key: Key
    certificate: x509.Certificate | None

    @property
    def verifier_pem(self) -> bytes:
        """PEM of the certificate or key, as Rekor v1 records it."""
        return self.certificate.public_bytes(Encoding.PEM) if self.certificate else pem_of(self.key)

    def envelope(self) -> Json:
        """The DSSE envelope; {} for an artifact."""
        if self.content.payload_type is None:
            return {}
        signatures = [{"sig": b64(self.signature)}]
        return {"payload": b64(self.content.data), "payloadType": self.content.payload_type, "signatures": signatures}


def compact(value: Json) -> bytes:
    """JSON without blanks, keys in their own order, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def raw_bytes(certificate: x509.Certificate) -> Json:
    """A certificate as an `X509Certificate` message."""
    return {"rawBytes": b64(certificate.public_bytes(Encoding.DER))}


def spec_v1(signed: Signed, kind: str) -> tuple[str, str, Json]:
    """Kind, version and spec of a Rekor v1 entry."""
    digest, pem = hashlib.sha256, b64(signed.verifier_pem)
    payload_hash = {"algorithm": "sha256", "value": digest(signed.content.data).hexdigest()}
    whole = {"algorithm": "sha256", "value": digest(compact(signed.envelope())).hexdigest()}
    match kind:
        case "dsse":
            item = {"signature": b64(signed.signature), "verifier": pem}
            return "dsse", "0.0.1", {"envelopeHash": whole, "payloadHash": payload_hash, "signatures": [item]}
        case "intoto-0.0.1":
            return "intoto", "0.0.1", {"content": {"hash": whole, "payloadHash": payload_hash}, "publicKey": pem}
        case "intoto":
            # Rekor logged the base64 text of the signature as bytes: encoded twice.
            item = {"publicKey": pem, "sig": b64(b64(signed.signature).encode())}
            logged = {"payloadType": signed.content.payload_type, "signatures": [item]}
            return "intoto", "0.0.2", {"content": {"envelope": logged, "hash": whole, "payloadHash": payload_hash}}
        case "hashedrekord":
            name = hash_of(signed.key).name
            value = hashlib.new(name, signed.content.signed).hexdigest()
            signature = {"content": b64(signed.signature), "publicKey": {"content": pem}}
            return (
                "hashedrekord",
                "0.0.1",
                {"data": {"hash": {"algorithm": name, "value": value}}, "signature": signature},
            )
    raise ValueError(kind)


def spec_v2(signed: Signed, kind: str) -> tuple[str, str, Json]:
    """Kind, version and spec of a Rekor v2 entry."""
    verifier: Json = {"keyDetails": key_details(signed.key)}
    if signed.certificate is not None:
        verifier["x509Certificate"] = raw_bytes(signed.certificate)
    else:
        verifier["publicKey"] = {"rawBytes": b64(spki(signed.key))}
    item = {"content": b64(signed.signature), "verifier": verifier}
    match kind:
        case "dsse":
            data = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(signed.content.data).digest())}
            return "dsse", "0.0.2", {"dsseV002": {"payloadHash": data, "signatures": [item]}}
        case "hashedrekord":
            name = hash_of(signed.key).name
            data = {"algorithm": HASHES[name], "digest": b64(hashlib.new(name, signed.content.signed).digest())}
            return "hashedrekord", "0.0.2", {"hashedRekordV002": {"data": data, "signature": item}}
    raise ValueError(kind)

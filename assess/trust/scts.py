"""Signed certificate timestamps: proof that a signing certificate was made public (RFC 6962, 3.2 and 3.3)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import LogEntryType, SignedCertificateTimestamp, Version

from assess.trust._outcome import MALFORMED, Proved, RefusedError, UnprovableError
from assess.trust.certificates import Leaf
from assess.trust.keys import key_of_der, verify_signature
from assess.trust.roots import LogInstance, TrustedRoot

MAX_SCTS = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def verify_scts(leaf: Leaf, issuer: x509.Certificate, root: TrustedRoot) -> Proved[LogInstance]:
    """Step 5: an SCT embedded in the certificate comes from a CT log of the trusted root; the value is that log.

    `issuer` is the certificate that the chain was verified with, never one that was found by name. SCTs of unknown
    logs are passed over if another one holds; one that a known log did not sign is refused.
    """
    scts = _embedded(leaf)
    tbs = leaf.certificate.tbs_precertificate_bytes
    issuer_key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    entry = hashlib.sha256(issuer_key).digest() + len(tbs).to_bytes(3, "big") + tbs
    proved: Proved[LogInstance] | None = None
    unknown: list[str] = []
    for sct in scts:
        log = root.ct_log(sct.log_id)
        if log is None:
            unknown.append(sct.log_id.hex())
            continue
        when = _check(sct, log, entry)
        name = log.base_url or log.log_id.hex()
        proved = proved or Proved(f"{name} promised to publish the certificate at {when.isoformat()[:19]}Z", log)
    if proved is None:
        raise RefusedError(
            f"no SCT of the certificate is from a CT log of the trusted root ({root.name})",
            expected=", ".join(log.log_id.hex() for log in root.ct_logs),
            found=", ".join(unknown),
        )
    return proved


def _embedded(leaf: Leaf) -> tuple[SignedCertificateTimestamp, ...]:
    try:
        kind = x509.PrecertificateSignedCertificateTimestamps
        scts = tuple(leaf.certificate.extensions.get_extension_for_class(kind).value)
    except x509.ExtensionNotFound:
        raise UnprovableError(
            "the certificate carries no SCT (those of early 2022 do not), so its publication is not proved here"
        ) from None
    except MALFORMED as error:
        raise RefusedError(f"the certificate's SCTs cannot be parsed ({str(error)[:120]})") from None
    if not 0 < len(scts) <= MAX_SCTS:
        raise RefusedError(f"a certificate carries 1 to {MAX_SCTS} SCTs", found=str(len(scts)))
    return scts


def _check(sct: SignedCertificateTimestamp, log: LogInstance, entry: bytes) -> datetime:
    key = key_of_der(log.key)
    if key is None:
        raise UnprovableError(f"the key of the CT log {log.base_url} is of a kind that is not supported")
    try:
        moment = sct.timestamp.replace(tzinfo=UTC)
        if sct.version is not Version.v1 or sct.entry_type is not LogEntryType.PRE_CERTIFICATE:
            raise RefusedError("the SCT is not one of a precertificate, version 1")
        if not isinstance(sct.signature_hash_algorithm, hashes.SHA256):
            raise RefusedError("the SCT is signed over another hash than SHA-256")
        milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
        extensions = sct.extension_bytes
        # RFC 6962, 3.2: version, signature type, time, entry type 1 (precertificate), entry, extensions
        data = (
            b"\x00\x00"
            + milliseconds.to_bytes(8, "big")
            + b"\x00\x01"
            + entry
            + len(extensions).to_bytes(2, "big")
            + extensions
        )
        signature = sct.signature
    except MALFORMED as error:
        raise RefusedError(f"an SCT of the certificate cannot be parsed ({str(error)[:120]})") from None
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name != "secp256r1":
        raise UnprovableError(f"the CT log {log.base_url} has a key that SCTs are not made with")
    if not verify_signature(key, signature, data):
        raise RefusedError(f"the CT log {log.base_url} did not sign this SCT for this certificate and issuer")
    if not log.window.holds(moment):
        raise RefusedError(f"the CT log {log.base_url} was not trusted when it made the SCT", found=moment.isoformat())
    return moment

"""Sigstore bundles v0.1 to v0.3 as proto-JSON -> Opened; faults that fail verification become defects."""

from __future__ import annotations

import re

from assess.attestations._json import Node, shown
from assess.attestations.dsse import read_envelope
from assess.attestations.envelope import Envelope, InclusionProof, LogEntry, Material, MessageSignature, Opened
from assess.evidence import Source

MAX_ENTRIES = 64
_MEDIA_TYPE = re.compile(
    r"application/vnd\.dev\.sigstore\.bundle(?:\+json;\s*version=(0\.[1-9][0-9]?)|\.v(0\.[3-9])\+json)"
)
_VERSIONS = ("0.1", "0.2", "0.3")


def open_bundle(node: Node, source: Source, digest: str) -> Opened:
    """A bundle (sigstore/protobuf-specs, `sigstore_bundle.proto`), verification step 1.

    Raises InputError with a JSON pointer where a value has the wrong type or is not base64; what can be read
    but cannot verify (no content, no certificate, unknown version, ...) is listed in `Opened.defects`.
    """
    node = Node(node.value, node.path, node.pointer, proto=True)
    media_type = node.string("mediaType")
    found = _MEDIA_TYPE.fullmatch(media_type)
    version = (found[1] or found[2]) if found else None
    material = _material(node.object("verificationMaterial"))
    envelope = read_envelope(node.object("dsseEnvelope")) if node.get("dsseEnvelope").present else None
    message = _message(node.object("messageSignature")) if node.get("messageSignature").present else None
    defects = (
        *_version_defects(media_type, version),
        *_content_defects(envelope, message),
        *_material_defects(node.get("verificationMaterial"), material),
        *entry_defects(material.entries, version),
    )
    container = f"sigstore-bundle-{version if version in _VERSIONS else 'unknown'}"
    return Opened(source, container, digest, envelope=envelope, message=message, material=material, defects=defects)


def _message(node: Node) -> MessageSignature:
    digest = node.object("messageDigest")
    return MessageSignature(
        node.decoded("signature"),
        digest.string("algorithm") or None,
        digest.decoded("digest") or None,
    )


def _material(node: Node) -> Material:
    chain = node.object("x509CertificateChain").items("certificates")
    certificates = tuple(item.decoded("rawBytes") for item in chain)
    if node.get("certificate").present:
        certificates = (node.object("certificate").decoded("rawBytes"),)
    public_key = node.object("publicKey")
    timestamps = node.object("timestampVerificationData").items("rfc3161Timestamps")
    _check_count(node.get("timestampVerificationData"), len(timestamps))
    return Material(
        certificates=tuple(der for der in certificates if der),
        key_hint=public_key.string("hint") if public_key.present else None,
        entries=read_entries(node, "tlogEntries"),
        timestamps=tuple(item.decoded("signedTimestamp") for item in timestamps),
    )


def read_entries(node: Node, key: str) -> tuple[LogEntry, ...]:
    """The log entries (proto-JSON `TransparencyLogEntry`) of the array `key`; InputError where they are malformed."""
    items = node.items(key)
    _check_count(node.get(key), len(items))
    return tuple(_entry(item) for item in items)


def _check_count(node: Node, count: int) -> None:
    if count > MAX_ENTRIES:
        raise node.error(f"too many entries (got {count}, expected at most {MAX_ENTRIES})")


def _entry(node: Node) -> LogEntry:
    kind = node.object("kindVersion")
    promise = node.object("inclusionPromise")
    return LogEntry(
        log_index=node.integer("logIndex") or 0,
        log_id=node.object("logId").decoded("keyId"),
        kind=kind.string("kind"),
        version=kind.string("version"),
        body=node.decoded("canonicalizedBody"),
        # proto-JSON may leave zero out: a Rekor v2 entry has no integrated time.
        integrated_time=node.integer("integratedTime") or None,
        promise=promise.decoded("signedEntryTimestamp") or None,
        proof=_proof(node.object("inclusionProof")) if node.get("inclusionProof").present else None,
    )


def _proof(node: Node) -> InclusionProof:
    return InclusionProof(
        log_index=node.integer("logIndex") or 0,
        root_hash=node.decoded("rootHash"),
        tree_size=node.integer("treeSize") or 0,
        hashes=node.all_decoded("hashes"),
        checkpoint=node.object("checkpoint").string("envelope") or None,
    )


def _version_defects(media_type: str, version: str | None) -> tuple[str, ...]:
    if not media_type:
        return ("the bundle names no media type",)
    if version not in _VERSIONS:
        return (f"unknown bundle version (got {shown(media_type)}, expected 0.1, 0.2 or 0.3)",)
    return ()


def _content_defects(envelope: Envelope | None, message: MessageSignature | None) -> tuple[str, ...]:
    if envelope is None and message is None:
        return ("the bundle has no content: neither a DSSE envelope nor a message signature",)
    if envelope is not None and message is not None:
        return ("the bundle has two contents: a DSSE envelope and a message signature",)
    if envelope is not None and len(envelope.signatures) != 1:
        return (f"a bundle's envelope has exactly one signature (got {len(envelope.signatures)})",)
    if message is not None and not message.signature:
        return ("the message signature is empty",)
    return ()


def _material_defects(node: Node, material: Material) -> tuple[str, ...]:
    kinds = [key for key in ("certificate", "x509CertificateChain", "publicKey") if node.get(key).present]
    if len(kinds) > 1:
        return (f"more than one kind of verification material ({', '.join(kinds)})",)
    if not kinds:
        return ("the bundle names neither a certificate nor a key",)
    if "publicKey" not in kinds and not material.certificates:
        return ("the certificate chain is empty",)
    return ()


def entry_defects(entries: tuple[LogEntry, ...], version: str | None) -> tuple[str, ...]:
    """What keeps log entries of a bundle of that version from verifying."""
    defects: list[str] = []
    for number, entry in enumerate(entries, start=1):
        if entry.log_index < 0 or (entry.proof is not None and entry.proof.log_index < 0):
            defects.append(f"log entry {number} has a negative index")
        if not entry.body:
            defects.append(f"log entry {number} has no body")
        if version == "0.1" and entry.promise is None:
            defects.append(f"log entry {number} has no inclusion promise, which a v0.1 bundle must carry")
        if version != "0.1" and entry.proof is None:
            defects.append(f"log entry {number} has no inclusion proof, which a bundle from v0.2 on must carry")
    return tuple(defects)

"""What cosign attaches to images: a layer (envelope or simple-signing payload) with annotations around it."""

from __future__ import annotations

import re
from dataclasses import replace

from assess.attestations._json import Node, decode_base64, read_json
from assess.attestations.dsse import read_envelope
from assess.attestations.envelope import Envelope, LogEntry, Material, MessageSignature, Opened, Signature
from assess.errors import InputError
from assess.evidence import Source

CONTAINER = "cosign-layer"
SIGNATURE_CONTAINER = "cosign-signature"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
BUNDLE = "dev.sigstore.cosign/bundle"
TIMESTAMP = "dev.sigstore.cosign/rfc3161timestamp"
MAX_ANNOTATION = 1024 * 1024
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def opened_from_cosign(layer: bytes, annotations: tuple[tuple[str, str], ...], source: Source, digest: str) -> Opened:
    """An attestation layer (`application/vnd.dsse.envelope.v1+json`) with the annotations of its descriptor.

    `digest` is the layer's sha256, hex. The annotations are not signed: a certificate or log entry in them is material
    to verify with, like that of a bundle. Raises InputError where the layer or an annotation cannot be read.
    """
    place = str(source)
    known = _known(annotations, place)
    envelope = read_envelope(Node(read_json(layer, place), place))
    hint = envelope.signatures[0].keyid or "" if envelope.signatures else ""
    material = _material(known, place, hint)
    if material is None:
        return Opened(source, CONTAINER, digest, envelope=envelope)
    # A signature over an image has an annotation that the timestamp covers; an attestation's is empty.
    stamped = None if known.get(SIGNATURE, "") else layer
    return Opened(source, CONTAINER, digest, envelope=_bare(envelope), material=replace(material, stamped=stamped))


def opened_from_signature(
    layer: bytes, annotations: tuple[tuple[str, str], ...], source: Source, digest: str
) -> Opened:
    """A signature layer (`application/vnd.dev.cosign.simplesigning.v1+json`): payload bytes, kept as they were signed.

    The signature stands in an annotation. Raises InputError where an annotation cannot be read.
    """
    place = str(source)
    known = _known(annotations, place)
    signature = decode_base64(known.get(SIGNATURE, ""))
    if signature is None:
        raise InputError(f"a signature that is not base64 (annotation {SIGNATURE})", place)
    defects = () if signature else (f"no signature stands beside the payload (annotation {SIGNATURE})",)
    material = _material(known, place, "")
    return Opened(
        source,
        SIGNATURE_CONTAINER,
        digest,
        message=MessageSignature(signature),
        claims=layer,
        material=material,
        defects=defects,
    )


def by_key_alone(opened: Opened) -> Opened:
    """`opened` without the certificates in its annotations, which nobody signed, for who asks for a key's signature."""
    if opened.material is None or opened.container not in (CONTAINER, SIGNATURE_CONTAINER):
        return opened
    return replace(opened, material=replace(opened.material, certificates=(), key_hint=opened.material.key_hint or ""))


def _known(annotations: tuple[tuple[str, str], ...], place: str) -> dict[str, str]:
    for name, text in annotations:
        if len(text) > MAX_ANNOTATION:
            raise InputError(f"an annotation is too large ({name[:60]}, {len(text)} characters)", place)
    return dict(annotations)


def _material(known: dict[str, str], place: str, hint: str) -> Material | None:
    """What the annotations offer to verify with; None where they offer nothing."""
    certificates = (*_certificates(known.get(CERTIFICATE, ""), place), *_chain(known.get(CHAIN, ""), place))
    entries = _entries(known.get(BUNDLE, ""), place)
    timestamps = _timestamps(known.get(TIMESTAMP, ""), place)
    if not (certificates or entries or timestamps):
        return None
    return Material(certificates, None if certificates else hint, entries, timestamps)


def _bare(envelope: Envelope) -> Envelope:
    """The envelope with its certificate left to the material."""
    return Envelope(
        envelope.payload, envelope.payload_type, tuple(Signature(one.sig, one.keyid) for one in envelope.signatures)
    )


def _certificates(text: str, place: str) -> tuple[bytes, ...]:
    found = tuple(decode_base64("".join(block.split())) for block in _PEM.findall(text))
    if (text.strip() and not found) or None in found:
        raise InputError("a certificate annotation that is not PEM", place)
    return tuple(der for der in found if der)


def _chain(text: str, place: str) -> tuple[bytes, ...]:
    # cosign writes the chain up to the root; roots come from the trusted root only, and the last one is that root.
    return _certificates(text, place)[:-1]


def _entries(text: str, place: str) -> tuple[LogEntry, ...]:
    if not text.strip():
        return ()
    node = Node(read_json(text.encode(), f"{place} (annotation {BUNDLE})"), place)
    payload = node.object("Payload")
    body = payload.decoded("body")
    inside = Node(read_json(body, f"{place} (log entry)"), place)
    log_id = payload.string("logID")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", log_id):
        raise payload.get("logID").error("not a log id (expected 64 hexadecimal digits)")
    return (
        LogEntry(
            log_index=payload.integer("logIndex") or 0,
            log_id=bytes.fromhex(log_id),
            kind=inside.string("kind"),
            version=inside.string("apiVersion"),
            body=body,
            integrated_time=payload.integer("integratedTime") or None,
            promise=node.decoded("SignedEntryTimestamp") or None,
            proof=None,
        ),
    )


def _timestamps(text: str, place: str) -> tuple[bytes, ...]:
    if not text.strip():
        return ()
    node = Node(read_json(text.encode(), f"{place} (annotation {TIMESTAMP})"), place)
    stamp = node.decoded("SignedRFC3161Timestamp")
    return (stamp,) if stamp else ()

"""DSSE envelopes as JSON -> Envelope; no verification."""

from __future__ import annotations

import re

from assess.attestations._json import Node, decode_base64
from assess.attestations.envelope import Envelope, Opened, Signature
from assess.evidence import Source

MAX_SIGNATURES = 64
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def open_envelope(node: Node, source: Source, digest: str) -> Opened:
    """A bare DSSE envelope (https://github.com/secure-systems-lab/dsse/blob/v1.0.0/envelope.md)."""
    return Opened(source, "dsse", digest, envelope=read_envelope(node))


def read_envelope(node: Node) -> Envelope:
    """An envelope; `signatures` may be missing or empty, which is what an unsigned one looks like.

    Raises InputError with a JSON pointer for wrong types and for what is not base64.
    """
    payload_type = node.required_string("payloadType")
    node.required_string("payload")
    items = node.items("signatures")
    if len(items) > MAX_SIGNATURES:
        raise node.get("signatures").error(f"too many signatures (got {len(items)}, expected at most {MAX_SIGNATURES})")
    return Envelope(node.decoded("payload"), payload_type, tuple(_signature(item) for item in items))


def _signature(node: Node) -> Signature:
    node.members()
    node.required_string("sig")
    keyid = node.get("keyid")
    text = node.string("keyid")
    return Signature(node.decoded("sig"), text if keyid.present else None, _certificate(node))


def _certificate(node: Node) -> bytes | None:
    """DER of the first certificate in the PEM text of the non-standard field `cert`."""
    text = node.string("cert")
    if not text.strip():
        return None
    found = _PEM.search(text)
    der = decode_base64("".join(found[1].split())) if found else None
    if not der:
        raise node.get("cert").error("not a PEM certificate")
    return der

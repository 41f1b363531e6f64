"""PyPI's attestation objects (PEP 740): a statement, one signature over it, a certificate and log entries."""

from __future__ import annotations

from assess.attestations._json import Node, element_digest
from assess.attestations.bundles import entry_defects, read_entries
from assess.attestations.envelope import Envelope, Material, Opened, Signature
from assess.evidence import Source

CONTAINER = "pep740"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""Not written in the object: the signature is over DSSE's encoding with this type."""


def open_attestation(node: Node, source: Source) -> Opened:
    """One attestation object (https://peps.python.org/pep-0740/#attestation-objects).

    Raises InputError with a JSON pointer for what is missing, has the wrong type or is not base64.
    """
    version = node.integer("version")
    envelope = node.object("envelope")
    material = node.object("verification_material")
    envelope.required_string("statement")
    envelope.required_string("signature")
    certificate = material.decoded("certificate")
    entries = read_entries(Node(material.value, material.path, material.pointer, proto=True), "transparency_entries")
    defects = entry_defects(entries, "0.3")
    if version != 1:
        defects = (f"unknown version of the attestation object (got {version}, expected 1)", *defects)
    if not certificate:
        defects = ("the attestation object carries no certificate", *defects)
    return Opened(
        source,
        CONTAINER,
        element_digest(node),
        envelope=Envelope(envelope.decoded("statement"), PAYLOAD_TYPE, (Signature(envelope.decoded("signature")),)),
        material=Material(certificates=(certificate,) if certificate else (), entries=entries),
        defects=defects,
    )


def attestations_of(node: Node) -> tuple[Node, ...]:
    """The attestation objects of a provenance object (`attestation_bundles[].attestations[]`).

    Who published is told by the certificate; the `publisher` beside it is what the index says of itself.
    """
    return tuple(one for bundle in node.items("attestation_bundles") for one in bundle.items("attestations"))

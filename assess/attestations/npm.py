"""The npm registry's answer for one package version: bundles of provenance and of the registry's own publish note."""

from __future__ import annotations

from dataclasses import replace

from assess.attestations._json import Node, element_digest, shown, signed_member
from assess.attestations.bundles import open_bundle
from assess.attestations.envelope import Opened
from assess.evidence import Source

CONTAINER = "npm-attestations"


def open_element(node: Node, source: Source) -> Opened:
    """One element `{predicateType, bundle}` of `attestations` (the registry's /-/npm/v1/attestations answer).

    The predicate type beside the bundle is not signed: where it differs from the signed one, the element is defective.
    Raises InputError where the bundle is missing or malformed.
    """
    bundle = node.object("bundle")
    if not bundle.present:
        raise bundle.error("missing (expected a Sigstore bundle)")
    opened = open_bundle(bundle, source, element_digest(node))
    label = node.string("predicateType")
    signed = signed_member(opened.envelope.payload, "predicateType") if opened.envelope is not None else None
    if label and isinstance(signed, str) and signed != label:
        defect = f"the document calls it {shown(label)}, and the signed statement {shown(signed)}"
        return replace(opened, defects=(*opened.defects, defect))
    return opened

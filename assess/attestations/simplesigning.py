"""Simple-signing payloads: what cosign (and others) sign when they sign an image, and the image it is about.

https://github.com/containers/image/blob/main/docs/containers-signature.5.md, and cosign's SIGNATURE_SPEC.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assess.attestations._json import Limits, Node, compact, read_json, shown
from assess.attestations.statement import SubjectMatch
from assess.errors import InputError
from assess.evidence import Check, Digest

COSIGN = "cosign container image signature"
TYPES = (COSIGN, "atomic container signature")
LIMITS = Limits(size=1024 * 1024, depth=16, nodes=10_000)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a payload says: of which manifest, under which name, and what else its signer wrote."""

    digest: str
    """`critical.image.docker-manifest-digest`, as written; "" where it is missing."""
    type: str
    """`critical.type`, as written."""
    reference: str
    """`critical.identity.docker-reference`: the name that was signed, which need not be the one that is pulled."""
    optional: tuple[tuple[str, str], ...] = ()
    """The signer's annotations; values that are no texts as compact JSON."""


def read_claims(payload: bytes, place: str) -> Claims:
    """The claims of a payload. Raises InputError, with a JSON pointer, where it is no such payload."""
    node = Node(read_json(payload, f"{place} (payload)", LIMITS), place)
    if not isinstance(node.value, dict):
        raise node.wrong_type("a simple-signing payload")
    critical = node.object("critical")
    if not critical.present:
        raise node.get("critical").error("missing (expected a simple-signing payload)")
    optional = node.object("optional").members()
    return Claims(
        digest=critical.object("image").string("docker-manifest-digest"),
        type=critical.string("type"),
        reference=critical.object("identity").string("docker-reference"),
        optional=tuple((key, value if isinstance(value, str) else compact(value)) for key, value in optional.items()),
    )


def match_claims(payload: bytes, place: str, digests: Iterable[Digest]) -> SubjectMatch:
    """Whether a payload, whose signature was verified before, is about the manifest of these digests (step 9)."""
    known = tuple(str(one) for one in digests)
    expected = ", ".join(known)
    try:
        claims = read_claims(payload, place)
    except InputError as problem:
        return SubjectMatch(False, Check("claims", 9, "failed", f"the payload cannot be read: {problem}", expected))
    if claims.type not in TYPES:
        detail = "the payload is of another type than a container image signature"
        return SubjectMatch(False, Check("claims", 9, "failed", detail, " or ".join(TYPES), shown(claims.type)))
    if claims.digest not in known:
        detail = "the signature is of another image: its payload names another manifest"
        return SubjectMatch(False, Check("claims", 9, "failed", detail, expected, shown(claims.digest)))
    detail = "the payload names this image's digest"
    if claims.reference:
        detail += f"; it was signed as {shown(claims.reference, 200)}"
    return SubjectMatch(True, Check("claims", 9, "verified", detail, expected, claims.digest), secure=True)

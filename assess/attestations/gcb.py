"""Google Cloud Build's answer to `gcloud artifacts docker images describe --show-provenance`: envelopes with readable
copies of what they sign, and a summary of the image."""

from __future__ import annotations

from assess.attestations._json import JSON, Node, element_digest, parsed_or_none, shown
from assess.attestations.dsse import read_envelope
from assess.attestations.envelope import Envelope, Opened
from assess.evidence import Source

CONTAINER = "google-cloud-build"
PREDICATES = {"https://slsa.dev/provenance/v0.1": "slsaProvenance"}
"""Predicate types whose readable copy has another name than `predicate`."""
_COPIES = ("intotoStatement", "inTotoSlsaProvenanceV1")


def occurrences(node: Node) -> tuple[Node, ...]:
    """The elements of `provenance_summary.provenance`; one answer may hold several, of both predicate versions."""
    return node.object("provenance_summary").items("provenance")


def open_occurrence(node: Node, source: Source, answer: Node) -> Opened:
    """One element of the answer, with what contradicts its signed payload as defects.

    The readable copy and the image summary are not signed; people and scripts read them all the same, so an answer
    in which they say something else than what was signed is not what Google served.
    Raises InputError with a JSON pointer where there is no envelope or it is malformed.
    """
    if not node.get("envelope").present:
        raise node.get("envelope").error("missing (expected a DSSE envelope)")
    envelope = read_envelope(node.object("envelope"))
    defects = (*_copy_defects(node, envelope), *_summary_defects(node, answer, envelope))
    return Opened(source, CONTAINER, element_digest(node), envelope=envelope, defects=defects)


def _copy_defects(node: Node, envelope: Envelope) -> tuple[str, ...]:
    build = node.object("build")
    copies = [build.get(name) for name in _COPIES if build.get(name).present]
    signed = parsed_or_none(envelope.payload)
    if not isinstance(signed, dict):
        # What is signed cannot be read, which is said when it is read.
        return ()
    if not copies:
        return ("copy: the answer lacks its readable copy of the signed statement",)
    if any(not _same(copy.value, signed) for copy in copies):
        return ("copy: the readable copy differs from the signed statement",)
    return ()


def _same(copy: JSON, signed: dict[str, JSON]) -> bool:
    if not isinstance(copy, dict):
        return False
    named = PREDICATES.get(str(signed.get("predicateType")), "predicate")
    expected = {named if key == "predicate" else key: value for key, value in signed.items()}
    return _without_nothing(copy) == _without_nothing(expected)


def _without_nothing(value: JSON) -> JSON:
    """The value without empty members, which the answer leaves out."""
    if isinstance(value, dict):
        members = {key: _without_nothing(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in (None, "", {}, [])}
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    return value


def _summary_defects(node: Node, answer: Node, envelope: Envelope) -> tuple[str, ...]:
    summary = answer.object("image_summary")
    digest, qualified = summary.string("digest"), summary.string("fully_qualified_digest")
    kind, resource = node.string("kind"), node.string("resourceUri")
    defects = []
    if kind != "BUILD":
        defects.append(f"summary: an element of another kind (got {shown(kind)}, expected BUILD)")
    if digest and qualified and not qualified.endswith(f"@{digest}"):
        defects.append("summary: the image summary names two digests")
    if qualified and resource != f"https://{qualified}":
        defects.append("summary: the element is about another resource than the image summary")
    algorithm, _, value = digest.partition(":")
    if digest and not _names(parsed_or_none(envelope.payload), algorithm, value):
        defects.append("summary: the image summary's digest is none of the signed subjects'")
    return tuple(defects)


def _names(signed: JSON, algorithm: str, value: str) -> bool:
    subjects = signed.get("subject") if isinstance(signed, dict) else None
    for subject in subjects if isinstance(subjects, list) else ():
        digests = subject.get("digest") if isinstance(subject, dict) else None
        if isinstance(digests, dict) and digests.get(algorithm) == value:
            return True
    return False

"""In-toto statements v0.1 and v1: what is said of which subjects, and whether an artifact is one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from assess._frozen import frozen
from assess.attestations._json import JSON, Node, read_json, shown
from assess.attestations.envelope import Opened
from assess.errors import InputError
from assess.evidence import Check, Digest, Source, Subject

STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
STRONG = frozenset(
    ("sha256", "sha384", "sha512", "sha512_256", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2b_256")
)
"""Digest algorithms that tie an attestation to an artifact; sha1, md5, sha224 and made-up identifiers do not."""
GIT = frozenset(("gitCommit", "gitTree", "gitBlob", "gitTag"))
"""Names of git objects: accepted, as is `sha1`, for an artifact that is a git object itself."""
_PAYLOAD_TYPE = re.compile(r"application/vnd\.in-toto(?:\.[A-Za-z0-9.+_-]+)?\+json")


@frozen
class Statement:
    """One statement; `predicate` is parsed JSON as written, null and missing alike None."""

    type: str
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: JSON
    source: Source


def is_in_toto(payload_type: str) -> bool:
    """Whether a DSSE payload type announces an in-toto statement."""
    return _PAYLOAD_TYPE.fullmatch(payload_type) is not None


def read_statement(opened: Opened) -> Statement:
    """The statement that an attestation carries (in-toto attestation spec v1 and v0.1, spec 5.1).

    Unknown fields are ignored. Raises InputError, with a JSON pointer into the payload, where the payload is no
    statement; a signature over an artifact (`Opened.payload` is None) is one such case.
    """
    place = str(opened.source)
    payload = opened.payload
    if payload is None:
        raise InputError("a signature over an artifact, which carries no statement", place)
    if opened.envelope is not None and not is_in_toto(opened.envelope.payload_type):
        found = shown(opened.envelope.payload_type)
        raise InputError(f"not an in-toto payload (got {found}, expected application/vnd.in-toto+json)", place)
    node = Node(read_json(payload, f"{place} (payload)"), place)
    if not isinstance(node.value, dict):
        raise node.wrong_type("an in-toto statement")
    statement_type = node.required_string("_type")
    if statement_type not in STATEMENT_TYPES:
        expected = " or ".join(STATEMENT_TYPES)
        raise node.get("_type").error(f"unknown statement type (got {shown(statement_type)}, expected {expected})")
    return Statement(
        type=statement_type,
        subjects=tuple(_subject(item, opened.source) for item in node.items("subject")),
        predicate_type=node.required_string("predicateType"),
        predicate=node.get("predicate").value,
        source=opened.source,
    )


def _subject(node: Node, source: Source) -> Subject:
    node.members()
    place = Source(source.path, source.line, source.column, node.pointer)
    return Subject(node.string("name") or node.string("uri"), read_digests(node.object("digest")), place)


def read_digests(node: Node) -> tuple[Digest, ...]:
    """A DigestSet (object of algorithm -> value), in its order."""
    return tuple(Digest(algorithm, node.string(algorithm)) for algorithm in node.members())


@frozen
class SubjectMatch:
    """How an artifact's digests meet the subjects of a statement (verification step 9)."""

    matched: bool
    check: Check
    subject: Subject | None = None
    algorithm: str | None = None
    secure: bool | None = None
    """Matched by a cryptographically strong digest; None where nothing matched."""
    conflict: str | None = None
    """Why a subject that agrees by one accepted algorithm is still another thing: it differs by another one."""


def match_subject(subjects: Iterable[Subject], artifact: Iterable[Digest]) -> SubjectMatch:
    """Find the artifact among the subjects: by any accepted digest algorithm, never by name (spec 5.1).

    A subject that agrees by one accepted algorithm and differs by another is a conflict, which no honest producer
    writes; it outweighs a match.
    """
    digests = tuple(artifact)
    git = any(digest.algorithm in GIT for digest in digests)
    accepted = STRONG | GIT if git else STRONG
    wanted = {digest.algorithm: digest.value.lower() for digest in digests if digest.algorithm in accepted}
    expected = ", ".join(f"{name}:{value}" for name, value in wanted.items()) or "no digest by an accepted algorithm"
    best: tuple[Subject, str] | None = None
    offered: list[str] = []
    for subject in subjects:
        shared = [one for one in _renamed(subject.digests, git) if one[0] in wanted]
        offered += [f"{name}:{value}" for name, value in shared]
        equal = [name for name, value in shared if wanted[name] == value]
        if equal and len(equal) < len(shared):
            differing = next(name for name, value in shared if wanted[name] != value)
            conflict = f"the subject {shown(subject.name)} agrees by {equal[0]} and differs by {differing}"
            check = Check("subject", 9, "failed", conflict, expected, ", ".join(offered[-len(shared) :]))
            return SubjectMatch(False, check, subject, equal[0], None, conflict)
        if equal and best is None:
            best = subject, equal[0]
    if best is not None:
        which = f"the subject {shown(best[0].name)}" if best[0].name else "a subject without a name"
        detail = f"{which} has the artifact's {best[1]} digest"
        found = f"{best[1]}:{wanted[best[1]]}"
        return SubjectMatch(True, Check("subject", 9, "verified", detail, expected, found), *best, best[1] in STRONG)
    detail = "no subject has the artifact's digest" if offered else "no subject has a digest of an algorithm in common"
    return SubjectMatch(False, Check("subject", 9, "failed", detail, expected, ", ".join(offered[:3]) or "none"))


def _renamed(digests: Iterable[Digest], git: bool) -> list[tuple[str, str]]:
    return [
        ("gitCommit" if git and digest.algorithm == "sha1" else digest.algorithm, digest.value.lower())
        for digest in digests
    ]

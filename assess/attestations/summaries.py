"""Verification summaries (VSA) v0.1, v0.2 and v1 -> evidence.Summary in v1 terms; nothing is verified here."""

from __future__ import annotations

from assess._frozen import frozen
from assess.attestations._json import Node, compact
from assess.attestations.envelope import Opened
from assess.attestations.statement import Statement, read_digests
from assess.errors import InputError
from assess.evidence import Dependency, LevelCount, Parameter, Summary

SUMMARY_V1 = "https://slsa.dev/verification_summary/v1"
_LEGACY = ("https://slsa.dev/verification_summary/v0.1", "https://slsa.dev/verification_summary/v0.2")


@frozen
class _Names:
    """What the fields are called: camelCase in v1, snake_case before."""

    time: str
    resource: str
    inputs: str
    result: str
    dependencies: str


_V1 = _Names("timeVerified", "resourceUri", "inputAttestations", "verificationResult", "dependencyLevels")
_V0 = _Names("time_verified", "resource_uri", "input_attestations", "verification_result", "dependency_levels")


def read_summary(opened: Opened, statement: Statement) -> Summary:
    """Normalise a VSA predicate (spec 6.1); v0.1 and v0.2 are legacy, which a note says.

    Unknown fields are ignored, missing ones are "", () or None as the fields of `Summary` say; what belongs to
    verification is left None. Raises InputError, with a JSON pointer into the payload, where the predicate type is
    no VSA or a field has the wrong type.
    """
    node = Node(statement.predicate, str(opened.source), "/predicate")
    node.members()
    if statement.predicate_type == SUMMARY_V1:
        names, levels = _V1, _texts(node, "verifiedLevels")
    elif statement.predicate_type in _LEGACY:
        policy_level = node.string("policy_level")
        names, levels = _V0, (policy_level,) if policy_level else ()
    else:
        found = statement.predicate_type[:120]
        raise InputError(f"not a verification summary (got predicate type {found!r})", str(opened.source))
    verifier, policy = node.object("verifier"), node.object("policy")
    return Summary(
        source=opened.source,
        predicate_type=statement.predicate_type,
        subjects=statement.subjects,
        verifier_id=verifier.string("id"),
        verifier_versions=tuple(
            Parameter(name, compact(value)) for name, value in verifier.object("version").members().items()
        ),
        time_verified=node.string(names.time),
        resource_uri=_resource(node, names, statement),
        policy_uri=policy.string("uri"),
        policy_digests=read_digests(policy.object("digest")),
        input_attestations=tuple(_input(item) for item in node.items(names.inputs)),
        result=node.string(names.result),
        verified_levels=levels,
        dependency_levels=_dependency_levels(node, names.dependencies),
        slsa_version=node.string("slsaVersion"),
        digest=opened.digest,
        notes=() if names is _V1 else (f"legacy format: predicate type {statement.predicate_type}",),
    )


def _texts(node: Node, key: str) -> tuple[str, ...]:
    texts = []
    for item in node.items(key):
        if not isinstance(item.value, str):
            raise item.wrong_type("a string")
        texts.append(item.value)
    return tuple(texts)


def _resource(node: Node, names: _Names, statement: Statement) -> str:
    """In v0.1 the subject's name was the artifact's URI."""
    if statement.predicate_type == _LEGACY[0]:
        return statement.subjects[0].name if statement.subjects else ""
    return node.string(names.resource)


def _input(item: Node) -> Dependency:
    item.members()
    return Dependency(item.string("uri"), read_digests(item.object("digest")))


def _dependency_levels(node: Node, key: str) -> tuple[LevelCount, ...] | None:
    # Unlike everywhere else, {} says something here: that there are no dependencies (spec 9, T18).
    if not node.get(key).present:
        return None
    counts = node.object(key)
    return tuple(LevelCount(level, counts.integer(level) or 0) for level in counts.members())

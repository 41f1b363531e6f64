"""SLSA provenance v0.1, v0.2 and v1 -> evidence.Provenance in v1 terms; and what kind a predicate type is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from assess._frozen import frozen
from assess.attestations._json import JSON, Node, compact
from assess.attestations.buildtypes import Version, meaning_of, parameters
from assess.attestations.envelope import Opened
from assess.attestations.statement import Statement, read_digests
from assess.errors import InputError
from assess.evidence import AttestationKind, Builder, Dependency, Parameter, Provenance

PRE_RELEASE = tuple(f"https://slsa.dev/provenance/{version}" for version in ("v1-rc1", "v1-rc2", "v1.0", "v1.0?draft"))
"""Types that were used before v1 was final; read as v1, with a note (spec 5.4)."""
VERSIONS: dict[str, Version] = {
    "https://slsa.dev/provenance/v1": "v1",
    **dict.fromkeys(PRE_RELEASE, "v1"),
    "https://slsa.dev/provenance/v0.2": "v0.2",
    "https://slsa.dev/provenance/v0.1": "v0.1",
    "https://in-toto.io/Provenance/v0.1": "v0.1",
}
"""The predicate types that are SLSA provenance, and the version whose fields they have."""
SUMMARY = tuple(f"https://slsa.dev/verification_summary/{version}" for version in ("v1", "v0.2", "v0.1"))
_PUBLISH = re.compile(
    r"https://github\.com/npm/attestation/tree/main/specs/publish/v[0-9.]+"
    r"|https://docs\.pypi\.org/attestations/publish/v1"
)
COSIGN_SIGN = "https://sigstore.dev/cosign/sign/v1"
"""What cosign's bundles say of an image that is signed and no more: a signature in the form of an attestation."""
_SBOM = re.compile(r"https://spdx\.dev/Document(?:/.*)?|https://cyclonedx\.org/(?:bom|schema)(?:/.*)?")


def kind_of(predicate_type: str) -> AttestationKind:
    """What a predicate type announces. Types are opaque: only exact ones count as provenance (spec 9, T14)."""
    if predicate_type in VERSIONS:
        return "provenance"
    if predicate_type in SUMMARY:
        return "summary"
    if predicate_type == COSIGN_SIGN:
        return "signature"
    if _PUBLISH.fullmatch(predicate_type):
        return "publish"
    if _SBOM.fullmatch(predicate_type):
        return "sbom"
    return "other"


_TITLES: tuple[tuple[str, str], ...] = (
    ("https://witness.testifysec.com/attestation-collection/", "a Witness collection"),
    ("https://witness.dev/attestation-collection/", "a Witness collection"),
    ("https://witness.testifysec.com/policy/", "a Witness policy"),
    ("chainloop.dev/attestation/", "a Chainloop attestation"),
    ("https://slsa.dev/verification_summary/", "a verification summary (VSA) of an unknown version"),
    ("https://slsa.dev/provenance/", "provenance of an unknown version"),
    ("https://in-toto.io/attestation/svr/", "a simple verification result (SVR)"),
    ("https://in-toto.io/attestation/release/", "a release attestation"),
    ("https://in-toto.io/attestation/scai/", "a supply chain attribute report (SCAI)"),
    ("https://in-toto.io/attestation/vulns/", "a vulnerability report"),
    ("https://in-toto.io/attestation/test-result/", "a test result"),
    ("https://in-toto.io/attestation/link/", "an in-toto link"),
    ("https://in-toto.io/Link/", "an in-toto link"),
    ("https://in-toto.io/attestation/reference/", "a reference to other attestations"),
    ("https://in-toto.io/attestation/runtime-trace/", "a runtime trace"),
    ("https://cosign.sigstore.dev/attestation/vuln/", "a vulnerability report"),
    ("https://cosign.sigstore.dev/attestation/", "a custom attestation of cosign's"),
    ("cosign.sigstore.dev/attestation/", "a custom attestation of cosign's"),
    ("https://sigstore.dev/cosign/sign/", "a cosign signature"),
    ("https://model_signing/signature/", "a signature over a model's files"),
    ("https://gitsign.sigstore.dev/", "a gitsign attestation"),
    ("https://openvex.dev/ns", "a VEX document"),
    ("https://github.com/in-toto/attestation/tree/main/spec/predicates/", "an in-toto predicate"),
)


def title_of(predicate_type: str) -> str | None:
    """What people call attestations of this type that are neither provenance nor a kind of their own; None if unknown.

    For messages only: nothing is granted or refused by it.
    """
    return next((title for prefix, title in _TITLES if predicate_type.startswith(prefix)), None)


@frozen
class _Fields:
    """What every version of the predicate says, in v1 terms."""

    builder_id: str
    build_type: str
    external: tuple[Parameter, ...]
    internal: tuple[Parameter, ...]
    dependencies: tuple[Dependency, ...]
    invocation_id: str
    started_on: str
    finished_on: str


def read_provenance(opened: Opened, statement: Statement) -> Provenance:
    """Normalise a provenance predicate (spec 5.2 to 5.4).

    What belongs to verification (signature, signer, platform, subject_secure, distributed) is left None. Fields
    that the predicate does not have are "" or (). Raises InputError, with a JSON pointer into the payload, where
    the predicate type is not SLSA provenance or a field has the wrong type.
    """
    node = Node(statement.predicate, str(opened.source), "/predicate")
    version = VERSIONS.get(statement.predicate_type)
    node.members()
    match version:
        case "v1":
            fields = _v1(node)
        case "v0.2":
            fields = _v0_2(node)
        case "v0.1":
            fields = _v0_1(node)
        case None:
            found = statement.predicate_type[:120]
            raise InputError(f"not SLSA provenance (got predicate type {found!r})", str(opened.source))
    meaning = meaning_of(fields.build_type, version, node)
    return Provenance(
        source=opened.source,
        predicate_type=statement.predicate_type,
        statement_type=statement.type,
        subjects=statement.subjects,
        builder=Builder(fields.builder_id),
        build_type=fields.build_type,
        external_parameters=fields.external,
        internal_parameters=fields.internal,
        resolved_dependencies=fields.dependencies,
        invocation_id=fields.invocation_id,
        started_on=fields.started_on,
        finished_on=fields.finished_on,
        process=meaning.process,
        parameters_complete=meaning.parameters_complete,
        digest=opened.digest,
        notes=(*_notes(statement.predicate_type, node), *meaning.notes),
    )


def _v1(node: Node) -> _Fields:
    definition = node.object("buildDefinition")
    details = node.object("runDetails")
    metadata = details.object("metadata")
    internal = definition.get("internalParameters")
    if not internal.present:
        # The drafts' name for it.
        internal = definition.get("systemParameters")
    return _Fields(
        builder_id=details.object("builder").string("id"),
        build_type=definition.string("buildType"),
        external=parameters(definition.get("externalParameters")),
        internal=parameters(internal),
        dependencies=_dependencies(definition.items("resolvedDependencies")),
        invocation_id=metadata.string("invocationId") or metadata.string("invocationID"),
        started_on=metadata.string("startedOn"),
        finished_on=metadata.string("finishedOn"),
    )


def _v0_2(node: Node) -> _Fields:
    invocation = node.object("invocation")
    config = invocation.object("configSource")
    materials = _dependencies(node.items("materials"))
    uri = config.string("uri")
    source = Dependency(uri, read_digests(config.object("digest")))
    entry_point = config.string("entryPoint") or config.string("entrypoint")
    metadata = node.object("metadata")
    return _Fields(
        builder_id=node.object("builder").string("id"),
        build_type=node.string("buildType"),
        external=(*_process(entry_point, uri), *parameters(invocation.get("parameters"))),
        internal=parameters(invocation.get("environment")),
        dependencies=materials if not uri or source in materials else (*materials, source),
        invocation_id=metadata.string("buildInvocationId") or metadata.string("buildInvocationID"),
        started_on=metadata.string("buildStartedOn"),
        finished_on=metadata.string("buildFinishedOn"),
    )


def _v0_1(node: Node) -> _Fields:
    recipe = node.object("recipe")
    materials = _dependencies(node.items("materials"))
    # Zero is an index like any other; GCB writes "-1", as text, for none.
    index = recipe.integer("definedInMaterial")
    source = materials[index].uri if index is not None and 0 <= index < len(materials) else ""
    entry_point = recipe.string("entryPoint") or recipe.string("entrypoint")
    metadata = node.object("metadata")
    return _Fields(
        builder_id=node.object("builder").string("id"),
        build_type=recipe.string("type"),
        external=(*_process(entry_point, source), *parameters(recipe.get("arguments"))),
        internal=parameters(recipe.get("environment")),
        dependencies=materials,
        invocation_id=metadata.string("buildInvocationId") or metadata.string("buildInvocationID"),
        started_on=metadata.string("buildStartedOn"),
        finished_on=metadata.string("buildFinishedOn"),
    )


def _process(entry_point: str, source: str) -> tuple[Parameter, ...]:
    named = (("entryPoint", entry_point), ("source", source))
    return tuple(Parameter(name, compact(value)) for name, value in named if value)


def _dependencies(items: Iterable[Node]) -> tuple[Dependency, ...]:
    found = []
    for item in items:
        item.members()
        found.append(Dependency(item.string("uri") or item.string("name"), read_digests(item.object("digest"))))
    return tuple(found)


def _notes(predicate_type: str, node: Node) -> tuple[str, ...]:
    """What has no equivalent in v1, as text (spec 5.4)."""
    notes = [f"pre-release format: predicate type {predicate_type}"] if predicate_type in PRE_RELEASE else []
    metadata = node.get("metadata")
    claims = {"reproducible": metadata.get("reproducible").value, **_members(metadata.get("completeness"))}
    claimed = sorted(name for name, value in claims.items() if value in (True, "true"))
    if claimed:
        notes.append(f"claimed, with no effect on a level: {', '.join(claimed)}")
    if _members(node.get("buildConfig")):
        notes.append("the predicate has a buildConfig, which v1 does not know")
    return tuple(notes)


def _members(node: Node) -> dict[str, JSON]:
    return node.value if isinstance(node.value, dict) else {}

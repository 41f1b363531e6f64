"""What npm's provenance may not claim: things that no certificate vouches for, and that npm itself never writes.

npm's predicate is written by a command inside the project's own job. The certificate vouches for repository, ref,
commit, workflow, trigger and run, which `agreement.py` compares; a predicate of npm's that claims more was not made
by npm, and slsa-verifier refuses it as we do. Part of step 10 of the verification:

1. exactly one package, by its sha512, and exactly one dependency: the source
2. no times of the build
3. no workflow where the certificate names none; those of npm's first months did not, and are left alone
4. v0.2: not reproducible, nothing complete, no parameters and no build configuration
5. v0.2 with the last buildType: no variables but those ten that the certificate can be compared with
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assess.attestations._json import JSON
from assess.evidence import Check, Provenance
from assess.trust.agreement import NAME, STEP

_BUILD_TYPE = re.compile(r"https://github\.com/npm/cli/gha(?:@v[0-9]+|/v[0-9]+)")
_BUILDER = re.compile(r"https://github\.com/(?:actions/runner(?:/(?:github|self)-hosted)?|npm/cli@[0-9A-Za-z.-]+)")
_LAST_V02 = "https://github.com/npm/cli/gha/v2"
_CERTIFIED = (_LAST_V02, "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1")
"""The buildTypes that npm has used since certificates name the workflow."""
COMPARED = frozenset(
    f"GITHUB_{name}"
    for name in (
        "EVENT_NAME",
        "REF",
        "REPOSITORY",
        "REPOSITORY_ID",
        "REPOSITORY_OWNER_ID",
        "RUN_ATTEMPT",
        "RUN_ID",
        "SHA",
        "WORKFLOW_REF",
        "WORKFLOW_SHA",
    )
)
"""The variables that npm records with its last v0.2 buildType; each has its like in the certificate."""


def unvouched(provenance: Provenance, predicate: JSON) -> tuple[Check, ...]:
    """One failed check for provenance of npm's that claims what nobody vouches for; () for all other provenance.

    `predicate` is the parsed predicate that `provenance` was read from.
    """
    if provenance.signer is None or provenance.signer.kind != "certificate" or not _of_npm(provenance):
        return ()
    claims = tuple(_claims(provenance, predicate if isinstance(predicate, dict) else {}))
    if not claims:
        return ()
    detail = f"npm's provenance claims what no certificate vouches for: {'; '.join(claims[:5])}"
    return (Check(NAME, STEP, "failed", detail, "nothing beyond what npm writes", claims[0]),)


def _of_npm(provenance: Provenance) -> bool:
    builder_id = provenance.builder.id if provenance.builder is not None else ""
    if _BUILD_TYPE.fullmatch(provenance.build_type or ""):
        return True
    # The same runner is the builder of other tools' provenance too, which is not about packages of npm's.
    packages = any(one.name.startswith("pkg:npm/") for one in provenance.subjects or ())
    return packages and _BUILDER.fullmatch(builder_id) is not None


def _claims(provenance: Provenance, predicate: dict[str, JSON]) -> Iterator[str]:
    # (1)
    subjects, dependencies = provenance.subjects or (), provenance.resolved_dependencies or ()
    if len(subjects) != 1 or not any(digest.algorithm == "sha512" for digest in subjects[0].digests):
        yield f"{len(subjects)} subject(s), where npm names one package by its sha512"
    if len(dependencies) != 1:
        yield f"{len(dependencies)} dependencies, where npm names one, its source"
    # (2)
    if provenance.started_on or provenance.finished_on:
        yield f"the time of the build ({provenance.started_on or provenance.finished_on})"
    # (3)
    process, signer = provenance.process, provenance.signer
    if provenance.build_type in _CERTIFIED and process is not None and process.entry_point:
        if signer is not None and signer.build_config is None:
            yield "a workflow, which the certificate does not name"
    if "buildDefinition" not in predicate:
        yield from _v0_2(provenance.build_type or "", predicate)


def _v0_2(build_type: str, predicate: dict[str, JSON]) -> Iterator[str]:
    # (4)
    metadata, invocation = _members(predicate.get("metadata")), _members(predicate.get("invocation"))
    claimed = {"reproducible": metadata.get("reproducible"), **_members(metadata.get("completeness"))}
    for name, value in sorted(claimed.items()):
        if value not in (None, False, "false"):
            yield name if name == "reproducible" else f"complete {name}"
    if invocation.get("parameters"):
        yield "parameters of the build"
    if predicate.get("buildConfig"):
        yield "a buildConfig"
    # (5)
    for name in sorted(_members(invocation.get("environment"))):
        if build_type == _LAST_V02 and name not in COMPARED:
            yield f"the variable {name[:100]}"


def _members(value: JSON) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}

"""GitLab's own constructs that make provenance or publish: variables, templates and components, and their levels.

The levels are those of GitLab's documentation, held to what an unsigned file or a job's own signature can prove.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from assess._yaml import Node
from assess.evidence import Include, Interval, Source
from assess.pipelines._facts import Act, Does, Offer
from assess.pipelines._tools import CONTAINER

GITLAB_RELEASE = "GitLab release"
_TRUE = frozenset({"true", "1", "yes", "t", "y", "on"})

RUNNER_METADATA = Offer(
    "GitLab runner metadata", Interval(1, 1), signed=False, records_parameters=False, by_digest=True, covers="files",
    note="the runner's metadata is plain JSON without a signature, and names variables without their values",
)  # fmt: skip
"""docs.gitlab.com/ci/runners/configure_runners: its claim of level 2 would need a signature."""

CONTROL_PLANE = Offer(
    "GitLab attestation", Interval(0, 3), generated=None, signed=True, isolated=True, distributed=True, by_digest=True,
    control_plane=True,
    note="GitLab makes this attestation only where its feature flag is on (an experiment), which no file shows",
)  # fmt: skip
"""docs.gitlab.com/ci/pipeline_security/slsa: called level 3 compatible, and an experiment."""

SIGNED_METADATA = Offer(
    "GitLab slsa component", Interval(1, 2), signed=True, keyless=True, authored_by_tenant=None,
    records_parameters=False, by_digest=True, covers="files",
    note="the component signs the runner's metadata in a job of this pipeline, outside the control plane",
)  # fmt: skip
"""The CI/CD components under `components/slsa`: signing happens in the build environment, so never level 3."""


@dataclass(frozen=True, slots=True)
class Known:
    """A job that a known template or component adds."""

    job: str
    does: tuple[tuple[Does, str | None], ...]
    offer: Offer | None = None
    audience: str | None = None
    trusted: bool = False
    """It runs no code of the project."""


_IMAGE: tuple[tuple[Does, str | None], ...] = (("build", None), ("publish", CONTAINER))
_TEMPLATES: Mapping[str, tuple[Known, ...]] = {
    "Cosign": (Known("docker-build", (*_IMAGE, ("sign", None)), audience="sigstore"),),
    "Docker": (Known("docker-build", _IMAGE),),
    "Kaniko": (Known("kaniko-build", _IMAGE),),
    "Jobs/Build": (Known("build", _IMAGE),),
    "Jobs/Build.latest": (Known("build", _IMAGE),),
    "Jobs/Test": (Known("test", (("code", None),)),),
}
_SCANNER = re.compile(
    r"(?:Jobs/|Security/)?(?:Code-Quality|Container-Scanning|Dependency-Scanning|SAST|SAST-IaC|Secret-Detection|DAST"
    r"|DAST-API|API-Fuzzing|Coverage-Fuzzing|License-Scanning|Fortify-FoD-sast|Browser-Performance-Testing"
    r"|Load-Performance-Testing|Code-Intelligence|Multi-Container-Scanning|API-Security)"
    r"(?:\.latest|\.v\d+)?\Z|Verify/(?:Accessibility|Browser-Performance|Load-Performance-Testing|FailFast).*"
    r"|Workflows/(?:Branch-Pipelines|MergeRequest-Pipelines)|ThemeKit"
)
_SERVER = r"(?:\$CI_SERVER_(?:FQDN|HOST)|\$\{CI_SERVER_(?:FQDN|HOST)\}|gitlab\.com)"
_COMPONENT = re.compile(_SERVER + r"/components/(.+)@[^@]+\Z")
_SCANNING = re.compile(
    r"(?:sast|secret-detection|dependency-scanning|container-scanning|code-quality|code-intelligence|api-fuzzing|dast"
    r"|coverage-fuzzing|api-security|browser-performance)(?:/|\Z)"
)


def known_jobs(include: Include) -> tuple[Known, ...] | None:
    """The jobs that matter of an included template or component; () if none does, None if it is not known."""
    if include.kind == "template":
        name = include.reference.removesuffix(".yml").removesuffix(".gitlab-ci")
        if _SCANNER.match(name):
            return ()
        return _TEMPLATES.get(name)
    found = _COMPONENT.match(include.reference) if include.kind == "component" else None
    if found is None:
        return None
    name = found.group(1)
    if name.startswith("slsa/"):
        verifies = re.search(r"verif|vsa", name) is not None
        if verifies:
            return (Known(name, (("verify", None),), trusted=True),)
        return (Known(name, (("attest", None),), SIGNED_METADATA, "sigstore", trusted=True),)
    return () if _SCANNING.match(name) else None


def acts_of(known: Known, include: Include) -> tuple[Act, ...]:
    """What a known job does."""
    return tuple(
        Act(does, include.reference, include.source, target, known.offer if does == "attest" else None)
        for does, target in known.does
    )


def switched_on(variables: Mapping[str, Node], name: str) -> bool | None:
    """A variable that switches something on; False if absent, None if its value depends on another."""
    node = variables.get(name)
    if node is None:
        return False
    return None if "$" in node.text else node.text.strip().lower() in _TRUE


def provenance_variables(variables: Mapping[str, Node], stage: str, has_artifacts: bool) -> tuple[Act, ...]:
    """The provenance that a job's variables ask the runner or GitLab for."""
    found: list[Act] = []
    if has_artifacts and switched_on(variables, "RUNNER_GENERATE_ARTIFACTS_METADATA"):
        place = variables["RUNNER_GENERATE_ARTIFACTS_METADATA"].source
        found.append(Act("attest", "RUNNER_GENERATE_ARTIFACTS_METADATA", place, offer=RUNNER_METADATA))
    asked = (("ATTEST_BUILD_ARTIFACTS", "files", has_artifacts), ("ATTEST_CONTAINER_IMAGES", CONTAINER, True))
    for name, covers, possible in asked:
        if possible and switched_on(variables, name):
            found.append(_control_plane(name, covers, variables[name].source, stage))
    return tuple(found)


def _control_plane(name: str, covers: str, place: Source, stage: str) -> Act:
    if stage != "build":
        note = f"{name} counts in jobs of the stage `build` alone, and this one is in `{stage[:40]}`"
        return Act("attest", name, place, offer=None, note=note)
    return Act("attest", name, place, offer=replace(CONTROL_PLANE, covers=covers), sure=False)

"""Does the predicate say what the verified certificate says? Where both speak of one thing they must agree (law 4).

Step 10 of the verification. What is compared, each where both sides have it:
1. builder.id with the build signer, by equality, by a registered delegator, or as a kind of npm runner
2. source repository, commit and ref
3. the workflow that was started (path, and commit of its definition)
4. the trigger
5. the runner environment
6. the run, by its URL or by its number and attempt
7. numeric ids of repository and owner
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from assess.attestations.git import repository_uri, split_git_uri
from assess.evidence import Check, Provenance, Signer

NAME = "agreement"
STEP = 10
_WORKFLOW_ID = re.compile(r"https://github\.com/[^/]+/[^/]+/\.github/workflows/.+|https://github\.com/actions/runner.*")
_GITLAB_RUNNER = re.compile(r"https://[^/]+/.+/-/runners/[0-9]+")
_NPM_CLI = re.compile(r"https://github\.com/npm/cli@[0-9][0-9A-Za-z.-]*")
_NPM_RUNNER = re.compile(r"https://github\.com/actions/runner(?:/(github-hosted|self-hosted))?")
_WORKFLOW_URI = re.compile(r"https://github\.com/([^/]+/[^/]+)/(\.github/workflows/[^@]+)@(.+)")
_RUN_URL = re.compile(r"https://github\.com/[^/]+/[^/]+/actions/runs/([0-9]+)/attempts/([0-9]+)")
_RUN_NUMBER = re.compile(r"([0-9]+)-([0-9]+)")
_SAME_COMMIT_NOT_PROMISED = "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"


@dataclass(frozen=True, slots=True)
class _Claim:
    """One thing that the predicate says, and where."""

    place: str
    value: str


def agree(provenance: Provenance, delegators: tuple[tuple[str, str], ...] = ()) -> tuple[Check, ...]:
    """One check per thing that certificate and predicate both speak of; () where they have nothing in common.

    `delegators` are pairs of regular expressions, both for full matches: signers (build signer URI or subject
    alternative name) that may write builder ids other than their own, and those ids. A key says nothing of a build,
    so it agrees with everything: what it may claim is for the roots of trust.
    """
    signer = provenance.signer
    if signer is None or signer.kind != "certificate":
        return ()
    internal = _internal(provenance)
    checks = [check for check in (_builder(provenance, signer, delegators), _runner_id(provenance, signer)) if check]
    comparisons: tuple[tuple[str, str | None, Iterator[_Claim], Callable[[str], str]], ...] = (
        ("source repository", signer.source_repository, _repositories(provenance, internal), repository_uri),
        ("source commit", signer.source_digest, _commits(provenance, internal), str),
        ("source ref", signer.source_ref, _refs(provenance, internal), str),
        ("workflow", signer.build_config, _workflows(provenance, internal), _workflow_path),
        ("workflow repository and ref", signer.build_config, _workflow_refs(internal), str),
        ("workflow commit", _claim(signer, 19), _named(internal, "GITHUB_WORKFLOW_SHA"), str),
        ("trigger", signer.build_trigger, _triggers(provenance, internal), str),
        ("runner environment", signer.runner_environment, _named(internal, "github.runner_environment"), str),
        ("run", signer.run_invocation, _runs(provenance, internal), _run),
        ("repository id", _claim(signer, 15), _ids(internal, "repository_id"), str),
        ("owner id", _claim(signer, 17), _ids(internal, "repository_owner_id"), str),
    )
    for what, certified, claims, normal in comparisons:
        if certified:
            checks += _compared(what, certified, claims, normal)
    return tuple(checks)


def _compared(what: str, certified: str, claims: Iterator[_Claim], normal: Callable[[str], str]) -> Iterator[Check]:
    """One check for all places that name this thing: failed at the first that differs, none where none names it."""
    expected = normal(certified)
    seen: list[str] = []
    for claim in claims:
        seen.append(claim.place)
        if normal(claim.value) != expected:
            detail = f"{what}: {claim.place} differs from the certificate"
            yield Check(NAME, STEP, "failed", detail, certified, claim.value)
            return
    if seen:
        detail = f"{what}: {', '.join(seen)} and the certificate agree"
        yield Check(NAME, STEP, "verified", detail, certified, certified)


# (1)
def _builder(provenance: Provenance, signer: Signer, delegators: tuple[tuple[str, str], ...]) -> Check | None:
    found = provenance.builder.id if provenance.builder is not None else ""
    signers = tuple(filter(None, (signer.build_signer, signer.identity)))
    expected = signers[0]
    if found in signers:
        return Check(NAME, STEP, "verified", "builder.id is the build signer", expected, found)
    if any(
        re.fullmatch(pattern, one) and re.fullmatch(builder, found)
        for pattern, builder in delegators
        for one in signers
    ):
        detail = "builder.id is one that this build signer may write"
        return Check(NAME, STEP, "verified", detail, expected, found)
    if not _comparable(found, expected):
        return None
    if _on_github(signer) and (_NPM_RUNNER.fullmatch(found) or _NPM_CLI.fullmatch(found)):
        # npm writes the kind of runner, or itself; what can be compared of that is `_runner_id`'s.
        return None
    detail = "builder.id is not the build signer, nor one that it may write"
    return Check(NAME, STEP, "failed", detail, expected, found)


def _comparable(builder_id: str, signer: str) -> bool:
    """Whether a builder.id names an identity of the kind that signs; another vendor's URI is for the roots of trust."""
    if _WORKFLOW_ID.fullmatch(builder_id):
        return True
    if _GITLAB_RUNNER.fullmatch(builder_id):
        # GitLab signs with the pipeline's identity and names the runner in builder.id.
        return False
    authority = re.match(r"https://[^/]+/", builder_id)
    return authority is not None and signer.startswith(authority[0])


def _runner_id(provenance: Provenance, signer: Signer) -> Check | None:
    found = provenance.builder.id if provenance.builder is not None else ""
    runner = _NPM_RUNNER.fullmatch(found)
    if runner is None or runner[1] is None or not signer.runner_environment:
        return None
    agreed = runner[1] == signer.runner_environment
    detail = f"runner environment: builder.id {'agrees with' if agreed else 'differs from'} the certificate"
    return Check(NAME, STEP, "verified" if agreed else "failed", detail, signer.runner_environment, runner[1])


def _on_github(signer: Signer) -> bool:
    return signer.identity.startswith("https://github.com/")


# (2)
def _repositories(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    process = provenance.process
    if process is not None and process.source_uri:
        yield _Claim("the buildType's source", process.source_uri)
    yield from _config_source(provenance, 0)
    for place, name in _named_values(internal, "GITHUB_REPOSITORY", "github_repository"):
        yield _Claim(place, name)


def _commits(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    process = provenance.process
    # A delegated builder may build a commit that the run has made itself.
    if process is not None and process.source_commit and provenance.build_type != _SAME_COMMIT_NOT_PROMISED:
        yield _Claim("the buildType's commit", process.source_commit)
    yield from _named(internal, "GITHUB_SHA", "github_sha1", "github_sha")


def _refs(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    process = provenance.process
    if process is not None and process.source_ref:
        yield _Claim("the buildType's ref", process.source_ref)
    yield from _config_source(provenance, 1)
    yield from _named(internal, "GITHUB_REF", "github_ref")


def _config_source(provenance: Provenance, index: int) -> Iterator[_Claim]:
    """Repository or ref of the source that any v0.x predicate names, whether its buildType is recognised or not."""
    for parameter in provenance.external_parameters or ():
        if parameter.name == "source" and provenance.process is not None and not provenance.process.recognised:
            uri = _text(parameter.value)
            parts = split_git_uri(uri) if uri.startswith("git+https://github.com/") else None
            if parts is not None and parts[index]:
                yield _Claim("configSource.uri", parts[index])


# (3)
def _workflows(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    entry_point = provenance.process.entry_point if provenance.process is not None else None
    if entry_point and entry_point.startswith(".github/workflows/"):
        yield _Claim("the entry point", entry_point)


def _workflow_refs(internal: dict[str, str]) -> Iterator[_Claim]:
    for claim in _named(internal, "GITHUB_WORKFLOW_REF"):
        yield _Claim(claim.place, f"https://github.com/{claim.value}")


def _workflow_path(text: str) -> str:
    found = _WORKFLOW_URI.fullmatch(text)
    return found[2] if found else text


# (4)
def _triggers(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    if provenance.process is not None and provenance.process.trigger:
        yield _Claim("the buildType's trigger", provenance.process.trigger)
    yield from _named(internal, "GITHUB_EVENT_NAME", "github_event_name", "github.event_name")


# (6)
def _runs(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    run_id = provenance.invocation_id or ""
    if _RUN_URL.fullmatch(run_id) or _RUN_NUMBER.fullmatch(run_id):
        yield _Claim("the invocation id", run_id)
    for number, attempt in (("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"), ("github_run_id", "github_run_attempt")):
        if internal.get(number) and internal.get(attempt):
            yield _Claim(number, f"{internal[number]}-{internal[attempt]}")


def _run(text: str) -> str:
    """`NUMBER-ATTEMPT` of a run's URL; other texts as they are."""
    found = _RUN_URL.fullmatch(text)
    return f"{found[1]}-{found[2]}" if found else text


# (7)
def _ids(internal: dict[str, str], name: str) -> Iterator[_Claim]:
    yield from _named(internal, f"GITHUB_{name.upper()}", f"github_{name}", f"github.{name}")


def _claim(signer: Signer, number: int) -> str | None:
    oid = f"1.3.6.1.4.1.57264.1.{number}"
    return next((claim.value for claim in signer.claims if claim.oid == oid), None)


def _named(internal: dict[str, str], *names: str) -> Iterator[_Claim]:
    for place, value in _named_values(internal, *names):
        yield _Claim(place, value)


def _named_values(internal: dict[str, str], *names: str) -> Iterator[tuple[str, str]]:
    for name in names:
        if internal.get(name):
            yield name, internal[name]


def _internal(provenance: Provenance) -> dict[str, str]:
    """Texts and numbers among the internal parameters; those of the object `github` as `github.NAME`."""
    values: dict[str, str] = {}
    for parameter in provenance.internal_parameters or ():
        if parameter.name == "github":
            members = _json(parameter.value)
            if isinstance(members, dict):
                values |= {f"github.{name}": str(value) for name, value in members.items() if _plain(value)}
        elif len(parameter.value) < 1_000:
            value = _json(parameter.value)
            if _plain(value):
                values[parameter.name] = str(value)
    return values


def _plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(parameter: str) -> str:
    value = _json(parameter)
    return value if isinstance(value, str) else ""

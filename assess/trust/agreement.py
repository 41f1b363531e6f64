"""Does the predicate say what the verified certificate says? Where both speak of one thing they must agree (law 4).

Step 10 of the verification. What is compared, each where both sides have it:
1. builder.id with the build signer, by equality or by a registered delegator, or as a kind of npm runner
2. source repository, commit and ref
3. the workflow that was started (path, and commit of its definition)
4. the trigger
5. the runner environment
6. the run, by its URL or by its number and attempt
7. numeric ids of repository and owner
"""

# Longer than 300 lines: one table of comparisons and where each finds its claims.

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator

from assess._frozen import frozen
from assess.attestations.buildtypes import source_is_run
from assess.attestations.git import normalize_git_uri, repository_uri, split_git_uri
from assess.evidence import Check, Provenance, Signer
from assess.trust.platforms import Pattern

NAME = "agreement"
STEP = 10
_IDENTITY = re.compile(
    r"https://github\.com/[^/]+/[^/]+/\.github/workflows/.+"
    r"|https://github\.com/actions/runner.*"
    r"|https://[^/]+/.+//.+@refs/.+"
)
"""A builder.id that names what signs on GitHub or GitLab; others (a vendor's URI, a run's URL) are no signers."""
_NPM_CLI = re.compile(r"https://github\.com/npm/cli@[0-9][0-9A-Za-z.-]*")
_NPM_RUNNER = re.compile(r"https://github\.com/actions/runner(?:/(github-hosted|self-hosted))?")
_WORKFLOW_URI = re.compile(r"https://github\.com/([^/]+/[^/]+)/(\.github/workflows/[^@]+)@(.+)")
_RUN_URL = re.compile(r"https://github\.com/[^/]+/[^/]+/actions/runs/([0-9]+)/attempts/([0-9]+)")
_ANY_RUN = re.compile(r"https://github\.com/.*/actions/runs/", re.IGNORECASE | re.DOTALL)
_JOB_URL = re.compile(r"https://[^/]+/.+/-/jobs/[0-9]+")
_RUN_NUMBER = re.compile(r"([0-9]+)-([0-9]+)")
_NPM_ON_GITLAB = "https://github.com/npm/cli/gitlab/"
_OWN_COMMITS = "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"


Delegator = Pattern | tuple[str, str]


@frozen
class _Claim:
    """One thing that the predicate says, and where."""

    place: str
    value: str


def agree(provenance: Provenance, delegators: Iterable[Delegator] = ()) -> tuple[Check, ...]:
    """One check per thing that certificate and predicate both speak of; () where they have nothing in common.

    `delegators` are the signers (build signer URI or subject alternative name) that write builder ids other than
    their own: patterns, or pairs of regular expressions for a signer and the ids that it may write, all for full
    matches. What such an id is worth, and what a key may claim, is for the roots of trust (step 11).
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
        ("workflow", signer.build_config, _workflows(provenance), _workflow_path),
        ("workflow repository and ref", signer.build_config, _workflow_refs(internal), str),
        ("workflow commit", _claim(signer, 19), _named(internal, "GITHUB_WORKFLOW_SHA"), str),
        ("trigger", signer.build_trigger, _triggers(provenance, internal), str),
        ("runner environment", signer.runner_environment, _named(internal, "github.runner_environment"), str),
        ("run", signer.run_invocation, _run_urls(provenance, attempt=True), str),
        ("run", signer.run_invocation, _run_urls(provenance, attempt=False), _without_attempt),
        ("run", signer.run_invocation, _runs(provenance, internal), _run),
        ("run", signer.run_invocation, _builder_run(provenance), _run_number),
        ("repository id", _claim(signer, 15), _ids(internal, "repository_id", "CI_PROJECT_ID"), str),
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
def _builder(provenance: Provenance, signer: Signer, delegators: Iterable[Delegator]) -> Check | None:
    found = provenance.builder.id if provenance.builder is not None else ""
    signers = tuple(filter(None, (signer.build_signer, signer.identity)))
    expected = signers[0]
    if found in signers:
        return Check(NAME, STEP, "verified", "builder.id is the build signer", expected, found)
    if found and any(may_write(delegator, one, found) for delegator in delegators for one in signers):
        detail = "builder.id is one that this build signer may write"
        return Check(NAME, STEP, "verified", detail, expected, found)
    if not _IDENTITY.fullmatch(found):
        return None
    if expected.startswith("https://github.com/") and (_NPM_RUNNER.fullmatch(found) or _NPM_CLI.fullmatch(found)):
        # npm writes the kind of runner, or itself; what can be compared of that is `_runner_id`'s.
        return None
    detail = "builder.id is not the build signer, nor one that it may write"
    return Check(NAME, STEP, "failed", detail, expected, found)


def may_write(delegator: Delegator, signer: str, builder_id: str) -> bool:
    """This signer is the delegator, at whatever ref, and `builder_id` is one that it may write."""
    if isinstance(delegator, Pattern):
        # At another ref it is still the delegator; what it is worth there is for the roots of trust.
        at_a_version = f"{signer.partition('@')[0]}@refs/tags/v0.0.0"
        return delegator.match(signer) is not None or delegator.match(at_a_version) is not None
    return bool(re.fullmatch(delegator[0], signer) and re.fullmatch(delegator[1], builder_id))


def _runner_id(provenance: Provenance, signer: Signer) -> Check | None:
    found = provenance.builder.id if provenance.builder is not None else ""
    runner = _NPM_RUNNER.fullmatch(found)
    if runner is None or runner[1] is None or not signer.runner_environment:
        return None
    agreed = runner[1] == signer.runner_environment
    detail = f"runner environment: builder.id {'agrees with' if agreed else 'differs from'} the certificate"
    return Check(NAME, STEP, "verified" if agreed else "failed", detail, signer.runner_environment, runner[1])


# (2)
def _repositories(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    for place, repository, _ in _sources(provenance):
        yield _Claim(place, repository)
    yield from _named(internal, "GITHUB_REPOSITORY", "github_repository", "CI_PROJECT_URL")


def _refs(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    for place, _, ref in _sources(provenance):
        if ref:
            yield _Claim(place, ref)
    yield from _named(internal, "GITHUB_REF", "github_ref")


def _commits(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    # A delegated builder may build a commit that the run has made itself.
    if source_is_run(provenance.build_type or "") and provenance.build_type != _OWN_COMMITS:
        if provenance.process is not None and provenance.process.source_commit:
            yield _Claim("the buildType's commit", provenance.process.source_commit)
        for place, digests in _source_digests(provenance):
            for algorithm, value in digests:
                if algorithm in ("gitCommit", "sha1"):
                    yield _Claim(place, value)
    yield from _named(internal, "GITHUB_SHA", "github_sha1", "github_sha", "CI_COMMIT_SHA")


def _source_digests(provenance: Provenance) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Place and digests wherever the predicate says which state of its source was built.

    In v0.2 the source may stand in `configSource` and among the materials: both must tell the truth.
    """
    source: str | None = None
    for parameter in provenance.external_parameters or ():
        match parameter.name, _json(parameter.value):
            case "source", str() as uri:
                source = uri
            case "source", {"digest": dict() as digests}:
                named = [(str(name), value) for name, value in digests.items() if isinstance(value, str)]
                yield "externalParameters.source's digest", named
    for index, dependency in enumerate(provenance.resolved_dependencies or ()):
        if index == 0 or dependency.uri == source:
            place = "the first dependency's digest" if index == 0 else "the source's digest"
            yield place, [(digest.algorithm, digest.value) for digest in dependency.digests]


def _sources(provenance: Provenance) -> Iterator[tuple[str, str, str]]:
    """Place, repository and ref wherever the predicate names its source, if that is the repository of the run.

    All places, not only what the buildType makes of them: where they contradict each other one of them is a lie.
    """
    if not source_is_run(provenance.build_type or ""):
        return
    if provenance.process is not None and provenance.process.source_uri:
        yield "the buildType's source", provenance.process.source_uri, provenance.process.source_ref or ""
    for parameter in provenance.external_parameters or ():
        match parameter.name, _json(parameter.value):
            case "workflow", {"repository": str() as repository, "ref": str() as ref}:
                yield "externalParameters.workflow", repository, ref
            case "source", str() as uri:
                yield "externalParameters.source", *_split(uri)
            case "source", {"uri": str() as uri}:
                yield "externalParameters.source", *_split(uri)
    for dependency in (provenance.resolved_dependencies or ())[:1]:
        if dependency.uri:
            yield "the first dependency", *_split(dependency.uri)


def _split(uri: str) -> tuple[str, str]:
    return split_git_uri(normalize_git_uri(uri)) or (uri, "")


# (3)
def _workflows(provenance: Provenance) -> Iterator[_Claim]:
    entry_point = provenance.process.entry_point if provenance.process is not None else None
    build_type = provenance.build_type or ""
    # On GitLab the entry point is a job of the file that the certificate names.
    same_run = source_is_run(build_type) and not build_type.startswith(_NPM_ON_GITLAB)
    if entry_point and (same_run or entry_point.startswith(".github/workflows/")):
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
def _run_urls(provenance: Provenance, *, attempt: bool) -> Iterator[_Claim]:
    """The invocation id where it is the URL of a run on GitHub, of any repository; with or without its attempt."""
    run_id = provenance.invocation_id or ""
    if _ANY_RUN.match(run_id) and ("/attempts/" in run_id) is attempt:
        yield _Claim("the invocation id", run_id)


def _without_attempt(text: str) -> str:
    return text.partition("/attempts/")[0]


def _runs(provenance: Provenance, internal: dict[str, str]) -> Iterator[_Claim]:
    run_id = provenance.invocation_id or ""
    if _RUN_NUMBER.fullmatch(run_id) or _JOB_URL.fullmatch(run_id):
        yield _Claim("the invocation id", run_id)
    for number, attempt in (("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"), ("github_run_id", "github_run_attempt")):
        if internal.get(number) and internal.get(attempt):
            yield _Claim(number, f"{internal[number]}-{internal[attempt]}")


def _builder_run(provenance: Provenance) -> Iterator[_Claim]:
    """BuildKit writes the URL of the run as builder.id; the attempt that signs may be a later one."""
    if provenance.builder is not None and _RUN_URL.fullmatch(provenance.builder.id):
        yield _Claim("builder.id", provenance.builder.id)


def _run_number(text: str) -> str:
    return _run(text).partition("-")[0]


def _run(text: str) -> str:
    """`NUMBER-ATTEMPT` of a run's URL; other texts as they are."""
    found = _RUN_URL.fullmatch(text)
    return f"{found[1]}-{found[2]}" if found else text


# (7)
def _ids(internal: dict[str, str], name: str, *others: str) -> Iterator[_Claim]:
    yield from _named(internal, f"GITHUB_{name.upper()}", f"github_{name}", f"github.{name}", *others)


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
    if (provenance.build_type or "").startswith(_NPM_ON_GITLAB):
        # There npm writes the job's variables as parameters of the build.
        named = ((one.name, _json(one.value)) for one in provenance.external_parameters or () if one.name[:3] == "CI_")
        values |= {name: str(value) for name, value in named if value and _plain(value)}
    return values


def _plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

"""What the audits look at: the release paths' jobs joined with what they do, use, share and are started by.

A fact that nobody can tell is an item of which little is known, so that an audit cannot take it for clean:
    1. which jobs: those of the paths, and jobs beside them that may ask for the same identity
    2. per job: acts, steps, caches, secrets, images, hand-overs, definitions from elsewhere, parameters
    3. per pipeline: what starts it, and what jobs outside share with its paths
    4. per release: the five conditions of the strict reading
"""

# Longer than 300 lines: one join per collection, read beside each other.

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from assess._frozen import frozen
from assess.evidence import (
    CacheUse,
    Handover,
    PathAct,
    PathCache,
    PathHandover,
    PathImage,
    PathJob,
    PathParameter,
    PathSecret,
    PathShared,
    PathStep,
    PathTrigger,
    PathUse,
    Pipeline,
    Release,
    Secret,
    StrictConditions,
    Trigger,
)
from assess.pipelines import _expressions as expressions
from assess.pipelines._facts import UNREAD, Act, JobFacts, PipelineFacts
from assess.pipelines._paths import ReleasePath, ancestors, paths, promises
from assess.pipelines.releases import REGARDLESS, best_of, covers, open_to_outsiders, runs_code, runs_outsiders_code

_GUARD = re.compile(r"(?:RUNNER_ENVIRONMENT|runner\.environment)\b[^\n]*github-hosted")
_ACTOR = re.compile(r"\bgithub\.(?:triggering_)?actor\b|\bgithub\.event\.(?:pull_request|sender)\.\w*\.?login\b")
_ENVIRONMENT_FILE = re.compile(r"\$(?:\{|env:)?GITHUB_(?:ENV|PATH)\b\}?", re.IGNORECASE)
_TAG_REQUIRED = re.compile(
    r"slsa-framework/slsa-github-generator/\.github/workflows/|jreleaser/release-action/\.github/workflows/builder_slsa3"
    r"|bazel-contrib/[\w.-]+/\.github/workflows/"
)
_PINS_SIGNER = re.compile(
    r"--(?:signer-workflow|signer-repo|cert(?:ificate)?-identity(?:-regexp?)?|builder-id)(?:[= ]|\Z)"
)
_BY_HAND = frozenset({"workflow_dispatch", "repository_dispatch", "manual", "web", "api", "trigger", "workflow_call"})
_BY_TAG = frozenset({"release", "tag"})


@frozen
class PathFacts:
    """The collections of the audits, named as in `Evidence` without `path_`."""

    jobs: tuple[PathJob, ...] = ()
    acts: tuple[PathAct, ...] = ()
    steps: tuple[PathStep, ...] = ()
    caches: tuple[PathCache, ...] = ()
    secrets: tuple[PathSecret, ...] = ()
    images: tuple[PathImage, ...] = ()
    handovers: tuple[PathHandover, ...] = ()
    uses: tuple[PathUse, ...] = ()
    parameters: tuple[PathParameter, ...] = ()
    triggers: tuple[PathTrigger, ...] = ()
    shared: tuple[PathShared, ...] = ()


def all_jobs_facts(facts: PipelineFacts) -> PathFacts:
    """The join with every job of a pipeline taken for a release path: to compare with tools that know no such path."""
    whole = ReleasePath(facts.jobs, ())
    return _joined(facts, [whole], (), _attested_targets([whole])) if facts.jobs else PathFacts()


def path_facts(found: Iterable[tuple[PipelineFacts, tuple[Release, ...]]]) -> PathFacts:
    """The join for all pipelines that have a release path of their own, given with their releases."""
    made = [(facts, [path for path in paths(facts) if promises(facts, path)], own) for facts, own in found]
    everywhere = _attested_targets(path for _, own, _ in made for path in own)
    parts = [_joined(facts, own, made_of, everywhere) for facts, own, made_of in made if own]
    return PathFacts(*(_collection(parts, one.name) for one in fields(PathFacts)))


def _collection(parts: list[PathFacts], name: str) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in getattr(part, name)))


def _joined(
    facts: PipelineFacts, own: list[ReleasePath], releases: tuple[Release, ...], everywhere: frozenset[str]
) -> PathFacts:
    jobs = {job.job.id: _job(facts, path, job) for path in own for job in path.jobs}
    # 1. jobs beside: whatever they run may sign as the release does
    beside = [job for job in facts.jobs if job.job.can_sign and job.job.id not in jobs and job.acts]
    jobs |= {job.job.id: _job(facts, None, job) for job in beside}
    pairs = [(jobs[job.job.id], job) for path in own for job in path.jobs]
    before = ancestors(facts.jobs)
    return PathFacts(
        jobs=tuple(jobs.values()),
        acts=tuple(act for path in own for act in _acts(path, jobs, before, everywhere)),
        steps=tuple(step for job, one in pairs for step in _steps(facts, job, one)),
        caches=tuple(cache for job, one in pairs for cache in _caches(job, one)),
        secrets=tuple(secret for job, one in pairs for secret in _secrets(job, one)),
        images=tuple(image for job, one in pairs for image in _images(job, one)),
        handovers=tuple(taken for job, one in pairs for taken in _handovers(job, one)),
        uses=(*(use for job, one in pairs for use in _uses(job, one)), *_includes(facts.pipeline, pairs)),
        parameters=tuple(name for path in own for name in _parameters(path, jobs, facts)),
        triggers=_triggers(facts.pipeline, own),
        shared=_shared(facts.pipeline, releases),
    )


def _platform_signs(path: ReleasePath) -> bool:
    """All signed provenance of the path is the platform's own, with what no job can ask for."""
    offers = [act.offer for _, act in path.acts() if act.offer is not None]
    return any(one.control_plane for one in offers) and all(one.control_plane for one in offers if one.signed)


def _job(facts: PipelineFacts, path: ReleasePath | None, one: JobFacts) -> PathJob:
    job = one.job
    outsiders = open_to_outsiders(facts, path) if path is not None else facts.outsiders is not None
    keys = any(secret.kind == "signing-key" for secret in job.secrets or ())
    condition = job.condition or one.condition or ""
    return PathJob(
        source=job.source,
        id=job.id,
        pipeline=facts.pipeline.source.path,
        system=facts.pipeline.system,
        on_path=path is not None,
        hosted=_hosted(job.runner),
        runner=job.runner,
        runner_label=job.runner_label,
        hosted_guard=any(_GUARD.search(step.run or "") for step in job.steps or ()) or bool(_GUARD.search(condition)),
        runs_code=runs_code(one),
        builds=one.tell("build"),
        attests=one.tell("attest"),
        publishes=one.tell("publish"),
        can_sign=False if path is not None and _platform_signs(path) else job.can_sign,
        holds_key=True if keys else one.tell("key"),
        runs_outsiders_code=runs_outsiders_code(one) if outsiders else False,
        goes_on_without=_goes_on_without(path, one) if path is not None else False,
        permissions_set=job.permissions is not None,
        writes_all=None
        if job.permissions is None
        else any(right.scope == "all" and right.access == "write" for right in job.permissions),
        trusted=one.trusted,
        by_actor=bool(_ACTOR.search(condition)),
        always_true=job.always_true,
    )


def _hosted(runner: str | None) -> bool | None:
    return {"hosted": True, "self-hosted": False}.get(runner or "")


def _goes_on_without(path: ReleasePath, one: JobFacts) -> bool | None:
    """It publishes, and runs although the job that attests and that it waits for has failed."""
    attesting = {job.job.id for job in path.jobs if job is not one and _offers(job)}
    if not one.has("publish") or not attesting & set(one.job.needs):
        return False
    if one.job.regardless is not None:
        return one.job.regardless
    return one.condition is not None and bool(expressions.calls(one.condition) & REGARDLESS)


def _offers(job: JobFacts) -> list[Act]:
    return [act for act in job.acts if act.offer is not None and act.offer.generated is not False]


def _acts(
    path: ReleasePath, jobs: dict[str, PathJob], before: dict[str, set[str]], everywhere: frozenset[str]
) -> Iterator[PathAct]:
    offers = [(job, act) for job in path.jobs for act in _offers(job)]
    for job, act in path.acts():
        offer = act.offer
        if act.does == "publish":
            unordered, bypasses = _order(path, job, act, offers, before, everywhere)
        else:
            unordered, bypasses = False, False
        yield PathAct(
            source=act.source,
            job=jobs[job.job.id],
            does=act.does,
            happens=True if act.sure else None,
            tool=act.tool,
            target=act.target,
            tolerated=_either(act.optional, job.job.continue_on_error),
            generated=offer.generated if offer is not None else False,
            authored_by_tenant=offer.authored_by_tenant if offer is not None else False,
            by_digest=offer.by_digest if offer is not None else None,
            unordered=unordered,
            bypasses=bypasses,
        )
    if not offers:
        unread = next(((job, act) for job, act in path.acts() if act.does == "unread"), None)
        if unread is not None:
            yield PathAct(unread[1].source, jobs[unread[0].job.id], tool=unread[1].tool)


def _either(*values: bool | None) -> bool | None:
    return True if True in values else None if None in values else False


def _order(
    path: ReleasePath,
    job: JobFacts,
    act: Act,
    offers: list[tuple[JobFacts, Act]],
    before: dict[str, set[str]],
    everywhere: frozenset[str],
) -> tuple[bool | None, bool | None]:
    """(unordered, bypasses) of one publishing act."""
    target = act.target or ""
    covering = {one.job.id for one, offered in offers if covers(offered.offer, target)}
    unread = any(one.does in UNREAD for _, one in path.acts())
    if not covering:
        return False, (None if unread else target in everywhere)
    own = job.job.id
    unordered = all(other != own and other not in before[own] and own not in before[other] for other in covering)
    return unordered, False


def _attested_targets(own: Iterable[ReleasePath]) -> frozenset[str]:
    """Where something is published together with provenance, somewhere in the project."""
    found: set[str] = set()
    for path in own:
        sure = [act.offer for job in path.jobs for act in _offers(job) if act.offer and act.offer.generated]
        for _, act in path.acts():
            if act.does == "publish" and act.target and any(covers(offer, act.target) for offer in sure):
                found.add(act.target)
    return frozenset(found)


def _steps(facts: PipelineFacts, job: PathJob, one: JobFacts) -> Iterator[PathStep]:
    for step in one.job.steps or ():
        script = step.run or ""
        rest = _ENVIRONMENT_FILE.sub("", script)
        writes = rest != script and ("$" in rest or "`" in rest)  # what is written in full is nobody else's
        reached = bool(step.tainted) or facts.outsiders is not None
        tainted = () if one.trusted and step.tainted is None else step.tainted  # it runs no command of this repository
        yield PathStep(step.source, job, tainted, writes and reached, step.always_true)


def _caches(job: PathJob, one: JobFacts) -> Iterator[PathCache]:
    told = one.tell("cache")
    uses = [use for use in one.job.cache_uses or () if use.restores is not False]
    if uses:
        for use in uses:
            others = use.written_by_others
            if others is None and told is True and use.restores:
                others = True  # the act says so: `cache` is one that other runs can write
            yield PathCache(use.source, job, CacheUse(use.source, use.tool, use.key, use.restores, use.saves, others))
    else:
        for act in one.acts:
            if act.does == "cache":
                yield PathCache(act.source, job, CacheUse(act.source, act.tool, None, act.sure or None, None, True))
    if told is None and not any(act.does == "cache" for act in one.acts):
        unread = next((act for act in one.acts if act.does == "unread"), None)
        yield PathCache(unread.source if unread is not None else job.source, job)


def _secrets(job: PathJob, one: JobFacts) -> Iterator[PathSecret]:
    if one.job.secrets is None:
        yield PathSecret(job.source, job)
    for secret in one.job.secrets or ():
        yield PathSecret(secret.source, job, secret)
    named = {secret.source for secret in one.job.secrets or () if secret.kind == "signing-key"}
    for act in one.acts:
        if act.does == "key" and act.source not in named:
            yield PathSecret(act.source, job, Secret(act.source, act.tool, "signing-key"))


def _images(job: PathJob, one: JobFacts) -> Iterator[PathImage]:
    if one.job.images is None:
        yield PathImage(job.source, job)
    for image in one.job.images or ():
        yield PathImage(image.source, job, image)


def _handovers(job: PathJob, one: JobFacts) -> Iterator[PathHandover]:
    if one.job.takes is not None:
        yield from (PathHandover(taken.source, job, taken) for taken in one.job.takes)
        return
    foreign = {act.source for act in one.acts if act.does == "untrusted"}
    for act in one.acts:
        if act.does == "download":
            other = True if act.source in foreign else None
            yield PathHandover(act.source, job, Handover(act.source, from_other_run=other))
    if one.has("unread"):
        yield PathHandover(job.source, job)


def _uses(job: PathJob, one: JobFacts) -> Iterator[PathUse]:
    for step in one.job.steps or ():
        if step.uses is None or step.pinned in {None, "local"}:
            continue
        kind = "workflow" if step.uses == one.job.calls else "action"
        yield _use(PathUse(step.source, job, step.uses, kind, step.pinned))


def _includes(pipeline: Pipeline, pairs: list[tuple[PathJob, JobFacts]]) -> Iterator[PathUse]:
    """Includes belong to the whole pipeline; they are told with the first job that signs, else with the first."""
    seen = {step.uses for job in pipeline.jobs or () for step in job.steps or () if step.uses is not None}
    job = next((job for job, _ in pairs if job.can_sign or job.attests), pairs[0][0])
    for one in pipeline.includes or ():
        if one.pinned != "local" and one.reference not in seen:
            yield _use(PathUse(one.source, job, one.reference, one.kind, one.pinned))


def _use(use: PathUse) -> PathUse:
    moves: bool | None = use.pinned == "branch"
    if use.pinned == "unknown" or use.pinned is None:
        moves = None if re.search(r"\$\{\{|\$\(|\$\[|<<|\$\w", use.reference) or use.pinned is None else True
    required = _TAG_REQUIRED.match(use.reference) is not None
    return PathUse(use.source, use.job, use.reference, use.kind, use.pinned, moves, required)


def _parameters(path: ReleasePath, jobs: dict[str, PathJob], facts: PipelineFacts) -> Iterator[PathParameter]:
    best = best_of([(job, act) for job in path.jobs for act in job.acts if act.offer is not None])
    recorded = best[1].offer.records_parameters if best is not None and best[1].offer is not None else None
    places = {one.name: one.source for one in facts.pipeline.parameters or ()}
    for one in (*path.before, *path.jobs):
        job = jobs.get(one.job.id) or _job(facts, path, one)
        for name in one.unrecorded:
            yield PathParameter(places.get(name.removeprefix("inputs."), one.job.source), job, name, recorded)


def _triggers(pipeline: Pipeline, own: list[ReleasePath]) -> tuple[PathTrigger, ...]:
    publishing = [job for path in own for job in path.jobs if job.has("publish")]
    guarded = bool(publishing) and all(_guarded(job) for job in publishing)
    return tuple(
        PathTrigger(
            source=one.source,
            pipeline=pipeline.source.path,
            system=pipeline.system,
            event=one.event,
            trust=one.trust,
            publishes=bool(publishing),
            guarded=guarded,
            any_ref=_any_ref(one),
            by_tag=one.event in _BY_TAG or bool(one.tags),
        )
        for one in pipeline.triggers or ()
    )


def _guarded(job: JobFacts) -> bool:
    """It asks for a deployment environment, or it or its publishing steps have a condition."""
    held = job.job.environment or job.job.condition or job.condition
    return bool(held) or all(act.condition for act in job.acts if act.does == "publish")


def _any_ref(one: Trigger) -> bool | None:
    if one.event in _BY_HAND:
        return True
    if one.event != "push":
        return False
    if one.branches is None or one.tags is None:
        return None
    wide = {"*", "**"} & set(one.branches)
    return bool(wide) or not (one.branches or one.tags)


def _shared(pipeline: Pipeline, releases: tuple[Release, ...]) -> tuple[PathShared, ...]:
    return tuple(
        PathShared(one.source, pipeline.source.path, pipeline.system, one)
        for release in releases
        for one in release.shared or ()
    )


def strict_conditions(facts: PipelineFacts, release: Release, pinned: bool | None) -> StrictConditions | None:
    """The five conditions for a release that is claimed to carry L3 (pipelines reference, 3.2); None for all others."""
    # 4.
    level = release.provenance.level if release.provenance is not None else None
    if level is None or level.ceiling < 3:
        return None
    jobs = [job for job in facts.jobs if job.job.id in release.jobs]
    attesting = [job for job in jobs if _offers(job)]
    identity = release.provenance.identity_in_build if release.provenance is not None else None
    hosted = [
        True if any(_GUARD.search(step.run or "") for step in job.job.steps or ()) else _hosted(job.job.runner)
        for job in attesting
    ]
    return StrictConditions(
        apart=_all([_apart(facts, job) for job in attesting]),
        signs_alone=None if identity is None else not identity,
        no_shared_cache=None if release.shares_cache is None else not release.shares_cache,
        hosted_guard=_all(hosted),
        signer_pinned=True if attesting and all(_listed(job) for job in attesting) else pinned,
    )


def _apart(facts: PipelineFacts, job: JobFacts) -> bool | None:
    """What attests is defined elsewhere: a recognised workflow, the platform, or whoever calls this workflow."""
    built_so = any(act.offer is not None and act.offer.isolated and not act.offer.separate for act in _offers(job))
    if job.trusted or built_so:
        return True
    return None if facts.only_called else False


def _listed(job: JobFacts) -> bool:
    """The roots of trust list this very signer: a recognised workflow, or the platform itself."""
    return job.trusted or any(act.offer is not None and act.offer.control_plane for act in _offers(job))


def _all(values: list[bool | None]) -> bool | None:
    return None if not values else False if False in values else None if None in values else True


def pins_signer(found: Iterable[PipelineFacts]) -> bool | None:
    """Some pipeline verifies with the very signer named; None where none was seen to (others may, elsewhere)."""
    for facts in found:
        for one in facts.jobs:
            if one.has("verify") and any(_PINS_SIGNER.search(step.run or "") for step in one.job.steps or ()):
                return True
    return None

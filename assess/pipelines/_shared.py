"""What a project's pipelines have to do with each other: whose runs start others, and what jobs share with releases.

Steps (each tagged in the code):
    1. a pipeline that starts after others can be started by whoever can start those
    2. jobs are marked that are on a release path
    3. caches, secrets, runners and artifacts that other jobs have in common with a path
    4. a path's caches that such jobs write
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from assess._frozen import frozen, replace
from assess.evidence import CacheUse, Job, Pipeline, Release, Shared, Source, Trigger, TriggerTrust
from assess.pipelines._facts import UNREAD, JobFacts, PipelineFacts
from assess.pipelines.releases import runs_outsiders_code

MAX_SHARED = 200
MAX_PAIRS = 50_000
_ORDER: tuple[TriggerTrust, ...] = ("anyone", "contributor", "maintainer")
_OWN_SCOPE = frozenset({"pull_request", "merge_group"})
"""Events whose runs write caches that no other branch reads (GitHub)."""
_SCOPED = frozenset({"github-actions"})
_NO_OUTSIDERS = frozenset({"merge_group"})
_TELLING = frozenset({"signing-key", "publish-token"})


def linked(found: list[PipelineFacts]) -> list[PipelineFacts]:
    """The pipelines with the trust of those that start after others' runs, where all of these are here."""
    # 1. whose runs start others; twice, for one that starts after one that starts after another
    for _ in range(2):
        named: dict[str, list[Pipeline]] = {}
        for facts in found:
            named.setdefault(facts.pipeline.name, []).append(facts.pipeline)
        found = [_started(facts, named) for facts in found]
    return found


def _started(facts: PipelineFacts, named: dict[str, list[Pipeline]]) -> PipelineFacts:
    triggers = facts.pipeline.triggers
    if not any(one.pipelines and one.trust == "anyone" for one in triggers or ()):
        return facts
    made = tuple(_trusted(one, named) for one in triggers or ())
    outsiders = next((one.source for one in made if one.trust == "anyone"), None)
    return replace(facts, pipeline=replace(facts.pipeline, triggers=made), outsiders=outsiders)


def _trusted(trigger: Trigger, named: dict[str, list[Pipeline]]) -> Trigger:
    if not trigger.pipelines or trigger.trust != "anyone":
        return trigger
    before = [named.get(name) for name in trigger.pipelines]
    if any(one is None or any(pipeline.triggers is None for pipeline in one) for one in before):
        return trigger
    starts = [one for known in before for pipeline in known or () for one in pipeline.triggers or ()]
    outsiders = any(one.trust != "maintainer" and one.event not in _NO_OUTSIDERS for one in starts)
    return trigger if outsiders else replace(trigger, trust="maintainer")


_Key: TypeAlias = tuple[str, str, str]
"""System, file and job."""


@frozen
class _Other:
    """A job, with its pipeline and what it could do to others."""

    pipeline: Pipeline
    facts: JobFacts
    trust: TriggerTrust | None
    untrusted: bool | None

    @property
    def key(self) -> _Key:
        return self.pipeline.system, self.pipeline.source.path, self.facts.job.id


def with_shared(
    found: list[PipelineFacts], made: Iterable[Release], called: frozenset[str]
) -> tuple[list[PipelineFacts], tuple[Release, ...]]:
    """Pipelines and releases with what they share; jobs of files that are only `called` are in their callers."""
    releases = tuple(made)
    others = [_other(facts, job) for facts in found for job in facts.jobs if facts.pipeline.source.path not in called]
    if len(others) * len(releases) > MAX_PAIRS:
        return found, releases
    jobs = {one.key: one for one in others}
    written: set[tuple[_Key, CacheUse]] = set()
    told = tuple(_release(one, others, jobs, written) for one in releases)
    on_path = {(one.system, one.pipeline, name) for one in releases for name in one.jobs}
    return [_marked(facts, on_path, written) for facts in found], told


def _other(facts: PipelineFacts, job: JobFacts) -> _Other:
    trust = _least(facts.pipeline.triggers or ())
    untrusted = False if facts.outsiders is None else runs_outsiders_code(job)
    return _Other(facts.pipeline, job, trust, untrusted)


def _least(triggers: Iterable[Trigger]) -> TriggerTrust | None:
    trusts = {one.trust for one in triggers}
    return next((one for one in _ORDER if one in trusts), None)


def _release(
    release: Release,
    others: list[_Other],
    jobs: dict[_Key, _Other],
    written: set[tuple[_Key, CacheUse]],
) -> Release:
    # 3. what other jobs have in common with the path
    own = [jobs[key] for name in release.jobs if (key := (release.system, release.pipeline, name)) in jobs]
    keys = {one.key for one in own}
    shared: dict[Shared, None] = {}
    for other in others:
        if not any(key[:2] == other.key[:2] and f"{key[2]}/".startswith(f"{other.key[2]}/") for key in keys):
            shared |= dict.fromkeys((*_secrets(own, other), *_runners(own, other), *_artifacts(own, other)))
            for one, cache, shown in _caches(own, other):
                shared[shown] = None
                written.add((one.key, cache))
    return replace(release, shared=tuple(shared)[:MAX_SHARED])


def _caches(own: list[_Other], other: _Other) -> Iterator[tuple[_Other, CacheUse, Shared]]:
    """Caches that the other job saves and the path restores; outsiders' code can save under any key."""
    writing = _writing(other.pipeline)
    if not writing:
        return
    other = replace(other, trust=_least(writing))
    saved = [one for one in other.facts.job.cache_uses or () if one.saves is not False]
    for job in own:
        for cache in job.facts.job.cache_uses or ():
            match = next((one for one in saved if _same(one, cache)), None)
            if cache.restores is not False and job.pipeline.system == other.pipeline.system:
                if match is not None:
                    yield job, cache, _shown(other, "cache", cache.key or cache.tool, match.source)
                elif other.untrusted is True:
                    yield job, cache, _shown(other, "cache", cache.key or cache.tool, other.facts.job.source)


def _writing(pipeline: Pipeline) -> list[Trigger]:
    """The triggers whose runs write caches that more than their own branch or tag reads."""
    return [one for one in pipeline.triggers or () if pipeline.system not in _SCOPED or not _apart(one)]


def _apart(one: Trigger) -> bool:
    tagged = one.event == "push" and bool(one.tags) and not one.branches
    return one.event in _OWN_SCOPE or one.event == "release" or tagged


def _same(one: CacheUse, other: CacheUse) -> bool:
    if one.key is None or other.key is None:
        return one.tool == other.tool
    first, second = (text.partition("$")[0] for text in (one.key, other.key))
    return first.startswith(second) or second.startswith(first)


def _secrets(own: list[_Other], other: _Other) -> Iterator[Shared]:
    wanted = {one.name for job in own for one in job.facts.job.secrets or () if one.kind in _TELLING or one.name == "*"}
    for one in other.facts.job.secrets or ():
        if one.name in wanted or (one.name == "*" and wanted):
            yield _shown(other, "secret", one.name, one.source)


def _runners(own: list[_Other], other: _Other) -> Iterator[Shared]:
    """The same machines of somebody's own; two jobs on hosted ones never meet."""
    job = other.facts.job
    labels = {one.facts.job.runner_label for one in own if one.facts.job.runner in {"self-hosted", "unknown"}}
    if job.runner in {"self-hosted", "unknown"} and job.runner_label in labels and job.runner_label is not None:
        yield _shown(other, "runner", job.runner_label, job.source)


def _artifacts(own: list[_Other], other: _Other) -> Iterator[Shared]:
    for job in own:
        for one in job.facts.job.takes or ():
            near = job.pipeline is other.pipeline and one.from_job == other.facts.job.id and one.kind != "output"
            far = (
                one.from_other_run and job.pipeline is not other.pipeline and one.name in (other.facts.job.gives or ())
            )
            if near or far:
                yield _shown(other, "artifact", one.name or "*", one.source)


def _shown(other: _Other, kind: Literal["cache", "secret", "runner", "artifact"], name: str, source: Source) -> Shared:
    _, path, job = other.key
    return Shared(source, kind, name, path, job, other.trust, other.untrusted)


def _marked(facts: PipelineFacts, on_path: set[_Key], written: set[tuple[_Key, CacheUse]]) -> PipelineFacts:
    # 2. and 4.
    marked = [(one, _mark(facts, one, on_path, written)) for one in facts.jobs]
    if all(one.job is job for one, job in marked):
        return facts
    jobs = tuple(one if one.job is job else replace(one, job=job) for one, job in marked)
    return replace(facts, jobs=jobs, pipeline=replace(facts.pipeline, jobs=tuple(one.job for one in jobs)))


def _mark(
    facts: PipelineFacts,
    one: JobFacts,
    on_path: set[_Key],
    written: set[tuple[_Key, CacheUse]],
) -> Job:
    key = (facts.pipeline.system, facts.pipeline.source.path, one.job.id)
    unsure = any(act.does in UNREAD for act in one.acts)
    release = True if key in on_path else None if unsure else False
    caches = one.job.cache_uses
    if caches:
        caches = tuple(replace(use, written_by_others=True) if (key, use) in written else use for use in caches)
    same = release is one.job.release and caches == one.job.cache_uses
    return one.job if same else replace(one.job, release=release, cache_uses=caches)

"""From what jobs do to release paths: which jobs make one output together, and what becomes of its provenance.

Steps (each tagged in the code):
    1. the jobs that take part: they build, sign, attest or publish, or nobody can tell
    2. paths: jobs of these that need one another, directly or through others
    3. outputs of a path that have the same provenance: one release each
    4. the facts of a release, each True, False or None (cannot be told)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from assess.evidence import ConfiguredProvenance, Interval, Note, Release
from assess.pipelines import _expressions as expressions
from assess.pipelines._facts import UNREAD, Act, JobFacts, Offer, PipelineFacts
from assess.pipelines._tools import CONTAINER

_TAKES_PART = frozenset({"build", "sign", "attest", "publish", "provenance-off"})
_PROMISING = re.compile(r"publish(?!.*result)|release(?!s?-(?:notes|drafter))", re.IGNORECASE)
_REGARDLESS = frozenset({"always", "cancelled", "failure"})
_RIGHTS = frozenset({"packages", "attestations", "all"})
_BUILDER = re.compile(r"slsa|provenance|attest|build|publish|release|deploy", re.IGNORECASE)
_PACKING = frozenset({"npm", "crates.io", "Maven repository", "VS Code Marketplace", "pub.dev", "Hex", "CocoaPods"})
MAX_NOTES = 50


@dataclass(frozen=True, slots=True)
class _Path:
    """Jobs that belong together, with those before them."""

    jobs: tuple[JobFacts, ...]
    before: tuple[JobFacts, ...]

    def acts(self) -> Iterable[tuple[JobFacts, Act]]:
        return ((job, act) for job in self.jobs for act in job.acts)


def releases(facts: PipelineFacts) -> tuple[Release, ...]:
    """The release paths of one pipeline; () where it neither publishes nor attests anything."""
    found: list[Release] = []
    for path in _paths(facts):
        if _promises(facts, path):
            found += _releases_of(facts, path)
    return tuple(found)


def lets_outsiders_in(facts: PipelineFacts) -> Note | None:
    """The place where this pipeline runs outsiders' code with the repository's rights; None if none was seen."""
    if facts.outsiders is None:
        return None
    for job in facts.jobs:
        if _untrusted(job) is True:
            act = next(act for act in job.acts if act.does == "untrusted" and act.sure)
            return Note(act.source, act.note or "runs outsiders' code")
    return None


def _paths(facts: PipelineFacts) -> list[_Path]:
    # 1. the jobs that take part
    before = _ancestors(facts.jobs)
    active = [job for job in facts.jobs if _takes_part(job)]
    # 2. those that belong together
    group = {job.job.id: job.job.id for job in active}

    def head(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for job in active:
        for name in before[job.job.id]:
            if name in group:
                group[head(name)] = head(job.job.id)
    paths: dict[str, list[JobFacts]] = {}
    for job in active:
        paths.setdefault(head(job.job.id), []).append(job)
    known = {job.job.id: job for job in facts.jobs}
    return [
        _Path(
            tuple(jobs),
            tuple(known[n] for n in dict.fromkeys(n for job in jobs for n in sorted(before[job.job.id])) if n in known),
        )
        for jobs in paths.values()
    ]


def _ancestors(jobs: tuple[JobFacts, ...]) -> dict[str, set[str]]:
    """Per job, all jobs that must come before it; needing a calling job means needing all jobs inside it."""
    inside: dict[str, list[str]] = {}
    for job in jobs:
        parts = job.job.id.split("/")
        for count in range(1, len(parts)):
            inside.setdefault("/".join(parts[:count]), []).append(job.job.id)
    names = [job.job.id for job in jobs]
    number = {name: at for at, name in enumerate(names)}
    direct = [
        {number[n] for need in job.job.needs for n in (need, *inside.get(need, ())) if n in number} for job in jobs
    ]
    masks: dict[int, int] = {}  # sets of jobs as bits: a hostile file may name each of a thousand jobs in each other
    for first in range(len(jobs)):
        stack = [(first, iter(direct[first]))]
        entered = {first}
        while stack:
            at, waiting = stack[-1]
            following = next((n for n in waiting if n not in masks and n not in entered), None)
            if following is not None:
                entered.add(following)
                stack.append((following, iter(direct[following])))
                continue
            stack.pop()
            if at not in masks:
                masks[at] = 0
                for n in direct[at]:
                    masks[at] |= masks.get(n, 0) | 1 << n
    return {name: {other for n, other in enumerate(names) if masks[at] >> n & 1} for at, name in enumerate(names)}


def _takes_part(job: JobFacts) -> bool:
    if any(act.does in _TAKES_PART for act in job.acts):
        return True
    unread = [act for act in job.acts if act.does in UNREAD]
    return bool(unread) and (job.has("upload") or job.job.calls is not None or any(map(_may_publish, unread)))


def _may_publish(act: Act) -> bool:
    """Going by its own name, not its folder's: `make release`, `.github/actions/publish`."""
    name = act.tool.rpartition("@")[0] or act.tool
    return act.does in UNREAD and _PROMISING.search(name.rstrip("/").rpartition("/")[2]) is not None


def _promises(facts: PipelineFacts, path: _Path) -> bool:
    """The path publishes or attests, or something unread in it is about to, going by its name or its rights."""
    if any(job.has("publish") for job in path.jobs):
        return True
    triggers = facts.pipeline.triggers or ()
    if triggers and all(one.trust == "contributor" for one in triggers):
        return False
    if any(job.has("attest") or any(map(_may_publish, job.acts)) for job in path.jobs):
        return True
    return any(_called_to_publish(job) for job in path.jobs)


def _called_to_publish(job: JobFacts) -> bool:
    """An unknown called workflow gets rights that only a release needs, or the name and rights of one."""
    if job.job.calls is None or not job.has("unread"):
        return False
    rights = {one.scope for one in job.job.permissions or () if one.access == "write"}
    return bool(rights & _RIGHTS) or ("id-token" in rights and _BUILDER.search(job.job.calls) is not None)


def _releases_of(facts: PipelineFacts, path: _Path) -> list[Release]:
    # 3. outputs with the same provenance
    offers = [(job, act) for job, act in path.acts() if act.offer is not None]
    targets = tuple(dict.fromkeys(act.target for _, act in path.acts() if act.does == "publish" and act.target))
    groups: dict[int, tuple[tuple[JobFacts, Act] | None, list[str]]] = {}
    for target in targets:
        best = _best([(job, act) for job, act in offers if _covers(act.offer, target)])
        groups.setdefault(id(best[1]) if best else 0, (best, []))[1].append(target)
    if not targets:
        groups[0] = (_best(offers), [])
    return [_release(facts, path, best, tuple(names)) for best, names in groups.values()]


def _best(offers: list[tuple[JobFacts, Act]]) -> tuple[JobFacts, Act] | None:
    def rank(one: tuple[JobFacts, Act]) -> tuple[bool, int, int, bool]:
        offer = one[1].offer
        level = offer.level if offer is not None and offer.level is not None else Interval(0, 0)
        return (
            offer is not None and offer.generated is True,
            level.ceiling,
            level.reached,
            offer is not None and offer.signed is True,
        )

    return max(offers, key=rank, default=None)


def _covers(offer: Offer | None, target: str) -> bool:
    if offer is None:
        return False
    if offer.covers == "files":
        return target != CONTAINER
    return offer.covers is None or offer.covers == target


def _release(facts: PipelineFacts, path: _Path, best: tuple[JobFacts, Act] | None, targets: tuple[str, ...]) -> Release:
    # 4. the facts
    offer = best[1].offer if best is not None else None
    places = [act for _, act in path.acts() if act.does == "publish" and (not targets or act.target in targets)]
    first = places[0] if places else best[1] if best else next((a for _, a in path.acts() if a.does in UNREAD), None)
    identity = _identity(path)
    provenance, notes = _provenance(facts, path, best, identity)
    recorded, unrecorded = _recorded(path, offer)
    return Release(
        source=first.source if first is not None else path.jobs[0].job.source,
        pipeline=facts.pipeline.source.path,
        system=facts.pipeline.system,
        jobs=tuple(job.job.id for job in path.jobs),
        publishes_to=targets,
        provenance=provenance,
        hosted=_hosted(path),
        isolated=_isolated(path, offer, identity),
        shares_cache=_any(job.tell("cache") for job in path.jobs),
        runs_untrusted_code=_any(_untrusted(job) for job in path.jobs) if _open_to_all(facts, path) else False,
        parameters_recorded=recorded,
        subject_by_digest=offer.by_digest if offer is not None else None,
        scripted=True,
        unpinned=_unpinned(path),
        notes=_notes(path, best, (*notes, *unrecorded)),
    )


def _any(values: Iterable[bool | None]) -> bool | None:
    seen = set(values)
    return True if True in seen else None if None in seen else False


def _open_to_all(facts: PipelineFacts, path: _Path) -> bool:
    called = facts.only_called and any(job.has("untrusted") for job in path.jobs)
    return facts.outsiders is not None or called


def _untrusted(job: JobFacts) -> bool | None:
    """Outsiders' code is taken and something of it is run."""
    taken = job.tell("untrusted")
    if taken is not True:
        return taken
    return True if job.tell("build", "code") is not False else None


def _runs_code(job: JobFacts) -> bool | None:
    """Code of the project runs in the job: `npm publish` runs its scripts too."""
    if job.trusted:
        return False
    scripts = any(act.does == "publish" and act.target == "npm" for act in job.acts)
    return True if scripts else job.tell("build", "code", "unread-script")


def _identity(path: _Path) -> bool | None:
    """A job that runs the project's code may ask for the identity that signs."""
    found: list[bool | None] = []
    for job in path.jobs:
        runs, can = _runs_code(job), job.job.can_sign
        found.append(False if runs is False or can is False else True if runs and can else None)
    return _any(found)


def _isolated(path: _Path, offer: Offer | None, identity: bool | None) -> bool | None:
    if offer is None or offer.isolated is None:
        return None
    if offer.separate:
        return None if identity is None or _builds(path) is False else not identity
    return offer.isolated


def _hosted(path: _Path) -> bool | None:
    kinds = {job.job.runner for job in path.jobs}
    if "self-hosted" in kinds:
        return False
    return True if kinds == {"hosted"} and _builds(path) is not False else None


def _builds(path: _Path) -> bool | None:
    """The path itself builds what it publishes; packing for these registries is building."""
    packs = any(act.does == "publish" and act.target in _PACKING for _, act in path.acts())
    return True if packs else _any(job.tell("build") for job in path.jobs)


def _unpinned(path: _Path) -> tuple[str, ...]:
    found = (
        step.uses
        for job in path.jobs
        for step in job.job.steps or ()
        if step.uses is not None and step.pinned in {"branch", "unknown"}
    )
    return tuple(dict.fromkeys(found))


def _recorded(path: _Path, offer: Offer | None) -> tuple[bool | None, tuple[Note, ...]]:
    """Whether what started the run is in the provenance: parameters of manual starts are not, for most generators."""
    if offer is None or offer.records_parameters is not False:
        return (None if offer is None else offer.records_parameters), ()
    used = [(job, name) for job in (*path.before, *path.jobs) for name in job.unrecorded]
    notes = tuple(Note(job.job.source, f"{name} is not recorded in the provenance") for job, name in used)
    return not used, tuple(dict.fromkeys(notes))


def _provenance(
    facts: PipelineFacts, path: _Path, best: tuple[JobFacts, Act] | None, identity: bool | None
) -> tuple[ConfiguredProvenance, tuple[Note, ...]]:
    keys = _keys(path)
    if best is None or best[1].offer is None:
        unread = any(act.does in UNREAD for _, act in path.acts())
        made: bool | None = None if unread else False
        return ConfiguredProvenance(
            generated=made, signed=made, distributed=made, key_in_build=keys, identity_in_build=identity,
            level=None if unread else Interval(0, 0),
        ), ()  # fmt: skip
    job, act = best
    offer = best[1].offer
    notes: list[Note] = []
    generated, level = offer.generated, offer.level
    if offer.note is not None:
        notes.append(Note(act.source, offer.note))
    if offer.keyless and job.job.can_sign is False and generated is not False:
        generated = None
        level = Interval(0, level.ceiling) if level is not None else None
        notes.append(
            Note(job.job.source, f"{offer.generator} needs the permission `id-token: write`, which is not given")
        )
    if facts.only_called and level == Interval(2, 2) and offer.generator.startswith("actions/attest"):
        level = Interval(2, 3)
        notes.append(Note(act.source, "called from another repository, this workflow is claimed to carry L3"))
    optional = _optional(path, job, act)
    if optional is None:
        notes.append(Note(act.source, "the provenance is made under a condition of its own"))
    return ConfiguredProvenance(
        generated=generated,
        signed=offer.signed,
        distributed=offer.distributed,
        optional=optional,
        authored_by_tenant=offer.authored_by_tenant,
        key_in_build=keys,
        identity_in_build=identity,
        generator=offer.generator,
        level=level,
    ), tuple(notes)


def _keys(path: _Path) -> bool | None:
    """A long-lived signing key is where the project's code runs; one in a job that runs none does not count."""
    found = [False if _runs_code(job) is False else job.tell("key") for job in path.jobs]
    return _any(found)


def _optional(path: _Path, job: JobFacts, act: Act) -> bool | None:
    """Whether the release goes on without provenance; None where the attesting step has a condition of its own."""
    publishing = [(one, a) for one, a in path.acts() if a.does == "publish"]
    if act.optional or job.job.continue_on_error:
        return True
    for one, _ in publishing:
        needed = job.job.id in one.job.needs
        if needed and one.condition is not None and expressions.calls(one.condition) & _REGARDLESS:
            return True
    if job.job.continue_on_error is None:
        return None
    alone = act.does != "publish" and act.condition is not None
    if alone and publishing and all(a.condition != act.condition for _, a in publishing):
        return None
    return False


def _notes(path: _Path, best: tuple[JobFacts, Act] | None, own: tuple[Note, ...]) -> tuple[Note, ...]:
    notes = list(own)
    if _builds(path) is False:
        notes.append(Note(path.jobs[0].job.source, "no job of this path builds: what it releases was made elsewhere"))
    for job, act in path.acts():
        if act.note is not None:
            notes.append(Note(act.source, act.note))
        if act.offer is not None and (best is None or act is not best[1]) and act.does == "attest":
            notes.append(Note(act.source, f"other provenance of this path: {act.offer.generator}"))
        if act.does == "cache":
            notes.append(
                Note(act.source, f"{act.tool} restores a cache" + ("" if act.sure else " by default, in some versions"))
            )
        if act.does == "key":
            notes.append(Note(act.source, f"job {job.job.id} can read a signing key"))
    return tuple(dict.fromkeys(notes))[:MAX_NOTES]


def warned(release: Release, note: Note) -> Release:
    """The release with one more thing that a reader must be told."""
    return replace(release, notes=(*release.notes, note))

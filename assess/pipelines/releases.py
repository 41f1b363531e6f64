"""From what jobs do to release paths: which jobs make one output together, and what becomes of its provenance.

Steps (each tagged in the code):
    1., 2. which jobs take part, and belong together: `_paths`
    3. outputs of a path that have the same provenance: one release each
    4. the facts of a release, each True, False or None (cannot be told)
"""

# Longer than 300 lines: the facts of a release are told in the order of these steps.

from __future__ import annotations

from collections.abc import Iterable

from assess._frozen import replace
from assess.evidence import ConfiguredProvenance, Interval, Note, Release
from assess.pipelines import _expressions as expressions
from assess.pipelines._caps import of_what_is_not_read
from assess.pipelines._conditions import always
from assess.pipelines._expression_values import conjuncts, demanded
from assess.pipelines._facts import UNREAD, Act, JobFacts, Offer, PipelineFacts
from assess.pipelines._paths import ReleasePath, paths, promises
from assess.pipelines._tools import CONTAINER

REGARDLESS = frozenset({"always", "cancelled", "failure"})
_ASKED = {"github-actions": "the permission `id-token: write`, which is not given"}
"""What a job must have to sign with its workload's identity, in its system's words."""
_PACKING = frozenset({"npm", "crates.io", "Maven repository", "VS Code Marketplace", "pub.dev", "Hex", "CocoaPods"})
MAX_NOTES = 50


def releases(facts: PipelineFacts) -> tuple[Release, ...]:
    """The release paths of one pipeline; () where it neither publishes nor attests anything."""
    found: list[Release] = []
    for path in paths(facts):
        if promises(facts, path):
            found += _releases_of(facts, path)
    return tuple(found)


def lets_outsiders_in(facts: PipelineFacts) -> Note | None:
    """The place where this pipeline runs outsiders' code with the repository's rights; None if none was seen."""
    if facts.outsiders is None:
        return None
    for job in facts.jobs:
        if runs_outsiders_code(job) is True:
            act = next(act for act in job.acts if act.does == "untrusted" and act.sure)
            return Note(act.source, act.note or "runs outsiders' code")
    return None


def _releases_of(facts: PipelineFacts, path: ReleasePath) -> list[Release]:
    # 3. outputs with the same provenance
    offers = [(job, act) for job, act in path.acts() if act.offer is not None]
    targets = tuple(dict.fromkeys(act.target for _, act in path.acts() if act.does == "publish" and act.target))
    groups: dict[int, tuple[tuple[JobFacts, Act] | None, list[str]]] = {}
    for target in targets:
        best = best_of([(job, act) for job, act in offers if covers(act.offer, target)])
        groups.setdefault(id(best[1]) if best else 0, (best, []))[1].append(target)
    if not targets:
        groups[0] = (best_of(offers), [])
    return [_release(facts, path, best, tuple(names)) for best, names in groups.values()]


def best_of(offers: list[tuple[JobFacts, Act]]) -> tuple[JobFacts, Act] | None:
    """The offer that carries most; None of none."""

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


def covers(offer: Offer | None, target: str) -> bool:
    """The provenance is of what is published to this target."""
    if offer is None:
        return False
    if offer.covers == "files":
        return target != CONTAINER
    return offer.covers is None or offer.covers == target


def _release(
    facts: PipelineFacts, path: ReleasePath, best: tuple[JobFacts, Act] | None, targets: tuple[str, ...]
) -> Release:
    # 4. the facts
    offer = best[1].offer if best is not None else None
    places = [act for _, act in path.acts() if act.does == "publish" and (not targets or act.target in targets)]
    first = places[0] if places else best[1] if best else next((a for _, a in path.acts() if a.does in UNREAD), None)
    identity = False if offer is not None and offer.control_plane else _identity(path)
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
        isolated=_isolated(facts, path, offer, identity),
        shares_cache=_any(job.tell("cache") for job in path.jobs),
        runs_untrusted_code=_any(runs_outsiders_code(job) for job in path.jobs)
        if open_to_outsiders(facts, path)
        else False,
        parameters_recorded=recorded,
        subject_by_digest=offer.by_digest if offer is not None else None,
        scripted=True,
        unpinned=_unpinned(path),
        notes=_notes(path, best, (*notes, *unrecorded)),
    )


def _any(values: Iterable[bool | None]) -> bool | None:
    seen = set(values)
    return True if True in seen else None if None in seen else False


def open_to_outsiders(facts: PipelineFacts, path: ReleasePath) -> bool:
    """A trigger lets outsiders start it with the repository's rights, or whoever calls it may have such a one."""
    called = facts.only_called and any(job.has("untrusted") for job in path.jobs)
    return facts.outsiders is not None or called


def runs_outsiders_code(job: JobFacts) -> bool | None:
    """Outsiders' code is taken and something of it is run."""
    taken = job.tell("untrusted")
    if taken is not True:
        return taken
    return True if job.tell("build", "code") is not False else None


def runs_code(job: JobFacts) -> bool | None:
    """Code of the project runs in the job: `npm publish` runs its scripts too."""
    if job.trusted:
        return False
    scripts = any(act.does == "publish" and act.target == "npm" for act in job.acts)
    return True if scripts else job.tell("build", "code", "unread-script")


def _identity(path: ReleasePath) -> bool | None:
    """A job that runs the project's code may ask for the identity that signs."""
    found: list[bool | None] = []
    for job in path.jobs:
        runs, can = runs_code(job), job.job.can_sign
        found.append(False if runs is False or can is False else True if runs and can else None)
    return _any(found)


def _isolated(facts: PipelineFacts, path: ReleasePath, offer: Offer | None, identity: bool | None) -> bool | None:
    if offer is None or offer.isolated is None:
        return None
    # A workflow that others call attests apart from their build where no job that runs code may sign.
    if offer.separate or (facts.only_called and _attests(offer)):
        return None if identity is None or _builds(path) is False else not identity
    return offer.isolated


def _attests(offer: Offer) -> bool:
    return offer.generator.startswith("actions/attest")


def _hosted(path: ReleasePath) -> bool | None:
    kinds = {job.job.runner for job in path.jobs}
    if "self-hosted" in kinds:
        return False
    return True if kinds == {"hosted"} and _builds(path) is not False else None


def _builds(path: ReleasePath) -> bool | None:
    """The path itself builds what it publishes; packing for these registries is building."""
    packs = any(act.does == "publish" and act.target in _PACKING for _, act in path.acts())
    return True if packs else _any(job.tell("build") for job in path.jobs)


def _unpinned(path: ReleasePath) -> tuple[str, ...]:
    found = (
        step.uses
        for job in path.jobs
        for step in job.job.steps or ()
        if step.uses is not None and step.pinned in {"branch", "unknown"}
    )
    return tuple(dict.fromkeys(found))


def _recorded(path: ReleasePath, offer: Offer | None) -> tuple[bool | None, tuple[Note, ...]]:
    """Whether what started the run is in the provenance: parameters of manual starts are not, for most generators."""
    if offer is None or offer.records_parameters is not False:
        return (None if offer is None else offer.records_parameters), ()
    used = [(job, name) for job in (*path.before, *path.jobs) for name in job.unrecorded]
    notes = tuple(Note(job.job.source, f"{name} is not recorded in the provenance") for job, name in used)
    return not used, tuple(dict.fromkeys(notes))


def _provenance(
    facts: PipelineFacts, path: ReleasePath, best: tuple[JobFacts, Act] | None, identity: bool | None
) -> tuple[ConfiguredProvenance, tuple[Note, ...]]:
    keys = _keys(path)
    if best is None or best[1].offer is None:
        unread = any(act.does in UNREAD for _, act in path.acts())
        made: bool | None = None if unread else False
        return ConfiguredProvenance(
            generated=made, signed=made, distributed=made, key_in_build=keys, identity_in_build=identity,
            level=of_what_is_not_read(facts.pipeline.system, facts.pipeline.depth) if unread else Interval(0, 0),
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
        asked = _ASKED.get(facts.pipeline.system, "an identity of its job, which none is given to")
        notes.append(Note(job.job.source, f"{offer.generator} needs {asked}"))
    if facts.only_called and level == Interval(2, 2) and _attests(offer):
        level = Interval(2, 3)
        notes.append(Note(act.source, "called from another repository, this workflow is claimed to carry L3"))
    optional = _optional(path, job, act, always(facts.pipeline))
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


def _keys(path: ReleasePath) -> bool | None:
    """A long-lived signing key is where the project's code runs; one in a job that runs none does not count."""
    found = [False if runs_code(job) is False else job.tell("key") for job in path.jobs]
    return _any(found)


def _optional(path: ReleasePath, job: JobFacts, act: Act, met: frozenset[str]) -> bool | None:
    """Whether the release goes on without provenance; None where the attesting step has a condition of its own."""
    publishing = [(one, a) for one, a in path.acts() if a.does == "publish"]
    if act.optional or job.job.continue_on_error:
        return not _asked_for(path, job)
    if any(job.job.id in one.job.needs and _goes_on(one, job) for one, _ in publishing):
        return True
    if job.job.continue_on_error is None or act.optional is None:
        return None
    needed = conjuncts(act.condition)
    if needed and needed <= met:
        return False
    alone = act.does != "publish" and act.condition is not None
    if alone and publishing and not any(needed and needed <= conjuncts(a.condition, a.asked) for _, a in publishing):
        return None
    return False


def _goes_on(one: JobFacts, attesting: JobFacts) -> bool:
    """The job runs although the attesting one has failed."""
    name = attesting.job.id.rpartition("/")[2].lower()
    if one.condition is not None and f"needs.{name}.result" in demanded(one.condition):
        return False
    if one.job.regardless is not None:
        return one.job.regardless
    return one.condition is not None and bool(expressions.calls(one.condition) & REGARDLESS)


def _asked_for(path: ReleasePath, attesting: JobFacts) -> bool:
    """Every publishing job asks that the tolerated attesting one succeeded: slsa-github-generator's `outcome`."""
    name = attesting.job.id.rpartition("/")[2].lower()
    later = [one for one in path.jobs if one is not attesting and one.has("publish")]
    outcome = {f"needs.{name}.outputs.outcome", f"needs.{name}.result"}
    return bool(later) and all(demanded(one.condition or "") & outcome for one in later)


def _notes(path: ReleasePath, best: tuple[JobFacts, Act] | None, own: tuple[Note, ...]) -> tuple[Note, ...]:
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

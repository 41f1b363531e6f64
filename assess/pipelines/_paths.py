"""Release paths: which jobs of a pipeline belong together, and whether they publish or attest anything.

The first two steps of `releases`:
    1. the jobs that take part: they build, sign, attest or publish, or nobody can tell
    2. paths: jobs of these that need one another, directly or through others
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from assess._frozen import frozen
from assess.pipelines._facts import UNREAD, Act, JobFacts, PipelineFacts

_TAKES_PART = frozenset({"build", "sign", "attest", "publish", "provenance-off"})
_PROMISING = re.compile(r"publish(?!.*result)|release(?!s?-(?:notes|drafter))", re.IGNORECASE)
_RIGHTS = frozenset({"packages", "attestations", "all"})
_BUILDER = re.compile(r"slsa|provenance|attest|build|publish|release|deploy", re.IGNORECASE)


@frozen
class ReleasePath:
    """Jobs that belong together, with those before them."""

    jobs: tuple[JobFacts, ...]
    before: tuple[JobFacts, ...]

    def acts(self) -> Iterable[tuple[JobFacts, Act]]:
        """Everything its jobs do, with the job."""
        return ((job, act) for job in self.jobs for act in job.acts)


def paths(facts: PipelineFacts) -> list[ReleasePath]:
    """The groups of jobs that belong together, in the order of the file."""
    # 1. the jobs that take part
    before = ancestors(facts.jobs)
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
    groups: dict[str, list[JobFacts]] = {}
    for job in active:
        groups.setdefault(head(job.job.id), []).append(job)
    known = {job.job.id: job for job in facts.jobs}
    return [
        ReleasePath(
            tuple(jobs),
            tuple(known[n] for n in dict.fromkeys(n for job in jobs for n in sorted(before[job.job.id])) if n in known),
        )
        for jobs in groups.values()
    ]


def ancestors(jobs: tuple[JobFacts, ...]) -> dict[str, set[str]]:
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


def promises(facts: PipelineFacts, path: ReleasePath) -> bool:
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

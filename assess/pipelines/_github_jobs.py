"""The jobs of a GitHub workflow: permissions and runners in effect, steps, and reusable workflows followed or known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from assess._yaml import Node
from assess.evidence import Job, Parameter, Permission, RunnerKind, Step
from assess.pipelines._actions import JOB_KEYS
from assess.pipelines._facts import Act, JobFacts, note_of, placed
from assess.pipelines._github_runners import runner
from assess.pipelines._github_steps import (
    Reading,
    StepFacts,
    local_path,
    manual_parameters,
    read_steps,
    texts,
    truth,
    use_of,
)
from assess.pipelines._offers import look_alike, pin, workflow

MAX_JOBS = 1_000
MAX_DEPTH = 10
_RANK = {"none": 0, "read": 1, "write": 2}


@dataclass(frozen=True, slots=True)
class Around:
    """What a job inherits: from its workflow, and from the job that calls its workflow."""

    permissions: tuple[Permission, ...] | None
    environment: Mapping[str, str]
    prefix: str = ""
    needs: tuple[str, ...] = ()
    """What the calling job needs: holds for the called jobs that need nothing themselves."""
    limit: tuple[Permission, ...] | None = None
    """The calling job's permissions; a called job can only have less."""
    called: bool = False
    condition: str | None = None
    only_called: bool = False
    """Nothing is known of the caller: a job without permissions of its own has the caller's."""
    depth: int = 0


def permissions(node: Node | None, reading: Reading) -> tuple[Permission, ...] | None:
    """`permissions:` as written: None if absent; `read-all` and `write-all` as the scope `all`."""
    if node is None:
        return None
    if node.kind == "scalar" and node.text in {"read-all", "write-all"}:
        return (Permission("all", node.text.removesuffix("-all")),)
    if node.kind != "mapping":
        reading.note(node.source, "permissions are neither a mapping nor read-all or write-all")
        return None
    for key, value in node.items():
        if value.text not in _RANK:
            reading.note(key.source, f"permission {key.text[:40]!r} is neither read, write nor none")
    return tuple(
        Permission(key.text, value.text) for key, value in node.items() if value.text in _RANK and value.text != "none"
    )


def access(granted: tuple[Permission, ...], scope: str) -> str:
    """The access to one scope; `read-all` does not reach `id-token`, which can only be written or not."""
    best = "none"
    for one in granted:
        if one.scope == scope or (one.scope == "all" and (scope != "id-token" or one.access == "write")):
            best = max(best, one.access, key=lambda word: _RANK[word])
    return best


def lesser(limit: tuple[Permission, ...] | None, own: tuple[Permission, ...] | None) -> tuple[Permission, ...] | None:
    """What a called job may do: its own permissions within its caller's; None where the caller's are not known."""
    if own is None or limit is None:
        return limit
    scopes = tuple(dict.fromkeys(one.scope for one in (*own, *(limit if any(o.scope == "all" for o in own) else ()))))
    found = []
    for scope in scopes:
        word = min(access(own, scope), access(limit, scope), key=lambda word: _RANK[word])
        if word != "none":
            found.append(Permission(scope, word))
    return tuple(found)


def read_jobs(reading: Reading, jobs: Node | None, around: Around) -> list[JobFacts]:
    """All jobs of a workflow, with those of local reusable workflows as `caller/callee` after their caller."""
    found: list[JobFacts] = []
    if jobs is None or jobs.kind != "mapping":
        return found
    for key, node in jobs.items():
        if node.kind != "mapping":
            reading.note(key.source, f"job {key.text[:60]!r} is not a mapping")
            continue
        reading.jobs += 1
        if reading.jobs > MAX_JOBS:
            reading.note(key.source, f"more than {MAX_JOBS} jobs: the rest was not read")
            break
        reading.unknown_keys(node, JOB_KEYS, "job")
        found += _job(reading, key, node, around)
    return found


def _job(reading: Reading, key: Node, node: Node, around: Around) -> list[JobFacts]:
    own = permissions(node.get("permissions"), reading)
    own = around.permissions if own is None else own
    granted = lesser(around.limit, own) if around.called else own
    needs = _names(node.get("needs"))
    needs = tuple(around.prefix + name for name in needs) if needs else around.needs
    condition = condition_node.text if (condition_node := node.get("if")) is not None else around.condition
    job = Job(
        source=key.source,
        id=around.prefix + key.text,
        permissions=granted,
        needs=needs,
        can_sign=_can_sign(granted, own, around),
        continue_on_error=truth(node.get("continue-on-error")),
    )
    if (uses := node.get("uses")) is not None:
        return _call(reading, job, node, uses, around, condition)
    kind, label, note = runner(node)
    if note is not None:
        reading.note((node.get("runs-on") or key).source, note)
    environment = {**around.environment, **texts(node.get("env"))}
    steps = read_steps(reading, node.get("steps"), environment)
    if not steps:
        reading.note(key.source, f"job {key.text[:60]!r} has no steps")
    return [_told(replace(job, runner=kind, runner_label=label), steps, condition)]


def _can_sign(
    granted: tuple[Permission, ...] | None, own: tuple[Permission, ...] | None, around: Around
) -> bool | None:
    if granted is not None:
        return access(granted, "id-token") == "write"
    if around.only_called or (around.called and own is not None):
        return None
    return False  # the repository's default never holds id-token, whatever else it holds


def _told(job: Job, steps: list[StepFacts], condition: str | None) -> JobFacts:
    acts = tuple(act for one in steps for act in one.acts)
    unrecorded = tuple(dict.fromkeys(name for one in steps for name in one.unrecorded))
    facts = JobFacts(job, acts, condition, unrecorded)
    return replace(facts, job=flagged(facts, tuple(one.step for one in steps)))


def flagged(facts: JobFacts, steps: tuple[Step, ...] | None) -> Job:
    """The job with what its acts say of it."""
    return replace(
        facts.job,
        steps=steps,
        builds=facts.tell("build"),
        signs=facts.tell("sign"),
        attests=facts.tell("attest"),
        publishes=facts.tell("publish"),
        caches=facts.tell("cache"),
    )


def _names(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    return (node.text,) if node.kind == "scalar" else tuple(one.text for one in node if one.kind == "scalar")


def _call(reading: Reading, job: Job, node: Node, uses: Node, around: Around, condition: str | None) -> list[JobFacts]:
    inputs = texts(node.get("with"))
    unrecorded = manual_parameters(reading, tuple(inputs.values()))
    if uses.text.startswith(("./", "$/")):
        return _follow(reading, replace(job, calls=uses.text), uses, around, condition, unrecorded)
    use = use_of(reading, uses, inputs, around.environment)
    acts = workflow(use)
    trusted = acts is not None
    if acts is None:
        what = "a look-alike of slsa-github-generator, not the recognised platform" if look_alike(use) else "not known"
        acts = (
            Act("unread", use.name, uses.source, note=f"what the reusable workflow `{use.name[:100]}` does is {what}"),
        )
    for act in acts:
        if (note := note_of(act)) is not None:
            reading.note(note.source, note.text)
    acts = tuple(placed(act, condition, job.continue_on_error is True) for act in acts)
    step = Step(
        source=uses.source,
        uses=uses.text,
        pinned=pin(uses.text),
        inputs=tuple(Parameter(name, value) for name, value in inputs.items()),
        does=tuple(dict.fromkeys(act.does for act in acts)),
    )
    hosted: RunnerKind | None = "hosted" if trusted and "slsa-github-generator" in use.name else None
    facts = JobFacts(replace(job, calls=uses.text, runner=hosted), acts, condition, unrecorded, trusted)
    return [replace(facts, job=flagged(facts, (step,)))]


def _follow(
    reading: Reading, job: Job, uses: Node, around: Around, condition: str | None, unrecorded: tuple[str, ...]
) -> list[JobFacts]:
    """A local reusable workflow: its jobs with permissions no greater than the caller's."""
    path = local_path(uses.text)
    inside = path.startswith(".github/workflows/") and around.depth < MAX_DEPTH
    opened = reading.open(path, uses.source) if inside else None
    if opened is None:
        note = f"the called workflow `{uses.text[:100]}` was not found here"
        reading.note(uses.source, note)
        facts = JobFacts(job, (Act("unread", uses.text, uses.source, note=note),), condition, unrecorded)
        return [replace(facts, job=flagged(facts, None))]
    root = opened[0]
    inner = Around(
        permissions=permissions(root.get("permissions"), reading),
        environment=texts(root.get("env")),
        prefix=f"{job.id}/",
        needs=job.needs,
        limit=job.permissions,
        called=True,
        condition=condition,
        only_called=around.only_called,
        depth=around.depth + 1,
    )
    jobs = read_jobs(reading, root.get("jobs"), inner)
    if job.continue_on_error:
        jobs = [replace(one, acts=tuple(placed(a, a.condition, True) for a in one.acts)) for one in jobs]
    return [JobFacts(_gathered(job, jobs), (), condition, unrecorded), *jobs]


def _gathered(job: Job, inner: list[JobFacts]) -> Job:
    """The calling job, saying what the jobs inside it say together."""

    def some(values: list[bool | None]) -> bool | None:
        return True if True in values else None if None in values or not values else False

    return replace(
        job,
        steps=(),
        builds=some([one.job.builds for one in inner]),
        signs=some([one.job.signs for one in inner]),
        attests=some([one.job.attests for one in inner]),
        publishes=some([one.job.publishes for one in inner]),
        caches=some([one.job.caches for one in inner]),
    )

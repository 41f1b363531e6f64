"""The jobs of a GitHub workflow: what is in effect for each, its steps, and reusable workflows followed or known."""

from __future__ import annotations

from assess._frozen import frozen, replace
from assess._yaml import Node
from assess.evidence import (
    Identity,
    ImageUse,
    Job,
    Parameter,
    Permission,
    RunnerKind,
    Secret,
    Source,
    Step,
)
from assess.pipelines._actions import JOB_KEYS
from assess.pipelines._caps import honest
from assess.pipelines._expression_values import Given, always_true, regardless
from assess.pipelines._expressions import Expression
from assess.pipelines._facts import Act, JobFacts, note_of, placed
from assess.pipelines._github_gathered import Gathered
from assess.pipelines._github_matrix import Matrix, possible, read_matrix
from assess.pipelines._github_permissions import access, identity_place, lesser, permissions
from assess.pipelines._github_reach import Scope
from assess.pipelines._github_reading import (
    Reading,
    directory_of,
    given_inputs,
    local_path,
    scalars,
    shell_of,
    text_of,
    texts,
    truth,
)
from assess.pipelines._github_runners import runner
from assess.pipelines._github_steps import Around as StepAround
from assess.pipelines._github_steps import read_steps, use_of
from assess.pipelines._offers import look_alike, workflow
from assess.pipelines._uses import pin
from assess.pipelines._values import image_pin

MAX_JOBS = 1_000
MAX_DEPTH = 10
_FOLDERS = (".github/workflows/", ".forgejo/workflows/", ".gitea/workflows/")
_FIRMNESS = ("unknown", "branch", "tag", "digest")
_NEVER = frozenset({"false", "${{ false }}", "${{false}}"})


@frozen
class Around:
    """What a job inherits: from its workflow, and from the job that calls its workflow."""

    permissions: tuple[Permission, ...] | None
    environment: Node | None = None
    identity: Source | None = None
    """Where the workflow lets its jobs ask for an identity."""
    shell: str | None = None
    directory: str | None = None
    """`defaults.run.working-directory` of the workflow."""
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


def read_jobs(reading: Reading, jobs: Node | None, around: Around) -> list[JobFacts]:
    """All jobs of a workflow, with those of local reusable workflows as `caller/callee` after their caller."""
    found: list[JobFacts] = []
    if jobs is None or jobs.kind != "mapping":
        return found
    common = Gathered()
    common.texts(reading, scalars(around.environment))
    for key, node in jobs.items():
        if node.kind != "mapping":
            reading.note(key.source, f"job {key.text[:60]!r} is not a mapping")
            continue
        reading.jobs += 1
        if reading.jobs > MAX_JOBS:
            reading.note(key.source, f"more than {MAX_JOBS} jobs: the rest was not read")
            break
        reading.unknown_keys(node, JOB_KEYS, "job")
        found += _job(reading, key, node, around, common)
    return found


def _job(reading: Reading, key: Node, node: Node, around: Around, common: Gathered) -> list[JobFacts]:
    own = permissions(node.get("permissions"), reading)
    own = around.permissions if own is None else own
    granted = lesser(around.limit, own) if around.called else own
    needs = _names(node.get("needs"))
    needs = tuple(around.prefix + name for name in needs) if needs else around.needs
    condition = text_of(node.get("if"))
    can_sign = _can_sign(reading, granted, own, around)
    matrix = read_matrix(node)
    own_place = identity_place(node.get("permissions")) if reading.dialect.on_github else None
    place = own_place or around.identity or key.source
    job = Job(
        source=key.source,
        id=around.prefix + key.text,
        permissions=granted,
        needs=needs,
        can_sign=can_sign,
        identities=None if can_sign is None else (Identity(place),) if can_sign else (),
        continue_on_error=truth(node.get("continue-on-error")),
        condition=around.condition if condition is None else condition,
        always_true=condition is not None and always_true(condition),
        regardless=regardless(condition, _names(node.get("needs"))),
        environment=_environment(node.get("environment")),
        variants=matrix.variants,
    )
    gathered = Gathered()
    if (uses := node.get("uses")) is not None:
        return _call(reading, job, node, uses, around, gathered)
    gathered.add(common)
    return [_plain(reading, job, node, around, matrix, gathered)]


def _plain(reading: Reading, job: Job, node: Node, around: Around, matrix: Matrix, gathered: Gathered) -> JobFacts:
    """A job of steps."""
    kind, label, note = runner(node, matrix, reading.dialect.on_github)
    if note is not None:
        reading.note((node.get("runs-on") or node).source, note)
    own = reading.limited(node.get("env"))
    environment = {**texts(around.environment), **texts(own)}
    gathered.texts(reading, scalars(own))
    _images(reading, node, matrix, gathered)
    outputs = node.get("outputs")
    if outputs is not None:
        gathered.gives |= dict.fromkeys(f"outputs.{name.text}" for name, _ in outputs.items())
    scope = Scope(
        environment,
        matrix.texts,
        {},
        reading.work,
        shell_of(node) or around.shell,
        directory_of(node) or around.directory or "",
    )
    steps = read_steps(reading, node.get("steps"), StepAround(scope, matrix))
    if not steps:
        reading.note(job.source, f"job {job.id[:60]!r} has no steps")
    for one in steps:
        gathered.step(one)
    acts = () if job.condition in _NEVER else tuple(act for one in steps for act in one.acts)
    if not reading.dialect.on_github:
        acts = tuple(honest(act, reading.dialect.name, "full") for act in acts)
    return gathered.put_into(job, acts, tuple(one.step for one in steps), kind, label)


def _images(reading: Reading, node: Node, matrix: Matrix, gathered: Gathered) -> None:
    """The images of `container` and `services`, and the secrets that they are given."""
    container, services = node.get("container"), node.get("services")
    found = [] if container is None else [("job", container)]
    found += [("service", one) for _, one in services.items()] if services is not None else []
    for role, one in found:
        image = one if one.kind == "scalar" else one.get("image")
        if image is not None and image.text:
            named = possible(image.text, matrix) if "${{" in image.text else None
            pins = [image_pin(one) for one in named or (image.text,) if one]
            pinned = min(pins, key=_FIRMNESS.index, default=None)
            use = ImageUse(image.source, image.text, "job" if role == "job" else "service", pinned)
            gathered.facts[use] = None
        gathered.texts(reading, (*scalars(reading.limited(one.get("env"))), *scalars(one.get("credentials"))))


def _environment(node: Node | None) -> str | None:
    return text_of(node.get("name") if node is not None and node.kind == "mapping" else node)


def _can_sign(
    reading: Reading, granted: tuple[Permission, ...] | None, own: tuple[Permission, ...] | None, around: Around
) -> bool | None:
    if not reading.dialect.on_github:
        return reading.identity is not None
    if granted is not None:
        return access(granted, "id-token") == "write"
    if around.only_called or (around.called and own is not None):
        return None
    return False  # the repository's default never holds id-token, whatever else it holds


def _names(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    return (node.text,) if node.kind == "scalar" else tuple(one.text for one in node if one.kind == "scalar")


def _call(reading: Reading, job: Job, node: Node, uses: Node, around: Around, gathered: Gathered) -> list[JobFacts]:
    """A job that is a reusable workflow."""
    passed = node.get("secrets")
    gathered.texts(reading, (*scalars(node.get("with")), *scalars(passed)))
    if passed is not None and passed.text == "inherit":
        gathered.facts[Secret(passed.source, "*")] = None
    job = replace(job, calls=uses.text)
    if uses.text.startswith(("./", "$/")):
        return _follow(reading, job, node, uses, around, gathered)
    reading.include(uses, "workflow", None)
    inputs = texts(node.get("with"))
    use = use_of(reading, uses, uses.text, inputs, texts(around.environment))
    acts = workflow(use) if reading.dialect.on_github else None
    trusted = acts is not None
    if acts is None:
        what = "a look-alike of slsa-github-generator, not the recognised platform" if look_alike(use) else "not known"
        acts = (
            Act("unread", use.name, uses.source, note=f"what the reusable workflow `{use.name[:100]}` does is {what}"),
        )
    for act in acts:
        if (note := note_of(act)) is not None:
            reading.note(note.source, note.text)
    acts = tuple(placed(act, job.condition, job.continue_on_error is True) for act in acts)
    step = Step(
        source=uses.source,
        uses=uses.text,
        pinned=pin(uses.text),
        inputs=tuple(Parameter(name, value) for name, value in inputs.items()),
        does=tuple(dict.fromkeys(act.does for act in acts)),
    )
    hosted: RunnerKind | None = "hosted" if trusted and "slsa-github-generator" in use.name else None
    acts = () if job.condition in _NEVER else acts
    return [gathered.put_into(job, acts, (step,), hosted, trusted=trusted)]


def _follow(reading: Reading, job: Job, node: Node, uses: Node, around: Around, gathered: Gathered) -> list[JobFacts]:
    """A local reusable workflow: its jobs with permissions no greater than the caller's, its inputs filled in."""
    path = local_path(uses.text)
    inside = path.startswith(_FOLDERS) and around.depth < MAX_DEPTH
    root = reading.open(path, uses.source) if inside else None
    reading.include(uses, "workflow", root is not None)
    if root is None:
        note = f"the called workflow `{uses.text[:100]}` was not found here"
        reading.note(uses.source, note)
        return [gathered.put_into(job, (Act("unread", uses.text, uses.source, note=note),), None)]
    root = reading.filled(root, _given(root, node))
    inner = Around(
        permissions=permissions(root.get("permissions"), reading),
        environment=reading.limited(root.get("env")),
        identity=identity_place(root.get("permissions")) or next((one.source for one in job.identities or ()), None),
        shell=shell_of(root),
        directory=directory_of(root),
        prefix=f"{job.id}/",
        needs=job.needs,
        limit=job.permissions,
        called=True,
        condition=job.condition,
        only_called=around.only_called,
        depth=around.depth + 1,
    )
    jobs = read_jobs(reading, root.get("jobs"), inner)
    if job.continue_on_error:
        jobs = [replace(one, acts=tuple(placed(a, a.condition, True) for a in one.acts)) for one in jobs]
    caller = gathered.put_into(job, (), ())
    return [replace(caller, job=_saying(caller.job, jobs)), *jobs]


def _given(root: Node, node: Node) -> Given:
    """What the called workflow's `inputs` and `secrets` are in the caller's words."""
    on = root.get("on")
    call = on.get("workflow_call") if on is not None else None
    inputs = given_inputs(call.get("inputs") if call is not None else None, texts(node.get("with")))
    passed = node.get("secrets")
    named = {name.lower(): value for name, value in texts(passed).items()}

    def value(name: str) -> str | Expression | None:
        kind, _, inner = name.partition(".")
        if not inner or "*" in inner:
            return None
        if kind == "inputs":
            return inputs.get(inner, "")
        if kind == "secrets" and inner != "github_token" and text_of(passed) != "inherit":
            return named.get(inner, "")
        return None

    return value


def _saying(job: Job, inner: list[JobFacts]) -> Job:
    """The calling job, saying what the jobs inside it say together."""

    def some(values: list[bool | None]) -> bool | None:
        return True if True in values else None if None in values or not values else False

    return replace(
        job,
        builds=some([one.job.builds for one in inner]),
        signs=some([one.job.signs for one in inner]),
        attests=some([one.job.attests for one in inner]),
        publishes=some([one.job.publishes for one in inner]),
        caches=some([one.job.caches for one in inner]),
        tainted=None if any(one.job.tainted is None for one in inner) else (),
    )

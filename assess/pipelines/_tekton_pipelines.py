"""Tekton pipelines and runs: the jobs of their tasks, how they depend on each other and what they hand over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assess import _yaml
from assess._yaml import Node
from assess.evidence import Handover, Identity, Include, Source, Step
from assess.pipelines import _tekton_catalog as catalog
from assess.pipelines import _tekton_chains as chains
from assess.pipelines._facts import Act, JobFacts
from assess.pipelines._reader import Draft, Reading
from assess.pipelines._tekton_documents import Document, find, open_file
from assess.pipelines._tekton_tasks import (
    Given,
    exposed,
    params_of,
    read_task,
    reference,
    results_of,
    source_of,
    tainted_params,
)
from assess.pipelines._tekton_triggers import listed
from assess.pipelines._values import Pin, secret_kind, text, words

MAX_TASKS = 500
PIPELINE_KEYS = frozenset(
    {"description", "displayName", "params", "tasks", "finally", "results", "workspaces", "resources"}
)
TASK_KEYS = frozenset(
    {"name", "displayName", "description", "taskRef", "taskSpec", "pipelineRef", "pipelineSpec", "runAfter", "params",
     "matrix", "when", "retries", "workspaces", "timeout", "onError", "conditions", "resources"}
)  # fmt: skip
_RESULT = re.compile(
    r"\$\(tasks\.([\w-]+)\.(?:results\.([\w.-]+)|results\[[\"']([\w.-]+)[\"']\]|status|outputs\.[\w.-]+)"
)
_PUBLIC = re.compile(r"github\.com/(?:tektoncd/catalog|konflux-ci/build-definitions|tektoncd-catalog/)")
_OUTPUT = re.compile(
    r"(?:output|target|destination|dest|build|result)[-_]?image(?:[-_]?(?:url|ref|name))?|image", re.IGNORECASE
)
_CREDENTIALS = re.compile(r"auth|secret|cred|docker-?config|netrc|token|ssh|sshdir|kubeconfig|ca-bundle", re.IGNORECASE)


@dataclass(slots=True)
class Run:
    """What surrounds the tasks of one run: values, workspaces, account, and what the project says of Chains."""

    reading: Reading
    own: tuple[Document, ...]
    config: chains.Chains
    prefix: str = ""
    given: Given = field(default_factory=lambda: Given({}))
    account: Node | None = None
    workspaces: dict[str, Node] = field(default_factory=dict)
    annotated: dict[str, Node] = field(default_factory=dict)
    trusted: bool = True
    """All tasks so far come from elsewhere, fixed by a digest."""
    exposed: str | None = None
    reported: dict[str, Node] = field(default_factory=dict)
    """Results of tasks that Chains understands, by `job/result`."""


def surroundings(run: Run, spec: Node) -> None:
    """Values, workspaces and account of a PipelineRun or TaskRun."""
    values = params_of(spec.get("params"))
    run.given = Given(values, tainted_params(values, frozenset()))
    template = spec.get("taskRunTemplate")
    run.account = spec.get("serviceAccountName") or (
        template.get("serviceAccountName") if template is not None else None
    )
    for one in spec.get("workspaces") or ():
        if (name := text(one.get("name"))) is not None:
            run.workspaces[name] = one


def pipeline_jobs(run: Run, spec: Node) -> list[JobFacts]:
    """The jobs of a pipeline's tasks, those of `finally` after all others."""
    run.reading.unknown_keys(spec, PIPELINE_KEYS, "pipeline")
    defaults = params_of(spec.get("params"))
    run.given = Given({**defaults, **run.given.values}, run.given.tainted)
    tasks, last = spec.get("tasks"), spec.get("finally")
    names = tuple(run.prefix + name for one in tasks or () if (name := text(one.get("name"))) is not None)
    drafts: list[Draft] = []
    for number, one in enumerate((*(tasks or ()), *(last or ()))):
        if number >= MAX_TASKS:
            run.reading.note(one.source, f"more than {MAX_TASKS} tasks: the rest was not read")
            break
        if one.kind != "mapping":
            run.reading.note(one.source, "a task is not a mapping")
            continue
        ends = number >= len(tasks.value if tasks is not None else ())
        drafts.append(_task(run, one, names if ends else None))
    if not drafts:
        run.reading.note(spec.source, "the pipeline has no tasks")
    _share(run, drafts, (*(tasks or ()), *(last or ())))
    _attest(run, drafts, results_of_pipeline(spec))
    return [_finished(one, one.id not in names) for one in drafts]


def task_job(run: Run, name: str, key: Node, spec: Node | None, ref: Node | None) -> list[JobFacts]:
    """The one job of a Task or TaskRun."""
    draft = _draft(run, key.source, name)
    for title, one in run.workspaces.items():
        _bound(draft, one, one, title)
    if spec is not None:
        _inside(run, draft, spec, run.given)
    elif ref is not None:
        _referred(run, draft, ref, run.given)
    else:
        run.reading.note(key.source, "the run names no task")
    _attest(run, [draft], {})
    return [_finished(draft, False)]


def unread_run(run: Run, source: Source, name: str, shown: str, place: Source, spec: Node) -> JobFacts:
    """A run of a pipeline that is not here: only what the run gives it is known."""
    draft = _draft(run, source, name)
    draft.calls, draft.variants, draft.continue_on_error = shown[:300], None, None
    for title, one in run.workspaces.items():
        _bound(draft, one, one, title)
    draft.act(Act("unread", shown[:200], place, note=f"what the pipeline `{shown[:100]}` does is not known"))
    for one in spec.get("params") or ():
        if (key := one.get("name")) is not None and _OUTPUT.fullmatch(key.text):
            # It is told which image to write, so that it may well publish.
            draft.acts.append(Act("publish", shown[:200], key.source, sure=False))
    facts = _finished(draft, False)
    job = replace(
        facts.job, steps=None, cache_uses=None, images=None, takes=None, gives=None, parameters=None, tainted=None
    )
    return replace(facts, job=job)


def _draft(run: Run, source: Source, name: str) -> Draft:
    draft = Draft(run.reading, source, run.prefix + name, runner="unknown")
    if run.account is not None:
        draft.identities[Identity(run.account.source)] = None
        draft.can_sign = None
    return draft


def _finished(draft: Draft, ends: bool) -> JobFacts:
    able = draft.can_sign
    facts = draft.finish()
    known = [one.tainted for one in draft.steps]
    tainted = None if None in known else tuple(dict.fromkeys(name for one in known for name in one or ()))
    # A service account alone can sign nowhere that is known here; a token made for Sigstore can.
    return replace(facts, job=replace(facts.job, regardless=ends, can_sign=True if able else None, tainted=tainted))


def _task(run: Run, node: Node, before: tuple[str, ...] | None) -> Draft:
    run.reading.unknown_keys(node, TASK_KEYS, "pipeline's task")
    name = node.get("name")
    draft = _draft(run, (name or node).source, name.text if name is not None else "task")
    used = list(_RESULT.finditer(" ".join(_texts(node))))
    needs = [run.prefix + one for one in (*words(node.get("runAfter")), *(match.group(1) for match in used))]
    draft.needs = before if before is not None else tuple(dict.fromkeys(needs))
    for match in used:
        result = match.group(2) or match.group(3)
        if result is not None:
            verified = True if result.endswith(("ARTIFACT", "DIGEST", "digest")) else None
            taken = Handover(node.source, result, "output", run.prefix + match.group(1), False, verified)
            if taken not in draft.takes:
                draft.takes.append(taken)
    draft.condition = _condition(node.get("when"))
    draft.continue_on_error = text(node.get("onError")) == "continue"
    draft.variants = _variants(node.get("matrix"))
    values = params_of(node.get("params"))
    given = Given(values, tainted_params(values, run.given.tainted))
    for value in values.values():
        for found in re.findall(r"\$\(params\.([\w-]+)\)", value):
            draft.parameters[found] = None
    spec, ref = node.get("taskSpec"), node.get("taskRef")
    if spec is not None and (spec.get("steps") is not None or spec.get("apiVersion") is None):
        _inside(run, draft, spec, given)
    elif ref is not None:
        _referred(run, draft, ref, given)
    else:
        run.trusted = False
        note = f"what task {draft.id[:60]!r} does is not known"
        draft.act(Act("unread", draft.id, draft.source, note=note))
    return draft


def _texts(node: Node) -> list[str]:
    """The texts of a task's fields in which results of others can stand; not those of its own script."""
    found: list[str] = []
    for name in ("params", "when", "matrix", "workspaces"):
        value = node.get(name)
        if value is not None:
            found += re.findall(r"\$\([^)]*\)", str(_yaml.plain(value)))
    return found


def _inside(run: Run, draft: Draft, spec: Node, given: Given) -> None:
    """A task whose steps are here."""
    run.trusted = False
    read_task(draft, spec, given, run.own)
    run.exposed = run.exposed or exposed(spec)
    for name, node in results_of(spec).items():
        run.reported[f"{draft.id}/{name}"] = node


def _referred(run: Run, draft: Draft, ref: Node, given: Given) -> None:
    """A task that is referred to: found here, known from a public catalog, or unread."""
    name = text(ref.get("name"))
    local = name is not None and ref.get("resolver") is None and ref.get("bundle") is None
    api = text(ref.get("apiVersion"))
    if api is not None and not api.startswith("tekton.dev/"):
        run.trusted = False
        draft.act(
            Act("unread", f"{api}/{name}", source_of(ref), note=f"what the custom task `{api}` does is not known")
        )
        return
    shown, pin = reference(ref)
    found = _here(run, name) if local and name is not None else None
    if found is not None:
        run.reading.includes[Include(source_of(ref), shown, "task", "local", True)] = None
        _inside(run, draft, found.spec, given)
        return
    annotated = _annotated(run, name) if local and name is not None else None
    draft.calls = shown[:300]
    place = source_of(ref)
    kind = text(ref.get("resolver")) or ("bundles" if ref.get("bundle") is not None else "task")
    reference_pin = annotated or pin
    run.reading.includes[Include(place, shown[:300], "resolver" if kind != "task" else kind, reference_pin, False)] = (
        None
    )
    run.trusted = run.trusted and pin == "digest"
    public = catalog.from_catalog(shown) or _PUBLIC.search(shown) is not None or kind == "hub" or annotated is not None
    title = params_of(ref.get("params")).get("name") or name or _stem(shown)
    acts = catalog.acts_of(title, shown[:200], place)
    step = Step(source=place, name=title, uses=shown[:300], pinned=reference_pin)
    if acts is not None and public:
        draft.step(step, acts)
        return
    note = f"what the task `{shown[:100]}` does is not known"
    # Its name is a hint of what it may do, no more.
    draft.step(step, (*(replace(act, sure=False) for act in acts or ()), Act("unread", shown[:200], place, note=note)))


def _stem(shown: str) -> str:
    return shown.partition("@")[0].rpartition("/")[2].partition(":")[0].removesuffix(".yaml").removesuffix(".yml")


def _here(run: Run, name: str) -> Document | None:
    for key, node in run.annotated.items():
        if re.fullmatch(r"task(?:-\d+)?", key):
            for entry in listed(node.text):
                if entry.endswith((".yaml", ".yml")) and not entry.startswith("http"):
                    found = (one for one in open_file(run.reading, entry.removeprefix("./")) if one.name == name)
                    if (document := next(found, None)) is not None:
                        return document
    return find(run.reading, run.own, "Task", name)


def _annotated(run: Run, name: str) -> Pin | None:
    """The task comes from a hub or an address that an annotation names: how firmly."""
    for key, node in run.annotated.items():
        if re.fullmatch(r"task(?:-\d+)?", key):
            for entry in listed(node.text):
                title, _, version = entry.partition(":")
                if title.rpartition("/")[2] == name:
                    return "tag" if version and version != "latest" else "branch"
                if entry.startswith("http") and _stem(entry) == name:
                    return "digest" if re.search(r"/[0-9a-f]{40}/", entry) else "branch"
    return None


def _condition(when: Node | None) -> str | None:
    found: list[str] = []
    for one in when or ():
        if (cel := text(one.get("cel"))) is not None:
            found.append(cel)
        else:
            values = ", ".join(words(one.get("values")) or words(one.get("Values")))
            found.append(
                f"{text(one.get('input')) or text(one.get('Input')) or ''} {text(one.get('operator')) or ''} [{values}]"
            )
    return " and ".join(found)[:1_000] or None


def _variants(matrix: Node | None) -> int | None:
    if matrix is None:
        return 1
    total = 1
    for one in matrix.get("params") or ():
        value = one.get("value")
        if value is None or value.kind != "sequence":
            return None
        total *= len(value.value)
    include = matrix.get("include")
    return min(total + (len(include.value) if include is not None and include.kind == "sequence" else 0), 1_000_000)


def _share(run: Run, drafts: list[Draft], nodes: tuple[Node, ...]) -> None:
    """Workspaces that several tasks use: secrets for each of them, volumes as what they hand to one another."""
    users: dict[str, list[Draft]] = {}
    mappings = [node for node in nodes if node.kind == "mapping"]
    for draft, node in zip(drafts, mappings, strict=False):
        for one in node.get("workspaces") or ():
            name = text(one.get("workspace")) or text(one.get("name"))
            if name is None or one.kind != "mapping":
                continue
            bound = run.workspaces.get(name)
            if bound is not None and _bound(draft, one, bound, name):
                continue
            if _CREDENTIALS.search(name) and bound is None:
                draft.secret(one.source, name, secret_kind(name))
            else:
                together = users.setdefault(name, [])
                if draft in together:
                    continue
                for earlier in together:
                    draft.takes.append(Handover(one.source, name, "workspace", earlier.id, False, False))
                    earlier.gives[name] = None
                together.append(draft)
    if not run.trusted and any(len(together) > 1 for together in users.values()):
        run.exposed = run.exposed or "tasks share a volume that each of them can write"


def _bound(draft: Draft, node: Node, bound: Node, name: str) -> bool:
    """A workspace as a run binds it: a secret (True), or a volume that other runs may share."""
    secret, claim = bound.get("secret"), bound.get("persistentVolumeClaim")
    if secret is not None:
        title = text(secret.get("secretName")) or name
        draft.secret(secret.source, title, secret_kind(title) or "other")
    if claim is not None:
        draft.cache(node.source, "persistentVolumeClaim", text(claim.get("claimName")), True, True, True)
    return secret is not None


def results_of_pipeline(spec: Node) -> dict[str, tuple[Node, str | None]]:
    """A pipeline's results: their names with places, and the task that each comes from."""
    found: dict[str, tuple[Node, str | None]] = {}
    for one in spec.get("results") or ():
        name, value = one.get("name"), one.get("value")
        if name is not None:
            match = _RESULT.search(value.text) if value is not None and value.kind == "scalar" else None
            found[name.text] = (name, match.group(1) if match is not None else None)
    return found


def _attest(run: Run, drafts: list[Draft], results: Mapping[str, tuple[Node, str | None]]) -> None:
    """The provenance that Chains would make, of each task's results and of the whole pipeline's."""
    deep = run.config.text("artifacts.pipelinerun.enable-deep-inspection", "false") == "true"
    for draft in drafts:
        own = {key[len(draft.id) + 1 :]: node for key, node in run.reported.items() if key.startswith(draft.id + "/")}
        covers = chains.hints(own)
        if covers is not None:
            place = next(
                node.source for name, node in own.items() if chains.hints((name, *own)) is not None and _hint(name)
            )
            _offered(run, draft, "taskrun", covers, place)
            if deep and results:
                _offered(run, draft, "pipelinerun", covers, place)
    covers = chains.hints(results)
    if covers is not None:
        named = [(node, task) for name, (node, task) in results.items() if _hint(name)]
        task = next((one for _, one in named if one is not None), None)
        maker = next(
            (one for one in drafts if task is not None and one.id == run.prefix + task), drafts[-1] if drafts else None
        )
        if maker is not None:
            _offered(run, maker, "pipelinerun", covers, named[0][0].source)


def _hint(name: str) -> bool:
    return re.search(r"IMAGE_URL\Z|IMAGE_DIGEST\Z|\AIMAGES\Z|ARTIFACT_(?:URI|DIGEST|OUTPUTS)\Z", name) is not None


def _offered(run: Run, draft: Draft, kind: str, covers: str, place: Source) -> None:
    offer, against = chains.offer(run.config, kind, covers, run.trusted, run.exposed)
    source = against.source if against is not None else place
    draft.act(Act("attest", "Tekton Chains", source, offer=offer, sure=offer.generated is True))

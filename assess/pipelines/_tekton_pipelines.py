"""Tekton pipelines and runs: the jobs of their tasks, how they depend on each other and what they hand over."""

from __future__ import annotations

import re
from dataclasses import replace

from assess import _yaml
from assess._yaml import Node
from assess.evidence import Handover, Identity, Source
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act, JobFacts
from assess.pipelines._tekton_references import params_of
from assess.pipelines._tekton_referred import inside, referred
from assess.pipelines._tekton_runs import RESULT, Run, attest, results_of_pipeline
from assess.pipelines._tekton_tasks import (
    Given,
    tainted_params,
)
from assess.pipelines._values import secret_kind, text, words

MAX_TASKS = 500
PIPELINE_KEYS = frozenset(
    {"description", "displayName", "params", "tasks", "finally", "results", "workspaces", "resources"}
)
TASK_KEYS = frozenset(
    {"name", "displayName", "description", "taskRef", "taskSpec", "pipelineRef", "pipelineSpec", "runAfter", "params",
     "matrix", "when", "retries", "workspaces", "timeout", "onError", "conditions", "resources"}
)  # fmt: skip
_OUTPUT = re.compile(
    r"(?:output|target|destination|dest|build|result)[-_]?image(?:[-_]?(?:url|ref|name))?|image", re.IGNORECASE
)
_CREDENTIALS = re.compile(r"auth|secret|cred|docker-?config|netrc|token|ssh|sshdir|kubeconfig|ca-bundle", re.IGNORECASE)


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
    attest(run, drafts, results_of_pipeline(spec))
    return [_finished(one, one.id not in names) for one in drafts]


def task_job(run: Run, name: str, key: Node, spec: Node | None, ref: Node | None) -> list[JobFacts]:
    """The one job of a Task or TaskRun."""
    draft = _draft(run, key.source, name)
    for title, one in run.workspaces.items():
        _bound(draft, one, one, title)
    if spec is not None:
        inside(run, draft, spec, run.given)
    elif ref is not None:
        referred(run, draft, ref, run.given)
    else:
        run.reading.note(key.source, "the run names no task")
    attest(run, [draft], {})
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
    used = list(RESULT.finditer(" ".join(_texts(node))))
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
        inside(run, draft, spec, given)
    elif ref is not None:
        referred(run, draft, ref, given)
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

"""The stages and jobs of an Azure pipeline, with pools, containers, variables and what they wait for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from assess._yaml import Node
from assess.pipelines._azure_expand import CONDITION
from assess.pipelines._azure_machines import images, runner
from assess.pipelines._azure_steps import Around, open_template, read_steps
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act, JobFacts
from assess.pipelines._reader import MAX_JOBS
from assess.pipelines._values import ref_pin, text, texts, truth, words

_JOB = """
job deployment displayName dependsOn condition continueOnError timeoutInMinutes cancelTimeoutInMinutes
variables strategy pool container services steps workspace uses environment template parameters templateContext
lockBehavior
"""
JOB_KEYS = frozenset(_JOB.split()) | {CONDITION}
_STAGE = """
stage displayName dependsOn condition variables jobs pool lockBehavior isSkippable trigger group template
parameters templateContext templateContextId
"""
STAGE_KEYS = frozenset(_STAGE.split()) | {CONDITION}
_LISTS = frozenset({"stages", "jobs", "steps"})
_HOOKS = ("preDeploy", "deploy", "routeTraffic", "postRouteTraffic")


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a job takes from its pipeline and its stage."""

    pool: Node | None
    variables: dict[str, str]
    groups: tuple[Node, ...] = ()
    prefix: str = ""
    needs: tuple[str, ...] = ()
    condition: str | None = None
    """The stage's condition, which holds for its jobs."""
    chain: tuple[str, ...] = ()


def read_all(around: Around, root: Node, inherited: Inherited) -> list[JobFacts]:
    """The jobs of a pipeline or template: of its stages, its jobs, or its steps alone."""
    if (stages := root.get("stages")) is not None:
        return _stages(around, stages, inherited)
    if (jobs := root.get("jobs")) is not None:
        return _jobs(around, jobs, inherited)
    if (steps := root.get("steps")) is not None:
        return [_job(around, root, "Job", replace_steps(root, steps), inherited)]
    return []


def replace_steps(root: Node, steps: Node) -> Node:
    """The pipeline itself as its only job."""
    kept = {
        key: value for key, value in root.value.items() if key in JOB_KEYS and key not in {"parameters", "template"}
    }
    return replace(root, value={**kept, "steps": steps})


def variables_of(around: Around, node: Node | None, chain: tuple[str, ...]) -> tuple[dict[str, str], tuple[Node, ...]]:
    """(variables with fixed values, names of variable groups) of a `variables:`."""
    values: dict[str, str] = {}
    groups: list[Node] = []
    if node is None:
        return values, ()
    if node.kind == "mapping":
        return texts(node), ()
    for one in node:
        if (group := one.get("group")) is not None:
            groups.append(group)
        elif (template := one.get("template")) is not None:
            opened = open_template(around, one, template, chain)
            inner = opened.get("variables") if opened is not None else None
            more, others = variables_of(around, inner, (*chain, template.path)) if len(chain) < 20 else ({}, ())
            values.update(more)
            groups += others
        elif (name := text(one.get("name"))) is not None:
            values[name] = text(one.get("value")) or ""
    return values, tuple(groups)


def _inherit(around: Around, node: Node, inherited: Inherited) -> Inherited:
    values, groups = variables_of(around, node.get("variables"), inherited.chain)
    return replace(
        inherited,
        pool=node.get("pool") or inherited.pool,
        variables={**inherited.variables, **values},
        groups=(*inherited.groups, *groups),
    )


def _templated(around: Around, items: Node, what: str, chain: tuple[str, ...]) -> Iterator[tuple[Node, Node | None]]:
    """(item, opened template or None) of a list of stages or jobs; what is no mapping is noted."""
    if items.kind != "sequence":
        around.reading.note(items.source, f"{what}s are not a list, or not known here")
        return
    for item in items:
        if item.kind != "mapping":
            if item.value is not None:
                around.reading.note(item.source, f"a {what} is not known here ({item.text[:80]})")
            continue
        template = item.get("template")
        yield item, None if template is None else open_template(around, item, template, chain)


def _stages(around: Around, stages: Node, inherited: Inherited) -> list[JobFacts]:
    found: list[JobFacts] = []
    before: tuple[str, ...] = inherited.needs
    for at, (item, opened) in enumerate(_templated(around, stages, "stage", inherited.chain)):
        if item.get("template") is not None:
            inner = replace(inherited, needs=before, chain=(*inherited.chain, item.path))
            if opened is None:
                found.append(unresolved(around, item, item.get("template"), inner))
                found += _given(around, item, inner)
            else:
                made = read_all(around, _as_root(opened, "stages"), replace(inner, chain=(*inner.chain, opened.path)))
                found += made
                before = tuple(dict.fromkeys(one.job.id.partition("/")[0] for one in made[-1:])) or before
            continue
        around.reading.unknown_keys(item, STAGE_KEYS, "stage")
        name = text(item.get("stage")) or f"Stage{at + 1}"
        depends = item.get("dependsOn")
        needs = words(depends) if depends is not None else before
        inner = replace(
            _inherit(around, item, inherited), prefix=f"{name}/", needs=needs, condition=_condition(item, None)
        )
        jobs = item.get("jobs")
        if jobs is not None:
            found += _jobs(around, jobs, inner)
        elif item.get("steps") is not None:
            around.reading.note(item.source, "a stage holds steps without a job")
        before = (name,)
    return found


def _as_root(opened: Node, key: str) -> Node:
    """A template that is a bare list, as a mapping."""
    if opened.kind == "mapping":
        return opened
    return Node("mapping", {key: opened}, opened.path, opened.line, opened.column, keys={key: opened})


def _jobs(around: Around, jobs: Node, inherited: Inherited) -> list[JobFacts]:
    found: list[JobFacts] = []
    for at, (item, opened) in enumerate(_templated(around, jobs, "job", inherited.chain)):
        if len(found) >= MAX_JOBS:
            around.reading.note(item.source, f"more than {MAX_JOBS} jobs: the rest was not read")
            break
        if item.get("template") is not None:
            if opened is None:
                found.append(unresolved(around, item, item.get("template"), inherited))
                found += _given(around, item, inherited)
            else:
                inner = replace(inherited, chain=(*inherited.chain, item.path, opened.path))
                found += read_all(around, _as_root(opened, "jobs"), inner)
            continue
        around.reading.unknown_keys(item, JOB_KEYS, "job")
        name = text(item.get("job")) or text(item.get("deployment")) or f"Job{at + 1}"
        found.append(_job(around, item, name, item, inherited))
    return found


def unresolved(around: Around, item: Node, template: Node | None, inherited: Inherited) -> JobFacts:
    """Jobs of a template that is not here, as one job of which nothing is known."""
    reference = template.text if template is not None else "template"
    draft = Draft(around.reading, item.source, inherited.prefix + reference, needs=inherited.needs, calls=reference)
    draft.condition = inherited.condition
    draft.images_unknown = True
    repository = around.repositories.get(reference.partition("@")[2])
    note = f"the jobs of the template `{reference[:100]}` were not read"
    draft.act(Act("unread", reference, item.source, note=note))
    if repository is not None and ref_pin(repository[1]) == "branch":
        around.reading.note(
            item.source, f"the repository of `{reference[:80]}` is not pinned ({repository[1] or 'no ref'})"
        )
    made = draft.finish()
    return replace(made, job=replace(made.job, steps=None, secrets=None, cache_uses=None, takes=None, gives=None))


def _given(around: Around, item: Node, inherited: Inherited) -> list[JobFacts]:
    """Stages, jobs or steps that are handed to a template that is not here: it decides what becomes of them."""
    given = item.get("parameters")
    if given is None or given.kind != "mapping" or len(inherited.chain) > 20:
        return []
    lists = {key: value for key, value in given.value.items() if key in _LISTS and value.kind == "sequence"}
    return read_all(around, replace(given, value=lists), replace(inherited, chain=(*inherited.chain, item.path)))


def extended(around: Around, extends: Node, inherited: Inherited) -> list[JobFacts]:
    """The jobs of an `extends:`; a template elsewhere with what this file hands to it."""
    template = extends.get("template")
    if template is None:
        around.reading.note(extends.source, "extends names no template")
        return []
    opened = open_template(around, extends, template, inherited.chain)
    if opened is not None:
        return read_all(around, opened, replace(_inherit(around, opened, inherited), chain=(extends.path, opened.path)))
    return [unresolved(around, extends, template, inherited), *_given(around, extends, inherited)]


def _condition(node: Node, around: str | None) -> str | None:
    own = [one.text for key in (CONDITION, "condition") if (one := node.get(key)) is not None and one.text]
    return " and ".join([*([around] if around else []), *own]) or None


def _job(around: Around, place: Node, name: str, node: Node, inherited: Inherited) -> JobFacts:
    inner = _inherit(around, node, inherited)
    depends = words(node.get("dependsOn"))
    named = node.get("job") or node.get("deployment")
    draft = Draft(
        around.reading,
        (named if named is not None and named.text else place).source,
        inherited.prefix + name,
        needs=(*inherited.needs, *(inherited.prefix + one for one in depends)),
        condition=_condition(node, inherited.condition),
        continue_on_error=truth(node.get("continueOnError")),
        environment=_environment(node),
        variants=_variants(node),
        variables=inner.variables,
    )
    draft.runner, draft.runner_label = runner(inner.pool, node)
    for group in inner.groups:
        draft.secret(group.source, group.text)
    images(around, draft, node)
    read_steps(around, draft, node.get("steps"), inherited.chain)
    _strategy(around, draft, node, inherited.chain)
    if not draft.steps and not draft.acts and node.get("deployment") is None:
        around.reading.note(draft.source, f"job {name[:60]!r} has no steps")
    return draft.finish()


def _environment(node: Node) -> str | None:
    environment = node.get("environment")
    return (
        text(environment.get("name"))
        if environment is not None and environment.kind == "mapping"
        else text(environment)
    )


def _strategy(around: Around, draft: Draft, node: Node, chain: tuple[str, ...]) -> None:
    """The steps of a deployment job, which stand in the hooks of its strategy."""
    strategy = node.get("strategy")
    for _, plan in strategy.items() if strategy is not None and node.get("deployment") is not None else ():
        for hook in _HOOKS:
            if (part := plan.get(hook)) is not None:
                read_steps(around, draft, part.get("steps"), chain)
        after = plan.get("on")
        for _, part in after.items() if after is not None else ():
            read_steps(around, draft, part.get("steps"), chain)


def _variants(node: Node) -> int | None:
    strategy = node.get("strategy")
    if strategy is None or node.get("deployment") is not None:
        return 1
    if (parallel := strategy.get("parallel")) is not None:
        return parallel.value if isinstance(parallel.value, int) else None
    matrix = strategy.get("matrix")
    if matrix is None or matrix.kind != "mapping" or not matrix.value or "${{" in "".join(matrix.value):
        return None
    return len(matrix.value)

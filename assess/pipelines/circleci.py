"""CircleCI: `.circleci/config.yml` into the jobs of its workflows, with reusable commands and parameters filled in.

Orbs are not here, so they are named with their versions; what common ones do is known. Every job may ask for an OIDC
token. Caches are shared by all branches of a project.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.evidence import RunnerKind, Trigger
    from assess.pipelines._circleci_config import Config
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import JobFacts, PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "circleci"
_PLACE = re.compile(r"(?:^|/)\.circleci/[^/]+\.ya?ml\Z|(?:^|/)circle\.ya?ml\Z")
_JOB = """
parameters executor docker machine macos steps environment resource_class parallelism working_directory shell branches
description circleci_ip_ranges retention type auto_rerun_delay max_auto_reruns plan_name key
"""
_CALL = "requires context filters name matrix type pre-steps post-steps override-with serial-group"
_JOB_KEYS, _CALL_KEYS = (frozenset(one.split()) for one in (_JOB, _CALL))
_OLD = ("machine", "checkout", "dependencies", "database", "compile", "test", "deployment", "general")


def discover(folder: Folder) -> tuple[str, ...]:
    """The YAML files right in `.circleci`, and `circle.yml` of the first version."""
    old = (name for name in folder.walk() if name in {"circle.yml", "circle.yaml"})
    return (*folder.list(".circleci", (".yml", ".yaml")), *old)


def recognises(path: str) -> bool:
    """The path is one where CircleCI looks."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One configuration as facts. Raises InputError if it is not YAML, or no mapping."""
    from assess.evidence import ExternalParameter
    from assess.pipelines._circleci_config import Config
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import one_mapping

    reading = Reading(folder, path, NAME, can_sign=True, directory="")
    reading.parameter = re.compile(r"<<\s*pipeline\.parameters\.([\w-]+)")
    reading.taint = re.compile(
        r"<<\s*(pipeline\.git\.(?:branch|tag)|pipeline\.trigger_parameters\.[\w.]*(?:message|title|branch|ref|author)[\w.]*"
        r"|pipeline\.event\.[\w.]*(?:message|title|body|head\.ref|login)[\w.]*)\s*>>"
    )
    root = one_mapping(data, path, "configuration", reading)
    if root.get("workflows") is None and root.get("jobs") is None and any(root.get(key) is not None for key in _OLD):
        return _first_version(reading, root)
    config = Config(reading)
    config.define(root)
    declared = root.get("parameters")
    for key, _ in declared.items() if declared is not None else ():
        reading.parameters.append(ExternalParameter(key.source, key.text, "parameter"))
    setup = root.get("setup")
    if setup is not None and setup.value is True:
        reading.note(setup.source, "a set-up configuration: what it goes on with is made while it runs")
    found, triggers = _workflows(config, root)
    if not found and root.get("commands") is None and root.get("executors") is None:
        reading.note(root.source, "the configuration has no jobs that run")
    return reading.pipeline(root.source, path.rpartition("/")[2], found, triggers)


def _workflows(config: Config, root: Node) -> tuple[list[JobFacts], tuple[Trigger, ...]]:
    from assess.evidence import Trigger

    workflows = root.get("workflows")
    used = [(key, one) for key, one in workflows.items() if one.kind == "mapping"] if workflows is not None else []
    found: list[JobFacts] = []
    if not used:
        jobs = root.get("jobs")
        for key, node in jobs.items() if jobs is not None else ():
            if key.text == "build" or len(config.jobs) == 1:
                found.append(_job(config, key, key.text, node, None, "", None, {}))
        return found, (Trigger(root.source, "push", "maintainer"),)
    triggers: dict[Trigger, None] = {}
    for key, workflow in used:
        prefix = f"{key.text}/" if len(used) > 1 else ""
        found += _workflow(config, workflow, prefix)
        scheduled = workflow.get("triggers")
        if scheduled is None:
            triggers[Trigger(key.source, "push", "maintainer")] = None
        for one in scheduled or ():
            if (schedule := one.get("schedule")) is not None:
                triggers[Trigger(schedule.source, "schedule", "maintainer")] = None
    return found, tuple(triggers)


def _workflow(config: Config, workflow: Node, prefix: str) -> list[JobFacts]:
    from assess.pipelines._circleci_steps import shown
    from assess.pipelines._reader import MAX_JOBS
    from assess.pipelines._values import text

    when = workflow.get("when") or workflow.get("unless")
    condition = None if when is None else f"{'when' if workflow.get('when') is not None else 'unless'} {shown(when)}"
    calls: list[tuple[Node, str, Node | None]] = []
    for item in workflow.get("jobs") or ():
        if item.kind == "scalar":
            calls.append((item, item.text, None))
        calls += [(key, key.text, value) for key, value in item.items()]
    named: dict[str, bool] = {}
    for _, name, call in calls[:MAX_JOBS]:
        matrix = call.get("matrix") if call is not None else None
        alias = text(matrix.get("alias")) if matrix is not None else None
        own = text(call.get("name")) if call is not None else None
        named[alias or (own if own is not None and "<<" not in own else name)] = matrix is not None
    if len(calls) > MAX_JOBS:
        config.reading.note(workflow.source, f"more than {MAX_JOBS} jobs: the rest was not read")
    return [
        _job(config, key, name, config.jobs.get(name), call, prefix, condition, named)
        for key, name, call in calls[:MAX_JOBS]
    ]


def _job(
    config: Config, key: Node, name: str, node: Node | None, call: Node | None, prefix: str,
    condition: str | None, named: dict[str, bool],
) -> JobFacts:  # fmt: skip
    from assess.pipelines._circleci_config import scope_of
    from assess.pipelines._circleci_steps import orb_call, read_steps
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import Act
    from assess.pipelines._values import scalars, text

    matrix = call.get("matrix") if call is not None else None
    alias = text(matrix.get("alias")) if matrix is not None else None
    own = text(call.get("name")) if call is not None else None
    draft = Draft(
        config.reading, key.source, prefix + (alias or (own if own is not None and "<<" not in own else name))
    )
    draft.needs = tuple(prefix + _known(one, named) for one in _requires(call))
    draft.variants = _variants(matrix)
    draft.condition = _condition(call, condition)
    for context in scalars(call.get("context") if call is not None else None):
        draft.secret(context.source, context.text)
    if call is not None and text(call.get("type")) in {"approval", "release", "no-op"}:
        return draft.finish()
    read_steps(config, draft, call.get("pre-steps") if call is not None else None, {})
    if node is not None:
        config.reading.unknown_keys(node, _JOB_KEYS, "job")
        scope = scope_of(node, call, {})
        if call is not None:
            _unknown_arguments(config.reading, node, call, name)
        _place(config, draft, node, scope, matrix)
        if draft.variants == 1 and node.get("parallelism") is not None:
            count = node.get("parallelism")
            draft.variants = count.value if count is not None and isinstance(count.value, int) else None
        read_steps(config, draft, node.get("steps"), scope)
    elif config.orb_of(name) is not None:
        draft.calls, draft.images_unknown = config.orbs.get(name.rpartition("/")[0]), True
        draft.step(*orb_call(config, key, name, call, {}))
        _nested(config, draft, call)
    else:
        draft.act(Act("unread", name, key.source, note=f"the job `{name[:60]}` is not defined here"))
    read_steps(config, draft, call.get("post-steps") if call is not None else None, {})
    return draft.finish()


def _place(config: Config, draft: Draft, node: Node, scope: dict[str, Node], matrix: Node | None) -> None:
    """Where a job runs, in the worst of its variants: a matrix may choose executors, images and resource classes."""
    from assess.pipelines._circleci_config import place_job

    parameters = matrix.get("parameters") if matrix is not None else None
    rows = {key.text: tuple(values) for key, values in parameters.items()} if parameters is not None else {}
    kinds: list[RunnerKind | None] = []
    labels: list[str | None] = []
    for at in range(min(max((len(row) for row in rows.values()), default=1), 50) or 1):
        draft.runner, draft.runner_label = None, None
        chosen = {name: row[min(at, len(row) - 1)] for name, row in rows.items() if row}
        place_job(config, draft, node, {**scope, **chosen})
        kinds.append(draft.runner)
        labels.append(draft.runner_label)
    order: tuple[RunnerKind | None, ...] = ("self-hosted", "unknown", None, "hosted")
    draft.runner = next((one for one in order if one in kinds), None)
    draft.runner_label = " | ".join(dict.fromkeys(one for one in labels if one)) or None


def _nested(config: Config, draft: Draft, call: Node | None) -> None:
    """Steps that are handed to a job of an orb."""
    from assess.pipelines._circleci_steps import read_steps

    for key, value in call.items() if call is not None else ():
        if value.kind == "sequence" and (key.text.endswith("steps") or key.text.startswith(("before", "after"))):
            if key.text not in {"pre-steps", "post-steps"}:
                read_steps(config, draft, value, {})


def _unknown_arguments(reading: Reading, node: Node, call: Node, name: str) -> None:
    declared = node.get("parameters")
    known = _CALL_KEYS | frozenset(declared.value if declared is not None and declared.kind == "mapping" else ())
    for key, _ in call.items():
        if key.text not in known:
            reading.note(key.source, f"job {name[:60]!r} has no parameter {key.text[:60]!r}")


def _requires(call: Node | None) -> list[str]:
    """Names of required jobs; an entry may also tell which outcomes it waits for."""
    found: list[str] = []
    for one in (call.get("requires") if call is not None else None) or ():
        found += [one.text] if one.kind == "scalar" else [key.text for key, _ in one.items()]
    return found


def _known(name: str, named: dict[str, bool]) -> str:
    """The job of that name; a variant of a matrix (`test-1.2`) stands for all of them."""
    if name in named:
        return name
    return next((one for one, many in named.items() if many and name.startswith(f"{one}-")), name)


def _variants(matrix: Node | None) -> int | None:
    if matrix is None:
        return 1
    count = 1
    parameters = matrix.get("parameters")
    for _, values in parameters.items() if parameters is not None else ():
        if values.kind != "sequence":
            return None
        count *= max(len(values.value), 1)
    left_out = matrix.get("exclude")
    return count - (len(left_out.value) if left_out is not None and left_out.kind == "sequence" else 0)


def _condition(call: Node | None, around: str | None) -> str | None:
    from assess.pipelines._circleci_steps import shown

    filters = call.get("filters") if call is not None else None
    own = None if filters is None else f"filters {shown(filters)}"
    return " and ".join(one for one in (around, own) if one) or None


def _first_version(reading: Reading, root: Node) -> PipelineFacts:
    """CircleCI 1.0: sections of commands that ran on one machine, and deployments after them."""
    from assess.evidence import Trigger

    reading.note(root.source, "CircleCI 1.0 was shut down in 2018: this file starts nothing any more")
    reading.unknown_keys(root, frozenset({*_OLD, "notify", "experimental", "version"}), "configuration")
    from assess.pipelines._draft import Draft

    draft = Draft(reading, root.source, "build", runner="hosted")
    for section in _OLD:
        node = root.get(section)
        if node is None or section == "deployment":
            continue
        if section == "machine" and (environment := node.get("environment")) is not None:
            draft.variables.update({key.text: value.text for key, value in environment.items()})
        for part in ("pre", "override", "post"):
            _commands(draft, node.get(part))
        if (cached := node.get("cache_directories")) is not None:
            draft.cache(cached.source, "cache_directories", None, True, True, True)
    found = [draft.finish()]
    deployment = root.get("deployment")
    for key, node in deployment.items() if deployment is not None else ():
        deploy = Draft(reading, key.source, f"deployment-{key.text}", runner="hosted", needs=("build",))
        _commands(deploy, node.get("commands"))
        found.append(deploy.finish())
    return reading.pipeline(root.source, "", found, (Trigger(root.source, "push", "maintainer"),))


def _commands(draft: Draft, node: Node | None) -> None:
    from assess.pipelines._values import scalars

    for one in node or ():
        for command in scalars(one) or tuple(key for key, _ in one.items()):
            draft.run(command)

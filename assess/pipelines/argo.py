"""Argo Workflows: recognised. Each template that runs a container or a script is a job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.evidence import Trigger
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import JobFacts, PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "argo-workflows"
KINDS = frozenset({"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"})
_API = re.compile(rb"^[ \t]*[\"']?apiVersion[\"']?[ \t]*:[ \t]*[\"']?argoproj\.io/", re.MULTILINE)
_KIND = re.compile(
    rb"[\"']?kind[\"']?[ \t]*:[ \t]*[\"']?(?:Workflow|WorkflowTemplate|ClusterWorkflowTemplate|CronWorkflow)\b"
)
_PARAMETER = re.compile(r"\{\{\s*=?\s*(?:workflow|inputs)\.parameters\.([\w-]+)")
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})


def discover(folder: Folder) -> tuple[str, ...]:
    """YAML files that hold a workflow or a template of one."""
    from assess.pipelines._discover import holding

    return tuple(holding(folder, (".yml", ".yaml"), (_API, _KIND)))


def recognises(path: str) -> bool:  # noqa: ARG001 - the same call for every system
    """No path says so: see `sniffs`."""
    return False


def sniffs(data: bytes) -> bool:
    """The file holds a workflow, or a template of one."""
    return _API.search(data) is not None and _KIND.search(data) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One file as facts. Raises InputError if it is not YAML, as where it is a template of Helm's."""
    from assess.errors import InputError
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import documents_of, text

    reading = Reading(folder, path, NAME, depth="recognised", parameter=_PARAMETER)
    reading.secret_variable = None
    try:
        documents = documents_of(data, path)
    except InputError as error:
        if b"{{ ." not in data and b"{{- " not in data and b"{{." not in data:
            raise
        raise InputError("a template of Helm's, which is not rendered here", error.place) from error
    for problem in documents.problems:
        reading.note(problem.source, problem.text)
    jobs: list[JobFacts] = []
    triggers: list[Trigger] = []
    first: Node | None = None
    for root in documents.roots:
        if root.kind == "mapping" and text(root.get("kind")) in KINDS:
            first = first or root
            jobs += _workflow(reading, root, triggers)
    if first is None:
        raise InputError("not an Argo workflow", path)
    metadata = first.get("metadata")
    name = text(metadata.get("name")) or text(metadata.get("generateName")) if metadata is not None else None
    return reading.pipeline(first.source, name or "", jobs, tuple(triggers) or None)


def _workflow(reading: Reading, root: Node, triggers: list[Trigger]) -> list[JobFacts]:
    from assess.evidence import ExternalParameter, Trigger
    from assess.pipelines._values import text

    spec = root.get("spec")
    if spec is not None and text(root.get("kind")) == "CronWorkflow":
        schedule = spec.get("schedule") or spec.get("schedules") or spec
        triggers.append(Trigger(schedule.source, "schedule", "maintainer"))
        spec = spec.get("workflowSpec")
    if spec is None:
        reading.note(root.source, "the workflow has no spec")
        return []
    arguments = spec.get("arguments")
    for one in (arguments.get("parameters") if arguments is not None else None) or ():
        if (name := one.get("name")) is not None:
            reading.parameters.append(ExternalParameter(name.source, name.text, "parameter"))
    needs: dict[str, list[str]] = {}
    templates = [*(spec.get("templates") or ())]
    if (defaults := spec.get("templateDefaults")) is not None:
        templates.append(defaults)
    drafts = [draft for node in templates if (draft := _template(reading, node, spec, needs)) is not None]
    known = {draft.id for draft in drafts}
    for draft in drafts:
        draft.needs = tuple(dict.fromkeys(one for one in needs.get(draft.id, ()) if one in known and one != draft.id))
    if (reference := spec.get("workflowTemplateRef")) is not None:
        wanted = text(reference.get("name")) or "?"
        reading.include(reference.source, wanted, "template", "unknown", False)
        reading.note(reference.source, f"the workflow template `{wanted[:60]}` is not in this file")
    return [draft.finish() for draft in drafts]


def _template(reading: Reading, node: Node, spec: Node, needs: dict[str, list[str]]) -> Draft | None:
    """A template that runs something as a job; one that orders others only fills in what they need."""
    from assess.pipelines._draft import Draft
    from assess.pipelines._values import text

    named = node.get("name")
    name = text(named) or f"template-{node.line}"
    _order(reading, node, needs)
    draft = Draft(reading, (named or node).source, name, runner="unknown")
    draft.runner_label = text(node.get("serviceAccountName")) or text(spec.get("serviceAccountName"))
    container, script = node.get("container"), node.get("script")
    several = node.get("containerSet")
    for one in (container, *((several.get("containers") if several is not None else None) or ())):
        if one is not None:
            _container(draft, one, "job")
    if script is not None:
        _container(draft, script, "job")
    for part in ("initContainers", "sidecars"):
        for one in node.get(part) or ():
            _container(draft, one, "service")
    if container is None and script is None and several is None:
        return None
    _artifacts(draft, node)
    if (memo := node.get("memoize")) is not None:
        draft.cache(memo.source, "memoize", text(memo.get("key")), True, True, None)
    return draft


def _order(reading: Reading, node: Node, needs: dict[str, list[str]]) -> None:
    """Which templates come before which, from a `dag` or from `steps`."""
    from assess.pipelines._values import text, words

    dag, steps = node.get("dag"), node.get("steps")
    tasks = {text(one.get("name")) or "": one for one in (dag.get("tasks") if dag is not None else None) or ()}
    for one in tasks.values():
        target = text(one.get("template"))
        wanted = [*words(one.get("dependencies")), *re.findall(r"[\w-]+", text(one.get("depends")) or "")]
        for name in wanted:
            before = text(tasks[name].get("template")) if name in tasks else None
            if target is not None and before is not None:
                needs.setdefault(target, []).append(before)
        _elsewhere(reading, one)
    before_these: list[str] = []
    for group in steps or ():
        now: list[str] = []
        for one in group if group.kind == "sequence" else (group,):
            _elsewhere(reading, one)
            if (target := text(one.get("template"))) is not None:
                needs.setdefault(target, []).extend(before_these)
                now.append(target)
        before_these = now or before_these


def _elsewhere(reading: Reading, one: Node) -> None:
    from assess.pipelines._values import text

    reference = one.get("templateRef")
    if reference is not None:
        name = f"{text(reference.get('name'))}/{text(reference.get('template'))}"
        reading.include(reference.source, name, "template", "unknown", False)
        reading.note(reference.source, f"the template `{name[:80]}` is not in this file")


def _container(draft: Draft, node: Node, role: str) -> None:
    from assess.pipelines._values import first_line, scalars, text, words

    image = node.get("image")
    if image is not None:
        draft.image(image, "job" if role == "job" else "service")
    variables: dict[str, str] = {}
    for one in node.get("env") or ():
        name = text(one.get("name"))
        value, source = one.get("value"), one.get("valueFrom")
        reference = source.get("secretKeyRef") if source is not None else None
        if reference is not None and name is not None:
            shown = f"{text(reference.get('name')) or ''}/{text(reference.get('key')) or name}"
            draft.secret(reference.source, shown, None, name)
        elif name is not None and (fixed := text(value)) is not None and "{{" not in fixed:
            variables[name] = fixed
        elif name is not None:
            draft.defined.add(name)
    if role != "job":
        return
    command = words(node.get("command"))
    if (written := node.get("source")) is not None:
        interpreter = command[0].rpartition("/")[2] if command else "sh"
        if interpreter in _SHELLS:
            draft.run(written, variables, template=written.text)
        else:
            _program(draft, written, interpreter)
        return
    arguments = scalars(node.get("args"))
    shell = command[:1] and command[0].rpartition("/")[2] in _SHELLS
    if shell:
        inside = [one for one in (*scalars(node.get("command"))[1:], *arguments) if not one.text.startswith("-")]
        for one in inside[:1]:
            draft.run(one, variables, template=one.text)
    elif command:
        line = " ".join([*command, *(one.text for one in arguments)])
        place = (node.get("command") or node).source
        draft.script(line, place, first_line(node), variables, template=line)
    else:
        _image_alone(draft, node, arguments, variables)


def _image_alone(draft: Draft, node: Node, arguments: tuple[Node, ...], variables: dict[str, str]) -> None:
    """A container without a command: what its image starts with the arguments."""
    from assess.evidence import Step
    from assess.pipelines._facts import Act
    from assess.pipelines._image_programs import kaniko, program_of, quoted
    from assess.pipelines._values import first_line, text

    image = text(node.get("image")) or ""
    begin = program_of(image)
    place = (node.get("args") or node.get("image") or node).source
    line = " ".join(quoted(one.text) for one in arguments)
    if begin is not None and begin != "kaniko":
        whole = f"{begin} {line}".strip()
        draft.script(whole, place, first_line(node), variables, template=whole)
        return
    if begin is None:
        note = f"what the image `{image[:100]}` does is not known"
        acts: tuple[Act, ...] = (Act("unread", image[:100] or "image", place, note=note),)
    else:
        acts = kaniko(tuple(one.text for one in arguments), place)
    draft.step(Step(source=node.source, run=line or None), acts, (line,))


def _program(draft: Draft, written: Node, interpreter: str) -> None:
    from assess.evidence import Step
    from assess.pipelines._facts import Act

    note = f"a {interpreter[:40]} script was not read"
    act = Act("unread-script", interpreter, written.source, note=note)
    draft.step(Step(source=written.source, run=written.text), (act,), (written.text,))


def _artifacts(draft: Draft, node: Node) -> None:
    from assess.pipelines._values import text

    inputs, outputs = node.get("inputs"), node.get("outputs")
    for one in (inputs.get("artifacts") if inputs is not None else None) or ():
        kind = next(
            (key for key in ("git", "http", "s3", "gcs", "oss", "raw", "hdfs", "azure") if one.get(key) is not None),
            None,
        )
        name = text(one.get("name"))
        if kind == "git":
            from assess.pipelines._facts import Act

            draft.act(Act("checkout", "git artifact", one.source))
        elif kind != "raw":
            draft.take(one.source, kind or "artifact", name, None, kind is not None)
    for one in (outputs.get("artifacts") if outputs is not None else None) or ():
        if (name := text(one.get("name"))) is not None:
            draft.give(one.source, "artifact", name)

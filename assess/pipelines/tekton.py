"""Tekton: runs, pipelines and tasks of any file, Pipelines-as-Code, and Chains as far as its configuration is here."""

from __future__ import annotations

import re

from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import ExternalParameter, Source, Trigger
from assess.pipelines import _tekton_chains as chains
from assess.pipelines._facts import JobFacts, PipelineFacts
from assess.pipelines._files import Folder
from assess.pipelines._reader import Reading
from assess.pipelines._tekton_documents import (
    DEFINITIONS,
    Document,
    find,
    holds_tekton,
    open_file,
    read_documents,
    tekton_files,
)
from assess.pipelines._tekton_pipelines import pipeline_jobs, surroundings, task_job, unread_run
from assess.pipelines._tekton_references import reference, source_of
from assess.pipelines._tekton_runs import Run
from assess.pipelines._tekton_tasks import PARAMETER
from assess.pipelines._tekton_triggers import listed, notes_of_pac, of_listeners, of_run
from assess.pipelines._values import text

NAME = "tekton"
RELEVANT = DEFINITIONS | {"PipelineRun", "TaskRun", "TriggerTemplate"}
MAX_DOCUMENTS = 200


def discover(folder: Folder) -> tuple[str, ...]:
    """All files of the project that hold objects of Tekton's APIs, wherever they lie."""
    return tekton_files(folder)


def recognises(path: str) -> bool:
    """The path is one where Pipelines-as-Code looks for runs."""
    return re.search(r"(?:\A|/)\.tekton/.*\.ya?ml\Z", path.replace("\\", "/")) is not None


def sniffs(data: bytes) -> bool:
    """The file holds an object of a Tekton API, or the configuration of Chains."""
    return holds_tekton(data)


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One file as facts: the jobs of its runs, or of what it defines. Raises InputError if it cannot be read."""
    reading = Reading(folder, path, NAME, depth="full", parameter=PARAMETER, secret_variable=None)
    documents = read_documents(data, path, reading)
    if not documents:
        raise InputError("not a Tekton file (got no Kubernetes object)", path)
    config = chains.chains_of(folder, documents)
    jobs: list[JobFacts] = []
    triggers: list[Trigger] = list(of_listeners(documents) or ())
    runs = [one for one in _with_templates(documents) if one.kind in RELEVANT]
    used = {_name_of(one.spec) for one in runs if one.kind in {"PipelineRun", "TaskRun"}}
    within = _used_inside(runs)
    several = sum(one.kind in RELEVANT and one.name not in used | within for one in runs) > 1
    for one in runs[:MAX_DOCUMENTS]:
        if one.kind in DEFINITIONS and (one.name in used or one.name in within):
            continue
        prefix = f"{one.name or one.kind}/" if several else ""
        run = Run(reading, documents, config, prefix, annotated=notes_of_pac(one))
        jobs += _jobs(run, one)
        triggers += of_run(one) or ()
        _parameters(reading, one)
    for one in documents:
        node = chains.settings_of(one)
        if node is not None:
            chains.note_settings(reading, node)
    first = runs[0] if runs else documents[0]
    if not jobs and not any(chains.settings_of(one) is not None for one in documents):
        reading.note(first.root.source, "the file holds nothing that runs")
    only = bool(runs) and all(one.kind in DEFINITIONS for one in runs)
    place = Source(path, first.root.line, first.root.column)
    return reading.pipeline(place, first.name, jobs, tuple(dict.fromkeys(triggers)) or None, only_called=only)


def _with_templates(documents: tuple[Document, ...]) -> list[Document]:
    """The objects of a file, with those that its trigger templates would create."""
    found: list[Document] = []
    for one in documents:
        if one.kind != "TriggerTemplate":
            found.append(one)
            continue
        for node in one.spec.get("resourcetemplates") or one.spec.get("resourceTemplates") or ():
            if node.kind == "mapping":
                metadata = node.get("metadata")
                name = (text(metadata.get("name")) or text(metadata.get("generateName"))) if metadata else None
                empty = Node("mapping", {}, node.path, node.line, node.column, keys={})
                spec = node.get("spec")
                spec = spec if spec is not None and spec.kind == "mapping" else empty
                found.append(Document(text(node.get("kind")) or "", name or one.name, spec, node))
    return found


def _name_of(spec: Node) -> str | None:
    ref = spec.get("pipelineRef") or spec.get("taskRef")
    return text(ref.get("name")) if ref is not None else None


def _used_inside(documents: list[Document]) -> set[str]:
    """Names of tasks that pipelines of the same file refer to."""
    found: set[str] = set()
    for one in documents:
        spec = one.spec.get("pipelineSpec") or one.spec
        for task in (*(spec.get("tasks") or ()), *(spec.get("finally") or ())):
            ref = task.get("taskRef") if task.kind == "mapping" else None
            if ref is not None and (name := text(ref.get("name"))) is not None:
                found.add(name)
            if task.kind == "mapping" and (inner := task.get("taskSpec")) is not None:
                found |= _actions(inner)
        found |= _actions(one.spec.get("taskSpec") or one.spec)
    return found


def _actions(spec: Node) -> set[str]:
    """Names of the step actions that a task's steps refer to."""
    refs = (step.get("ref") for step in spec.get("steps") or ())
    return {name for ref in refs if ref is not None and (name := text(ref.get("name"))) is not None}


def _jobs(run: Run, document: Document) -> list[JobFacts]:
    spec = document.spec
    name = document.name.rstrip("-") or document.kind
    match document.kind:
        case "PipelineRun":
            surroundings(run, spec)
            return _pipeline_run(run, document)
        case "TaskRun":
            surroundings(run, spec)
            return task_job(run, name, document.root, spec.get("taskSpec"), spec.get("taskRef"))
        case "Pipeline":
            return pipeline_jobs(run, spec)
        case "StepAction":
            steps = Node("sequence", (spec,), spec.path, spec.line, spec.column)
            kept = {key: spec.value[key] for key in ("params", "results", "volumes") if key in spec.value}
            keys = spec.keys or {}
            inner = {key: value for key, value in spec.value.items() if key not in {*kept, "description"}}
            steps.value = (Node("mapping", inner, spec.path, spec.line, spec.column, keys={k: keys[k] for k in inner}),)
            names = {**{key: keys[key] for key in kept}, "steps": document.root}
            task = Node("mapping", {**kept, "steps": steps}, spec.path, spec.line, spec.column, keys=names)
            return task_job(run, name, document.root, task, None)
        case _:
            return task_job(run, name, document.root, spec, None)


def _pipeline_run(run: Run, document: Document) -> list[JobFacts]:
    spec = document.spec.get("pipelineSpec")
    if spec is not None and spec.get("tasks") is not None:
        return pipeline_jobs(run, spec)
    ref = document.spec.get("pipelineRef") or (spec.get("pipelineRef") if spec is not None else None)
    found = _pipeline(run, ref) if ref is not None else None
    if found is not None:
        return pipeline_jobs(run, found.spec)
    shown, pin = reference(ref) if ref is not None else ("?", "unknown")
    place = source_of(ref) if ref is not None else document.root.source
    kind = "resolver" if ref is not None and ref.get("resolver") is not None else "pipeline"
    run.reading.include(place, shown, kind, pin, False)
    name = document.name.rstrip("-") or "pipeline"
    return [unread_run(run, document.root.source, name, shown, place, document.spec)]


def _pipeline(run: Run, ref: Node) -> Document | None:
    name = text(ref.get("name"))
    annotated = run.annotated.get("pipeline")
    for entry in listed(annotated.text) if annotated is not None else ():
        if not entry.startswith("http"):
            found = [one for one in open_file(run.reading, entry.removeprefix("./")) if one.kind == "Pipeline"]
            if found:
                run.reading.include(source_of(ref), entry, "pipeline", "local", True)
                return found[0]
    if name is None or ref.get("resolver") is not None or ref.get("bundle") is not None:
        return None
    document = find(run.reading, run.own, "Pipeline", name)
    if document is not None:
        run.reading.include(source_of(ref), name, "pipeline", "local", True)
    return document


def _parameters(reading: Reading, document: Document) -> None:
    """The parameters that a run, or what it runs, declares."""
    spec = document.spec.get("pipelineSpec") or document.spec.get("taskSpec") or document.spec
    for one in spec.get("params") or ():
        if (name := one.get("name")) is not None and one.kind == "mapping":
            reading.parameters.append(ExternalParameter(name.source, name.text, "param"))

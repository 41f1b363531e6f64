"""GitHub Actions: `.github/workflows/*.yml` into pipelines, their job graph and their release paths."""

from __future__ import annotations

from assess import _yaml
from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import Note, Pipeline, Trigger, TriggerTrust
from assess.pipelines._actions import ANYONE, CONTRIBUTOR, WORKFLOW_KEYS
from assess.pipelines._facts import PipelineFacts
from assess.pipelines._files import Folder
from assess.pipelines._github_jobs import Around, permissions, read_jobs
from assess.pipelines._github_steps import Reading, texts

NAME = "github-actions"
FOLDER = ".github/workflows"


def discover(folder: Folder) -> tuple[str, ...]:
    """The workflow files of a project: those right in `.github/workflows`, as GitHub reads them."""
    return folder.list(FOLDER, (".yml", ".yaml"))


def recognises(path: str) -> bool:
    """The path is one where GitHub looks for workflows."""
    return f"/{FOLDER}/" in "/" + path.replace("\\", "/")


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One workflow file as facts. Raises InputError if it is not YAML, or no mapping."""
    documents = _yaml.read(data, path)
    if not documents.roots:
        raise InputError("the workflow is empty", path)
    root = documents.roots[0]
    if root.kind != "mapping" or len(documents.roots) > 1:
        got = f"{len(documents.roots)} documents" if len(documents.roots) > 1 else f"a {root.kind}"
        raise InputError(f"not a workflow (got {got}, expected one mapping)", f"{path}:{root.line}:{root.column}")
    reading = Reading(folder, path, tuple(data.decode("utf-8", "replace").split("\n")))
    for problem in documents.problems:
        reading.note(problem.source, problem.text)
    reading.unknown_keys(root, WORKFLOW_KEYS, "workflow")
    triggers = _triggers(reading, root)
    only_called = triggers is not None and {one.event for one in triggers} == {"workflow_call"}
    reading.inputs = _has_inputs(root)
    jobs = root.get("jobs")
    if jobs is None or not jobs.value or jobs.kind != "mapping":
        reading.note((jobs or root).source, "the workflow has no jobs")
    around = Around(permissions(root.get("permissions"), reading), texts(root.get("env")), only_called=only_called)
    found = read_jobs(reading, jobs, around)
    name = root.get("name")
    pipeline = Pipeline(
        source=root.source,
        system=NAME,
        name=name.text if name is not None and name.text else path.rpartition("/")[2],
        understood="partly" if reading.notes else "fully",
        triggers=triggers,
        jobs=tuple(one.job for one in found),
        notes=tuple(sorted(reading.notes, key=_position)),
    )
    outsiders = next((one.source for one in triggers or () if one.trust == "anyone"), None)
    return PipelineFacts(pipeline, tuple(found), tuple(dict.fromkeys(reading.follows)), only_called, outsiders)


def _position(note: Note) -> tuple[str, int, int, str]:
    return (note.source.path, note.source.line or 0, note.source.column or 0, note.text)


def _triggers(reading: Reading, root: Node) -> tuple[Trigger, ...] | None:
    node = root.get("on")
    if node is None:
        reading.note(root.source, "the workflow names no trigger (`on`)")
        return None
    if node.kind == "mapping":
        return tuple(Trigger(key.source, key.text, _trust(key.text)) for key, _ in node.items())
    if node.kind == "sequence":
        return tuple(Trigger(one.source, one.text, _trust(one.text)) for one in node if one.kind == "scalar")
    return (Trigger(node.source, node.text, _trust(node.text)),) if node.text else ()


def _trust(event: str) -> TriggerTrust:
    if event in ANYONE:
        return "anyone"
    return "contributor" if event in CONTRIBUTOR else "maintainer"


def _has_inputs(root: Node) -> bool:
    on = root.get("on")
    dispatch = on.get("workflow_dispatch") if on is not None else None
    return dispatch is not None and dispatch.get("inputs") is not None

"""GitHub Actions: `.github/workflows/*.yml` into pipelines, their job graph and their release paths."""

from __future__ import annotations

from assess import _yaml
from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import Note, Pipeline, Source
from assess.pipelines._actions import WORKFLOW_KEYS
from assess.pipelines._facts import PipelineFacts
from assess.pipelines._files import Folder
from assess.pipelines._github_handover import linked
from assess.pipelines._github_jobs import Around, read_jobs
from assess.pipelines._github_permissions import identity_place, permissions
from assess.pipelines._github_reading import Dialect, Reading, directory_of, shell_of, text_of
from assess.pipelines._github_triggers import read_parameters, read_triggers

NAME = "github-actions"
DIALECT = Dialect(NAME, ".github/workflows")


def discover(folder: Folder) -> tuple[str, ...]:
    """The workflow files of a project: those right in `.github/workflows`, as GitHub reads them."""
    return folder.list(DIALECT.folder, (".yml", ".yaml"))


def recognises(path: str) -> bool:
    """The path is one where GitHub looks for workflows."""
    return in_folder(path, DIALECT.folder)


def in_folder(path: str, folder: str) -> bool:
    """The path is below a folder of that name, wherever the project itself lies."""
    return f"/{folder}/" in "/" + path.replace("\\", "/")


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One workflow file as facts. Raises InputError if it is not YAML, or no mapping."""
    return read_workflow(folder, path, data, DIALECT)


def read_workflow(folder: Folder, path: str, data: bytes, dialect: Dialect) -> PipelineFacts:
    """One workflow file of GitHub or of a system that reads the same form. Raises InputError as `read`."""
    reading = Reading(folder, path, dialect, {path: tuple(data.decode("utf-8", "replace").split("\n"))})
    root = _root(reading, path, data)
    reading.unknown_keys(root, WORKFLOW_KEYS | dialect.keys, "workflow")
    triggers = read_triggers(reading, root)
    parameters = read_parameters(root)
    only_called = bool(triggers) and {one.event for one in triggers or ()} == {"workflow_call"}
    reading.by_hand = frozenset(one.name.lower() for one in parameters if one.kind == "input")
    reading.inputs = frozenset(one.name.lower() for one in parameters if one.kind != "payload")
    if "enable-openid-connect" in dialect.keys:
        reading.identity = identity_asked(root)
    jobs = root.get("jobs")
    if jobs is None or not jobs.value or jobs.kind != "mapping":
        reading.note((jobs or root).source, "the workflow has no jobs")
    around = Around(
        permissions(root.get("permissions"), reading),
        reading.limited(root.get("env")),
        identity_place(root.get("permissions")) if dialect.on_github else reading.identity,
        shell_of(root),
        directory_of(root),
        only_called=only_called,
    )
    found = linked(read_jobs(reading, jobs, around))
    pipeline = Pipeline(
        source=root.source,
        system=dialect.name,
        name=text_of(root.get("name")) or path.rpartition("/")[2],
        understood="partly" if reading.notes else "fully",
        triggers=triggers,
        jobs=tuple(one.job for one in found),
        notes=tuple(sorted(reading.notes, key=_position)),
        includes=tuple(reading.includes),
        parameters=parameters,
        depth="full",
    )
    outsiders = next((one.source for one in triggers or () if one.trust == "anyone"), None)
    return PipelineFacts(pipeline, tuple(found), tuple(dict.fromkeys(reading.follows)), only_called, outsiders)


def _root(reading: Reading, path: str, data: bytes) -> Node:
    documents = _yaml.read(data, path)
    if not documents.roots:
        raise InputError("the workflow is empty", path)
    root = documents.roots[0]
    if root.kind != "mapping" or len(documents.roots) > 1:
        got = f"{len(documents.roots)} documents" if len(documents.roots) > 1 else f"a {root.kind}"
        raise InputError(f"not a workflow (got {got}, expected one mapping)", f"{path}:{root.line}:{root.column}")
    for problem in documents.problems:
        reading.note(problem.source, problem.text)
    return root


def identity_asked(root: Node) -> Source | None:
    """Where Forgejo's `enable-openid-connect` gives every job an identity."""
    node = root.get("enable-openid-connect")
    return node.source if node is not None and node.value is True else None


def _position(note: Note) -> tuple[str, int, int, str]:
    return (note.source.path, note.source.line or 0, note.source.column or 0, note.text)

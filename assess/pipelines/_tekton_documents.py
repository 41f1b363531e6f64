"""Tekton's documents: which kinds a file holds, and where in the project a task, pipeline or step action is defined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assess._yaml import Node
from assess.errors import InputError
from assess.pipelines._files import Folder
from assess.pipelines._reader import Reading
from assess.pipelines._values import documents_of, text

MAX_INDEXED = 2_000
DEFINITIONS = frozenset({"Task", "ClusterTask", "Pipeline", "StepAction"})
RUNS = frozenset({"PipelineRun", "TaskRun"})
_API = re.compile(rb"""apiVersion["']?\s*:\s*["']?(?:[a-z]+\.)*tekton\.dev/""")
_KIND = re.compile(
    rb"""kind["']?\s*:\s*["']?(?:Task|ClusterTask|Pipeline|StepAction|TaskRun|PipelineRun|TriggerTemplate|TektonConfig"""
    rb"""|TektonChain)["']?\s*(?:[,}#\r\n]|\Z)"""
)
_CONFIG = re.compile(rb"""name["']?\s*:\s*["']?chains-config["']?""")
_HELM = re.compile(
    rb"\{\{-?\s*(?:\.[A-Z]|if\b|range\b|include\b|with\b|template\b|define\b|end\b|toYaml\b|else\b|/\*|\$)"
)
YAML = (".yaml", ".yml")
_OTHERS = re.compile(
    r"(?:\A|/)(?:\.(?:github|forgejo|gitea|gitlab|circleci|buildkite|woodpecker)/|\.gitlab-ci\.ya?ml\Z)"
)
"""Files of other systems, which may hold an object of Tekton as the text of a script."""


@dataclass(frozen=True, slots=True)
class Document:
    """One Kubernetes object: its kind, name, `spec` and the whole of it."""

    kind: str
    name: str
    spec: Node
    root: Node


def holds_tekton(data: bytes) -> bool:
    """The file has an object of a Tekton API, or the configuration of Chains."""
    if _API.search(data) is not None and _KIND.search(data) is not None:
        return True
    return _CONFIG.search(data) is not None and b"ConfigMap" in data


def read_documents(data: bytes, path: str, reading: Reading | None = None) -> tuple[Document, ...]:
    """The objects of a file, lists taken apart. Raises InputError as `documents_of`, telling Helm templates apart."""
    try:
        documents = documents_of(data, path)
    except InputError as error:
        if _HELM.search(data):
            message = "a Helm template, which is YAML only after Helm has rendered it"
            raise InputError(message, error.place or path) from error
        raise
    if reading is not None:
        for problem in documents.problems:
            reading.note(problem.source, problem.text)
        if (found := _HELM.search(data)) is not None:
            line = data.count(b"\n", 0, found.start()) + 1
            place = next((one for root in documents.roots for one in _scalars(root) if one.line >= line), None)
            if place is not None:
                reading.note(place.source, "values of a Helm template are not known before it is rendered")
    return tuple(one for root in documents.roots for one in _taken_apart(root))


def _scalars(node: Node) -> Iterator[Node]:
    waiting = [node]
    seen = 0
    while waiting and seen < 20_000:
        one = waiting.pop()
        seen += 1
        if one.kind == "scalar":
            yield one
        else:
            waiting += reversed(list(one.value.values() if one.kind == "mapping" else one.value))


def _taken_apart(root: Node) -> Iterator[Document]:
    if root.kind != "mapping":
        return
    kind = text(root.get("kind")) or ""
    if kind.endswith("List") and (items := root.get("items")) is not None:
        for one in items:
            yield from _taken_apart(one)
        return
    metadata = root.get("metadata")
    name = (text(metadata.get("name")) or text(metadata.get("generateName"))) if metadata is not None else None
    empty = Node("mapping", {}, root.path, root.line, root.column, keys={})
    spec = root.get("spec")
    yield Document(kind, name or "", spec if spec is not None and spec.kind == "mapping" else empty, root)


def find(reading: Reading, own: tuple[Document, ...], kind: str, name: str) -> Document | None:
    """A definition by kind and name: in the same file, else in the project; the file is then followed."""
    kinds = {"Task", "ClusterTask"} if kind in {"Task", "ClusterTask"} else {kind}
    for one in own:
        if one.kind in kinds and one.name == name:
            return one
    places = reading.folder.once("tekton definitions", lambda: _index(reading.folder))
    for place in places.get((min(kinds), name), ()):
        found = open_file(reading, place)
        for one in found:
            if one.kind in kinds and one.name == name:
                return one
    return None


def open_file(reading: Reading, path: str) -> tuple[Document, ...]:
    """The objects of a file of the project, which is then followed; () if it is not here or cannot be read."""
    try:
        data = reading.folder.read(path)
        if data is None:
            return ()
        found = reading.folder.once(f"tekton {path}", lambda: read_documents(data, path))
    except InputError:
        return ()
    if path != reading.path:
        reading.follows.append(path)
    return found


def _index(folder: Folder) -> dict[tuple[str, str], list[str]]:
    """(kind, name) of every definition of the project, to its files; those of `.tekton` first."""
    names = sorted(tekton_files(folder), key=lambda name: (not name.startswith(".tekton/"), name))
    found: dict[tuple[str, str], list[str]] = {}
    for name in names[:MAX_INDEXED]:
        data = folder.peek(name, 1 << 20) or b""
        if not any(kind.encode() in data for kind in DEFINITIONS):
            continue
        try:
            documents = read_documents(data, name)
        except InputError:
            continue
        for one in documents:
            if one.kind in DEFINITIONS:
                kind = "ClusterTask" if one.kind == "Task" else one.kind
                found.setdefault((kind, one.name), []).append(name)
    return found


def tekton_files(folder: Folder) -> tuple[str, ...]:
    """All files of the project that hold objects of Tekton."""

    def look() -> tuple[str, ...]:
        named = (name for name in folder.walk() if name.endswith(YAML) and not _OTHERS.search(name))
        return tuple(name for name in named if holds_tekton(folder.peek(name, 1 << 20) or b""))

    return folder.once("tekton files", look)

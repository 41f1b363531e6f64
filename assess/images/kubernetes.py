"""Kubernetes manifests -> the images that their workloads run, each with its place. Nothing is rendered or fetched.

Read are Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController, Job, CronJob and PodTemplate, lists
of them (`List`, `PodList`), files of several documents, and the output of `helm template`: containers, init and
ephemeral containers, and image volumes. Helm's own templates are no YAML and are said to be unreadable; a kind that is
not known and seems to hold containers is noted, for its images were not checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assess import _yaml
from assess.errors import InputError, NoInputError
from assess.evidence import Note, Source, Unreadable
from assess.files import read_file

MAX_FILES = 10_000
MAX_USES = 50_000
SUFFIXES = (".yaml", ".yml", ".json")
_CONTAINERS = (("containers", "container"), ("initContainers", "init"), ("ephemeralContainers", "ephemeral"))
_SPECS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job"),
        ("spec", "template", "spec"),
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "PodTemplate": ("template", "spec"),
}
"""Where the pod specification of each kind is."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What runs images: `Deployment shop/web`, and where it is written."""

    kind: str
    name: str
    namespace: str
    source: Source

    def __str__(self) -> str:
        return f"{self.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name or '(no name)'}"


@dataclass(frozen=True, slots=True)
class Use:
    """One container of a workload and its image."""

    image: str
    container: str
    role: str
    """`container`, `init`, `ephemeral`, `volume`."""
    workload: Workload
    source: Source


@dataclass(frozen=True, slots=True)
class Manifests:
    """The images of some manifests, in the order of the files, and what was not understood."""

    uses: tuple[Use, ...]
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[Note, ...] = ()


def read_path(path: Path) -> Manifests:
    """The images of one file, or of all .yaml, .yml and .json files below a folder, in the order of their names.

    Raises NoInputError where there is nothing at `path`, or no such file below it.
    """
    if not path.is_dir():
        return read_manifests(read_file(path, _yaml.MAX_BYTES, "Kubernetes manifest"), str(path))
    files = _files(path)
    if not files:
        raise NoInputError("no Kubernetes manifest (.yaml, .yml, .json) below this folder", str(path))
    read = []
    for file in files[:MAX_FILES]:
        try:
            data = read_file(file, _yaml.MAX_BYTES, "Kubernetes manifest")
        except (InputError, NoInputError) as problem:
            read.append(Manifests((), (Unreadable(Source(str(file)), problem.message),)))
            continue
        read.append(read_manifests(data, str(file)))
    if len(files) > MAX_FILES:
        read.append(Manifests((), (Unreadable(Source(str(path)), f"more than {MAX_FILES} files; not all were read"),)))
    return merged(read)


def _files(path: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        found += [Path(folder, name) for name in sorted(names) if name.endswith(SUFFIXES)]
        if len(found) > MAX_FILES:
            break
    return found


def merged(each: list[Manifests]) -> Manifests:
    """Several as one, in their order."""
    uses = tuple(use for one in each for use in one.uses)
    return Manifests(
        uses,
        tuple(lost for one in each for lost in one.unreadable),
        tuple(note for one in each for note in one.notes),
    )


def read_manifests(data: bytes, path: str) -> Manifests:
    """The images of one file; never raises for what the file says."""
    try:
        documents = _yaml.read(data, path)
    except InputError as problem:
        template = " (a Helm template? render it first: helm template CHART)" if b"{{" in data else ""
        place = Source(problem.place or path)
        return Manifests((), (Unreadable(place, f"{problem.message}{template}"),))
    reading = _Reading([], [], [])
    others = 0
    for root in documents.roots:
        if root.kind == "mapping" and _text(root.get("kind")) and _text(root.get("apiVersion")):
            _object(root, reading)
        elif root.kind != "scalar" or root.text:
            others += 1
    reading.notes += [Note(one.source, one.text) for one in documents.problems]
    if others:
        reading.notes.append(Note(Source(path), f"{others} document(s) are no Kubernetes objects"))
    return Manifests(tuple(reading.uses[:MAX_USES]), tuple(reading.unreadable), tuple(reading.notes))


@dataclass(slots=True)
class _Reading:
    uses: list[Use]
    unreadable: list[Unreadable]
    notes: list[Note]


def _object(node: _yaml.Node, reading: _Reading) -> None:
    kind = _text(node.get("kind"))
    items = node.get("items")
    if kind.endswith("List") and items is not None and items.kind == "sequence":
        for item in items:
            # the items of a PodList need not say what they are
            _workload(item, _text(item.get("kind")) or kind.removesuffix("List"), reading)
        return
    _workload(node, kind, reading)


def _workload(node: _yaml.Node, kind: str, reading: _Reading) -> None:
    where = _SPECS.get(kind)
    metadata = node.get("metadata")
    name = _text(metadata.get("name")) or _text(metadata.get("generateName")) if metadata is not None else ""
    namespace = _text(metadata.get("namespace")) if metadata is not None else ""
    workload = Workload(kind, name, namespace, node.source)
    if where is None:
        held = sum(1 for _ in _held(node))
        if held:
            text = f"{workload}: this kind is not known; it seems to hold {held} container(s), which were not checked"
            reading.notes.append(Note(node.source, text))
        return
    spec: _yaml.Node | None = node
    for key in where:
        spec = spec.get(key) if spec is not None else None
    if spec is None or spec.kind != "mapping":
        reading.unreadable.append(Unreadable(node.source, f"{workload}: no pod specification at {'.'.join(where)}"))
        return
    for key, role in _CONTAINERS:
        for container in spec.get(key) or ():
            _container(container, role, workload, reading)
    for volume in spec.get("volumes") or ():
        image = volume.get("image")
        if image is not None and image.kind == "mapping":
            _use(image.get("reference"), _text(volume.get("name")), "volume", workload, volume.source, reading)


def _container(node: _yaml.Node, role: str, workload: Workload, reading: _Reading) -> None:
    _use(node.get("image"), _text(node.get("name")), role, workload, node.source, reading)


def _use(
    image: _yaml.Node | None, container: str, role: str, workload: Workload, place: Source, reading: _Reading
) -> None:
    text = _text(image)
    source = image.source if image is not None else place
    if image is not None and image.kind != "scalar":
        reason = f"{workload}: the image of {role} {container} is no text (a template? render it first)"
        reading.unreadable.append(Unreadable(source, reason))
    elif not text:
        reading.unreadable.append(Unreadable(source, f"{workload}: {role} {container or '(no name)'} names no image"))
    elif "{{" in text or "$(" in text or "${" in text:
        reason = (
            f"{workload}: the image of {role} {container} is a template, not a name ({text[:80]!r}); render it first"
        )
        reading.unreadable.append(Unreadable(source, reason))
    else:
        reading.uses.append(Use(text, container, role, workload, source))


def _held(node: _yaml.Node, depth: int = 0) -> Iterator[_yaml.Node]:
    """Containers with an image anywhere below a node of an unknown kind."""
    if depth > 40:
        return
    for key, _ in _CONTAINERS:
        for one in node.get(key) or ():
            if _text(one.get("image")):
                yield one
    for _, value in node.items():
        yield from _held(value, depth + 1)
    for item in node:
        yield from _held(item, depth + 1)


def _text(node: _yaml.Node | None) -> str:
    return node.text.strip() if node is not None and node.kind == "scalar" and node.value is not None else ""


def read_list(data: bytes, path: str) -> tuple[str, ...]:
    """Image references, one a line; blank lines and what follows `#` are left out. Raises InputError for no text."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError("not UTF-8 (expected image references, one a line)", path) from None
    found = tuple(text for line in lines if (text := line.partition("#")[0].strip()))
    if len(found) > MAX_USES:
        raise InputError(f"too many images (got {len(found)}, expected at most {MAX_USES})", path)
    if not found:
        raise InputError("names no image (expected references, one a line)", path)
    return found

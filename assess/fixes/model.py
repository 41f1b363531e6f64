"""What a fix is: a change of one file with its reason, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from assess.evidence import Evidence, Source
from assess.fixes.changes import Change, Path

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Fix:
    """One safe change: all its `changes` are made, in order, or none."""

    id: str
    """The kind: `attest`, `permissions`, `caches`, `pins`, `provenance-mode`, `optional`, `predicate`, ..."""
    source: Source
    """Where what it changes stands now."""
    title: str
    why: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Declined:
    """What cannot be changed safely, and why."""

    id: str
    source: Source
    reason: str


Found = Fix | Declined


@dataclass(frozen=True, slots=True)
class View:
    """The project as it would be with the changes made so far: its evidence, and the files it was read from."""

    evidence: Evidence
    files: dict[str, str]
    """Text of each pipeline file that was read, by its path in the project."""
    _documents: dict[str, Document | None] = field(default_factory=dict, compare=False)

    def document(self, path: str) -> Document | None:
        """The file with its nodes; None where it is not one YAML document."""
        if path not in self._documents:
            self._documents[path] = _document(self.files[path]) if path in self.files else None
        return self._documents[path]


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file as data and as nodes."""

    data: Any
    root: yaml.Node

    def item_at(self, source: Source) -> Path | None:
        """The path of the outermost value that begins at `source`."""
        return self._at(source, key=False)

    def key_at(self, source: Source) -> Path | None:
        """The path of the value whose key stands at `source`."""
        return self._at(source, key=True)

    def _at(self, source: Source, *, key: bool) -> Path | None:
        if source.line is None:
            return None
        return next(_paths_at(self.root, source.line - 1, (source.column or 1) - 1, (), key), None)

    def get(self, path: Path) -> Any:
        """The data at `path`; None where there is none."""
        found = self.data
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return None
        return found


def _document(text: str) -> Document | None:
    try:
        root = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506  (BaseLoader builds texts, lists and mappings only)
    except yaml.YAMLError:
        return None
    return Document(data, root) if root is not None else None


def _paths_at(node: yaml.Node, line: int, column: int, path: Path, key: bool) -> Iterator[Path]:
    if node.start_mark.line > line or node.end_mark.line < line:
        return
    if not key and (node.start_mark.line, node.start_mark.column) == (line, column) and path:
        yield path
    if isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield from _paths_at(item, line, column, (*path, at), key)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if key and (name.start_mark.line, name.start_mark.column) == (line, column):
                yield (*path, str(name.value))
            yield from _paths_at(value, line, column, (*path, str(name.value)), key)

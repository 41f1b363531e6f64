"""The five changes that a patch is made of, each named by its path in the document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indices from the document's root: `("jobs", "build", "steps", 2)`."""


class Quoted(str):
    """A text that is always written in quotes: `"true"` where a reader would take `true` for no text."""

    __slots__ = ()


class PatchError(Exception):
    """The change cannot be made without touching more than it should; the text says why."""


@dataclass(frozen=True, slots=True)
class SetKey:
    """`path[key] = value`; a new key goes behind the key `after`, or else to the end of the mapping."""

    path: Path
    key: str
    value: object
    """Text, or mappings and lists of texts."""
    after: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RemoveKey:
    """Remove `path[key]`; a mapping that would be left empty goes with it."""

    path: Path
    key: str


@dataclass(frozen=True, slots=True)
class InsertItem:
    """Insert `item` into the sequence at `path` before what is now at `index`."""

    path: Path
    index: int
    item: object
    comments: tuple[tuple[str, str], ...] = ()
    """Comments behind keys of the item: (key, text)."""


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """Remove the item at `index` of the sequence at `path`, with the comment lines right above it."""

    path: Path
    index: int


@dataclass(frozen=True, slots=True)
class ReplaceText:
    """Replace the scalar at `path`, which reads `old`, by `new`; a comment behind it is replaced if one is given."""

    path: Path
    old: str
    new: str
    comment: str | None = None


Change: TypeAlias = SetKey | RemoveKey | InsertItem | RemoveItem | ReplaceText

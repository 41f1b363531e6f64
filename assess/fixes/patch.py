"""Changes to a YAML text that keep every other line as it is, comments and layout included.

1. find the place of the change by libyaml's own marks (start and end of each node)
2. change the lines
3. read both texts as data (strings, lists, mappings; nothing is built) and compare: the new must be the old with this
   one change, or the change is refused (`PatchError`)
"""

from __future__ import annotations

import copy
from typing import Any

import yaml

from assess.fixes._lines import Lines
from assess.fixes.changes import Change, InsertItem, PatchError, Path, RemoveItem, RemoveKey, ReplaceText, SetKey

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def apply(text: str, change: Change) -> str:
    """The text with one change. Raises PatchError where that cannot be done safely."""
    try:
        root = yaml.compose(text, Loader=_Loader)
        old = _data(text)
    except yaml.YAMLError as problem:
        raise PatchError(f"not YAML ({' '.join(str(problem).split())[:120]})") from None
    if root is None:
        raise PatchError("the file is empty")
    # (1) and (2)
    new = Lines(text, root).changed(change)
    # (3)
    wanted = _as_data(old, change)
    try:
        got = _data(new)
    except yaml.YAMLError:
        raise PatchError("the change would not leave valid YAML") from None
    if got != wanted:
        raise PatchError("the layout of the file does not allow the change without touching more than it")
    return new


def _data(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506  (BaseLoader builds texts, lists and mappings only)


def _as_data(old: Any, change: Change) -> Any:
    """What the changed file must say."""
    new = copy.deepcopy(old)
    match change:
        case SetKey(path, key, value, _, _):
            _at(new, path)[key] = copy.deepcopy(value)
        case RemoveKey(path, key):
            _remove(new, path, key)
        case InsertItem(path, index, item, _):
            _at(new, path).insert(index, item)
        case RemoveItem(path, index):
            del _at(new, path)[index]
        case ReplaceText(path, before, text, _):
            parent, last = _at(new, path[:-1]), path[-1]
            if parent[last] != before:
                raise PatchError(f"expected {before[:60]!r} there, found {str(parent[last])[:60]!r}")
            parent[last] = text
    return new


def _at(data: Any, path: Path) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            raise PatchError(f"there is no {part!r} where the change belongs") from None
    return data


def _remove(data: Any, path: Path, key: str) -> None:
    mapping = _at(data, path)
    if key not in mapping:
        raise PatchError(f"there is no {key!r} to remove")
    del mapping[key]
    if not mapping and path:
        del _at(data, path[:-1])[path[-1]]

"""One change made in the lines of a YAML file, at the places that libyaml's marks name; nothing else is touched."""

# PyYAML's nodes are typed only in part, so they are `Any` here.

from __future__ import annotations

from typing import Any

import yaml

from assess.fixes._written import plain, quoted, rendered
from assess.fixes.changes import (
    Change,
    InsertItem,
    PatchError,
    Path,
    RemoveItem,
    RemoveKey,
    ReplaceText,
    SetKey,
)


class Lines:
    """The lines of one file with its nodes."""

    def __init__(self, text: str, root: Any) -> None:
        self.lines = text.splitlines()
        self.ending = "\r\n" if "\r\n" in text else "\n"
        self.closed = text.endswith("\n")
        self.root = root
        self.shared = _shared(root)

    def changed(self, change: Change) -> str:
        match change:
            case SetKey():
                self._set(change)
            case RemoveKey(path, key):
                self._remove_key(path, key)
            case InsertItem():
                self._insert(change)
            case RemoveItem(path, index):
                self._remove_item(path, index)
            case ReplaceText():
                self._replace(change)
        return self.ending.join(self.lines) + (self.ending if self.closed else "")

    # -- finding ------------------------------------------------------------------------------------------------

    def node(self, path: Path) -> Any:
        """The node at `path`."""
        node = self.root
        for part in path:
            node = self._child(node, part)
            if id(node) in self.shared:
                raise PatchError("the place is shared with another through an anchor, and both would change")
        return node

    def _child(self, node: Any, part: str | int) -> Any:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            return node.value[part]
        if isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == part]
            if len(found) == 1:
                return found[0]
        raise PatchError(f"there is no {part!r} (or more than one) where the change belongs")

    def _entry(self, node: Any, key: str) -> tuple[Any, Any] | None:
        if not isinstance(node, yaml.MappingNode):
            raise PatchError("a mapping was expected where the change belongs")
        return next(((k, v) for k, v in node.value if k.value == key), None)

    def _last_line(self, node: Any) -> int:
        """The last line (0-based) that the node's content reaches; blank and comment lines behind it are not its."""
        line = int(node.end_mark.line)
        if node.end_mark.column == 0 or self._only_space(line, node.end_mark.column):
            line -= 1
        first = int(node.start_mark.line)
        while line > first and not self.lines[line].split("#")[0].strip() and not _block_scalar(node):
            line -= 1
        while line > first and not self.lines[line].strip():
            line -= 1
        return line

    def _only_space(self, line: int, column: int) -> bool:
        return line >= len(self.lines) or not self.lines[line][:column].strip()

    # -- changing -----------------------------------------------------------------------------------------------

    def _set(self, change: SetKey) -> None:
        node = self.node(change.path)
        entry = self._entry(node, change.key)
        if entry is not None and isinstance(entry[1], yaml.ScalarNode) and isinstance(change.value, str):
            self._scalar(entry[1], change.value, change.comment or None)
            return
        if _flow(node):
            if entry is not None:
                raise PatchError("a value written in braces is not replaced")
            self._into_flow(node, change)
            return
        if not node.value:
            raise PatchError("the mapping is empty")
        indent = int(node.value[0][0].start_mark.column)
        new = rendered({change.key: change.value}, indent, {change.key: change.comment} if change.comment else {})
        if entry is not None:
            first, last = int(entry[0].start_mark.line), self._last_line(entry[1])
            if self.lines[first][:indent].strip():
                new[0] = self.lines[first][:indent] + new[0].lstrip()
            self.lines[first : last + 1] = new
            return
        behind = self._entry(node, change.after) if change.after is not None else None
        anchor = behind if behind is not None else node.value[-1]
        at = self._last_line(anchor[1]) + 1 if not _empty(anchor[1]) else int(anchor[0].start_mark.line) + 1
        if not change.path and at < len(self.lines) and not self.lines[at].strip():
            new = ["", *new]  # the parts of this file stand apart
        self.lines[at:at] = new

    def _into_flow(self, node: Any, change: SetKey) -> None:
        """`{a: b}` becomes `{a: b, key: value}`."""
        if not isinstance(change.value, str) or change.comment:
            raise PatchError("only a plain value goes into braces")
        line, column = int(node.end_mark.line), int(node.end_mark.column) - 1
        text = self.lines[line]
        before = text[:column].rstrip()
        space = text[len(before) : column]
        comma = "" if not node.value or before.endswith(",") else ", "
        self.lines[line] = f"{before}{comma}{change.key}: {plain(change.value, flow=True)}{space}{text[column:]}"

    def _remove_key(self, path: Path, key: str) -> None:
        node = self.node(path)
        entry = self._entry(node, key)
        if entry is None:
            raise PatchError(f"there is no {key!r} to remove")
        if len(node.value) == 1 and path:
            if not isinstance(path[-1], str):
                raise PatchError("nothing would be left of the item")
            self._remove_key(path[:-1], path[-1])
            return
        if _flow(node):
            raise PatchError("a key written in braces is not removed")
        first, last = int(entry[0].start_mark.line), self._last_line(entry[1])
        if _empty(entry[1]):
            last = first
        indent = int(entry[0].start_mark.column)
        lead = self.lines[first][:indent]
        if lead.strip():  # the first key of a list's item stands behind its dash: the next one takes its place
            if not lead.strip().strip("-").strip() == "" or last + 1 >= len(self.lines):
                raise PatchError("the key shares its line with something else")
            following = self.lines[last + 1]
            if following[:indent].strip() or not following.strip():
                raise PatchError("the key shares its line with something else")
            self.lines[last + 1] = lead + following[indent:]
        del self.lines[first : last + 1]

    def _insert(self, change: InsertItem) -> None:
        node = self.node(change.path)
        if not isinstance(node, yaml.SequenceNode) or _flow(node) or not node.value:
            raise PatchError("a list with a line for each item was expected where the change belongs")
        column = self._dash(node.value[0])[1]
        new = rendered([change.item], column, dict(change.comments))
        if change.index < len(node.value):
            at = self._above(self._dash(node.value[change.index])[0], column)
            if self._spaced(node.value[change.index]):
                new = [*new, ""]
        else:
            at = self._last_line(node.value[-1]) + 1
            if self._spaced(node.value[-1]):
                new = ["", *new]
        self.lines[at:at] = new

    def _spaced(self, item: Any) -> bool:
        line, column = self._dash(item)
        above = self._above(line, column) - 1
        return above >= 0 and not self.lines[above].strip()

    def _dash(self, item: Any) -> tuple[int, int]:
        """Line and column of the dash before an item."""
        line = int(item.start_mark.line)
        before = self.lines[line][: int(item.start_mark.column)]
        if before.strip() != "-":
            raise PatchError("the item shares its line with something else")
        return line, before.index("-")

    def _above(self, line: int, column: int) -> int:
        """The first of the comment lines that stand right above `line` at the same indentation."""
        while line > 0 and self.lines[line - 1].lstrip().startswith("#"):
            above = self.lines[line - 1]
            if len(above) - len(above.lstrip()) != column:
                break
            line -= 1
        return line

    def _remove_item(self, path: Path, index: int) -> None:
        node = self.node(path)
        if not isinstance(node, yaml.SequenceNode) or _flow(node) or len(node.value) < 2:
            raise PatchError("nothing would be left of the list, or it is written in brackets")
        item = self._child(node, index)
        line, column = self._dash(item)
        first, last = self._above(line, column), self._last_line(item)
        behind = last + 1 < len(self.lines) and not self.lines[last + 1].strip()
        if behind and (index == 0 or not self.lines[first - 1].strip()):
            last += 1
        del self.lines[first : last + 1]

    def _replace(self, change: ReplaceText) -> None:
        node = self.node(change.path)
        if not isinstance(node, yaml.ScalarNode):
            raise PatchError("a text was expected where the change belongs")
        if node.style in {"|", ">"}:
            self._in_block(node, change)
        else:
            self._scalar(node, change.new, change.comment)

    def _in_block(self, node: Any, change: ReplaceText) -> None:
        """Within a block of lines: the same number of lines, each in its place."""
        old, new = change.old.split("\n"), change.new.split("\n")
        first = int(node.start_mark.line) + 1
        if node.style == ">" or len(old) != len(new):
            raise PatchError("lines of a block are neither added nor joined")
        for offset, (before, after) in enumerate(zip(old, new, strict=True)):
            if before == after:
                continue
            at = first + offset
            if at >= len(self.lines) or not self.lines[at].endswith(before):
                raise PatchError("the block is not written line by line")
            self.lines[at] = self.lines[at][: len(self.lines[at]) - len(before)] + after

    def _scalar(self, node: Any, new: str, comment: str | None) -> None:
        start, end = node.start_mark, node.end_mark
        if start.line != end.line or node.style in {"|", ">"}:
            raise PatchError("a text over several lines is not replaced")
        line = self.lines[start.line]
        behind = line[end.column :]
        if comment is not None:
            if behind.strip() and not behind.lstrip().startswith("#"):
                raise PatchError("there is no room for a comment")
            behind = f" # {comment}" if comment else ""
        written = quoted(new, str(node.style)) if node.style in {"'", '"'} else plain(new)
        self.lines[start.line] = line[: start.column] + written + behind


def _shared(root: Any) -> frozenset[int]:
    """Identities of the nodes that stand in more than one place."""
    seen: set[int] = set()
    twice: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            twice.add(id(node))
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
        elif isinstance(node, yaml.MappingNode):
            todo += [one for pair in node.value for one in pair]
    return frozenset(twice)


def _flow(node: Any) -> bool:
    return bool(getattr(node, "flow_style", False))


def _block_scalar(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}


def _empty(node: Any) -> bool:
    """A key without a value: its node has no extent."""
    return isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index

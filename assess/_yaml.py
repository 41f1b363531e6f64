"""YAML as positions and plain scalars: every value knows its line and column, and no object is ever built.

Steps (each tagged in the code):
    1. refuse by size and encoding
    2. read libyaml's *events* and build our own tree without recursion: nesting above `MAX_DEPTH` is refused while
       reading, because PyYAML's C composer crashes the interpreter on deep nesting
    3. share what an alias points to, and charge its whole weight against a budget (alias bombs)
    4. resolve `<<` merge keys; report duplicate keys
    5. type plain scalars as YAML 1.2 means them, narrowed: true/false, null, decimal integers; all else is text,
       so that `on` stays "on", `1.10` stays "1.10" and dates stay text
"""

# Longer than 300 lines: one walk with all its limits, which only hold together.

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import yaml

from assess._frozen import frozen
from assess.errors import InputError
from assess.evidence import Source

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 100
_TOO_DEEP = f"nested too deeply (expected at most {MAX_DEPTH} levels)"
# libyaml since 0.2.6 has a limit of its own (1,000), and looks ahead of the events that ours counts.
_LIBYAML_TOO_DEEP = "exceeded maximum nesting depth"
MAX_NODES = 200_000
MAX_ALIASED = 100_000
MAX_DOCUMENTS = 1_000

Kind: TypeAlias = Literal["mapping", "sequence", "scalar"]
Scalar: TypeAlias = str | int | bool | None

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip
_CORE = "tag:yaml.org,2002:"
_STANDARD = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))


@dataclass(slots=True, eq=False)
class Node:
    """One value with its place (`line`, `column` 1-based). Aliases share nodes, so compare by identity.

    `value` is a scalar for `scalar`, a tuple of nodes for `sequence`, a dict of key text to node for `mapping`.
    `text` is a scalar's text as written (quotes removed), "" for the others.
    `tag` is an application's tag (`!reference`), None for YAML's own; it is never interpreted.
    """

    kind: Kind
    value: Any
    path: str
    line: int
    column: int
    text: str = ""
    tag: str | None = None
    keys: dict[str, Node] | None = None
    style: str = ""
    """How a scalar is written: "" plain, `'` or `"` quoted, `|` or `>` as a block that begins on the next line."""
    weight: int = 1
    """Number of nodes below, aliases expanded, plus itself."""
    height: int = 0
    """Levels of collections from here down, aliases expanded."""

    @property
    def source(self) -> Source:
        """The place of this value."""
        return Source(self.path, self.line, self.column)

    def get(self, key: str) -> Node | None:
        """The value of `key`; None if this is no mapping or has no such key."""
        return self.value.get(key) if self.kind == "mapping" else None

    def items(self) -> tuple[tuple[Node, Node], ...]:
        """(key, value) pairs of a mapping, in order; () for anything else."""
        if self.kind != "mapping" or self.keys is None:
            return ()
        return tuple((self.keys[name], value) for name, value in self.value.items())

    def __iter__(self) -> Iterator[Node]:
        """The items of a sequence; nothing for anything else."""
        return iter(self.value if self.kind == "sequence" else ())


@frozen
class Problem:
    """Something in a readable file that its author should know: a duplicate key, a key that is no scalar."""

    source: Source
    text: str


@frozen
class Documents:
    """All documents of one file, with what was odd."""

    roots: tuple[Node, ...]
    problems: tuple[Problem, ...]


def load(data: bytes, path: str) -> Node:
    """The one document of a file (null for an empty file); for our own files, where a duplicate key is a mistake.

    Raises InputError (place `path:line:column`) if it is too large, not text, not YAML, too deep, a bomb,
    has several documents, or has a duplicate key.
    """
    documents = read(data, path)
    if documents.problems:
        first = documents.problems[0]
        raise InputError(first.text, f"{path}:{first.source.line}:{first.source.column}")
    if not documents.roots:
        return Node("scalar", None, path, 1, 1)
    if len(documents.roots) > 1:
        raise InputError(f"got {len(documents.roots)} YAML documents, expected 1", path)
    return documents.roots[0]


def read(data: bytes, path: str, splice: bool = False, repeat: bool = False) -> Documents:
    """All documents of a file and its problems. Raises InputError as `load` does, but not for duplicate keys.

    `splice`: in a list, `<<` with a list of scalars stands for its items (Woodpecker). `repeat`: a key may stand
    several times, and is kept as `key`, `key (2)`, ... (Cirrus).
    """
    text = _decode(data, path)
    builder = _Builder(path, splice, repeat)
    try:
        loader = _Loader(text)
        try:
            builder.run(loader.get_event)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else path
        if error.problem == _LIBYAML_TOO_DEEP:
            raise InputError(_TOO_DEEP, place) from None
        raise InputError(f"not YAML ({error.problem or error.context or 'syntax error'})", place) from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"not YAML ({' '.join(str(error).split())[:200]})", path) from None
    return Documents(tuple(builder.roots), tuple(builder.problems))


def plain(node: Node) -> object:
    """The value as dicts, lists and scalars; a tagged value becomes `{tag: value}`."""
    value: object
    match node.kind:
        case "mapping":
            value = {key: plain(item) for key, item in node.value.items()}
        case "sequence":
            value = [plain(item) for item in node.value]
        case "scalar":
            value = node.value
    return value if node.tag is None else {node.tag: value}


def line_of(node: Node, path: tuple[str | int, ...]) -> Source:
    """The place of the value at `path` (keys and indices) below `node`; of its nearest ancestor if it is absent.

    For the last step of a mapping it is the key's place, which is where a reader looks for it.
    """
    place = node.source
    for step in path:
        if node.kind == "mapping" and str(step) in node.value:
            place = node.keys[str(step)].source if node.keys else place
            node = node.value[str(step)]
        elif node.kind == "sequence" and isinstance(step, int) and 0 <= step < len(node.value):
            node = node.value[step]
            place = node.source
        else:
            break
    return place


def _decode(data: bytes, path: str) -> str:
    # 1. size and encoding
    if len(data) > MAX_BYTES:
        raise InputError(f"file is too large (got {len(data)} bytes, expected at most {MAX_BYTES})", path)
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise InputError("unsupported encoding (got UTF-32, expected UTF-8 or UTF-16)", path)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = f"{path}:{line}" if encoding != "utf-16" else path
        raise InputError("not text (expected UTF-8, or UTF-16 with a byte order mark)", place) from None
    if "\0" in text:
        raise InputError("binary file (got a NUL character, expected YAML text)", path)
    return text


@dataclass(slots=True)
class _Open:
    """A collection that is being read."""

    node: Node
    anchor: str | None
    items: list[Node]


class _Builder:
    """Builds the trees from events, iteratively."""

    def __init__(self, path: str, splice: bool = False, repeat: bool = False) -> None:
        self.path, self.splice, self.repeat = path, splice, repeat
        self.roots: list[Node] = []
        self.problems: list[Problem] = []
        self._anchors: dict[str, Node | None] = {}
        self._stack: list[_Open] = []
        self._count = 0
        self._aliased = 0

    def run(self, next_event: Callable[[], Any]) -> None:
        """Build the trees of all events; scalars, which most events are, take the shortest way."""
        scalar_event: Any = yaml.ScalarEvent
        words, path, stack = _WORDS, self.path, self._stack
        value: Scalar
        while (event := next_event()) is not None:
            if type(event) is not scalar_event:
                self._feed(event)
                continue
            tag = event.tag
            text = value = event.value
            # 5. types; a text in quotes, or one with a tag, is not implicit
            if event.implicit[0] or tag is not None:
                if tag is not None:
                    value = _typed(text, tag)
                elif text in words:
                    value = words[text]
                elif text[0] in "-0123456789" and _INTEGER.match(text):
                    value = int(text)
            mark = event.start_mark
            foreign = None if tag is None else _foreign(tag)
            node = Node("scalar", value, path, mark.line + 1, mark.column + 1, text, foreign, None, event.style or "")
            if not stack or event.anchor is not None or self._count >= MAX_NODES:
                self._add(node, event.anchor)
            else:
                self._count += 1
                stack[-1].items.append(node)

    def _feed(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._start(event, "mapping" if kind is yaml.MappingStartEvent else "sequence")
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._anchors = {}
            if len(self.roots) >= MAX_DOCUMENTS:
                raise self._error(event, f"too many YAML documents (expected at most {MAX_DOCUMENTS})")

    def _error(self, event: Any, text: str) -> InputError:
        mark = event.start_mark
        return InputError(text, f"{self.path}:{mark.line + 1}:{mark.column + 1}")

    def _start(self, event: Any, kind: Kind) -> None:
        # 2. depth
        if len(self._stack) >= MAX_DEPTH:
            raise self._error(event, _TOO_DEEP)
        mark = event.start_mark
        node = Node(kind, None, self.path, mark.line + 1, mark.column + 1, "", _foreign(event.tag))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(node, event.anchor, []))

    def _end(self) -> None:
        opened = self._stack.pop()
        node = opened.node
        if node.kind == "sequence":
            node.value = tuple(opened.items)
        else:
            self._pair_up(node, opened.items)
        weight, height = 1, 0
        for item in opened.items:
            weight += item.weight
            height = max(height, item.height)
        node.weight, node.height = weight, height + 1
        self._add(node, opened.anchor)

    def _alias(self, event: Any) -> None:
        # 3. aliases
        node = self._anchors.get(event.anchor)
        if node is None:
            what = "points into itself" if event.anchor in self._anchors else "has no anchor"
            raise self._error(event, f"alias *{event.anchor[:80]} {what}")
        self._aliased += node.weight
        if self._aliased > MAX_ALIASED:
            raise self._error(event, f"aliases expand to too much (expected at most {MAX_ALIASED} values)")
        # Whoever walks the tree recursively meets the aliased levels below the written ones.
        if len(self._stack) + node.height > MAX_DEPTH:
            raise self._error(event, f"aliases nest too deeply (expected at most {MAX_DEPTH} levels)")
        self._add(node, None)

    def _add(self, node: Node, anchor: str | None) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise InputError(f"too many values (expected at most {MAX_NODES})", f"{self.path}:{node.line}")
        if anchor is not None:
            self._anchors[anchor] = node
        if self._stack:
            self._stack[-1].items.append(node)
        else:
            self.roots.append(node)

    def _pair_up(self, node: Node, items: list[Node]) -> None:
        # 4. duplicate and merge keys
        values: dict[str, Node] = {}
        keys: dict[str, Node] = {}
        merges: list[Node] = []
        for key, value in zip(items[::2], items[1::2], strict=True):
            if key.kind != "scalar":
                self.problems.append(Problem(key.source, "a key is not a scalar, so it was left out"))
                continue
            if key.text == "<<" and key.style == "" and key.tag is None:
                merges.append(value)
                continue
            name = key.text
            if name in values and self.repeat:
                name = f"{name} ({sum(one.text == name for one in keys.values()) + 1})"
            elif name in values:
                self.problems.append(Problem(key.source, f"duplicate key {key.text[:80]!r}"))
            values[name] = value
            keys[name] = key
        if self.splice and not values and len(merges) == 1 and merges[0].kind == "sequence":
            if any(one.kind != "mapping" for one in merges[0].value):
                node.kind, node.value = "sequence", merges[0].value
                return
        for merge in merges:
            for source in merge.value if merge.kind == "sequence" else (merge,):
                self._merge(source, values, keys)
        node.value = values
        node.keys = keys

    def _merge(self, source: Node, values: dict[str, Node], keys: dict[str, Node]) -> None:
        if source.kind != "mapping" or source.value is None:
            self.problems.append(Problem(source.source, "a merge key (<<) does not hold a mapping"))
            return
        for name, value in source.value.items():
            if name not in values:
                values[name] = value
                keys[name] = source.keys[name] if source.keys else source


def _typed(text: str, tag: str) -> Scalar:
    """The value of a scalar that has a tag."""
    if not (tag in _STANDARD and tag != _CORE + "str"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.match(text) else text


def _foreign(tag: str | None) -> str | None:
    return None if tag is None or tag == "!" or tag in _STANDARD else tag

"""JSON as nodes with positions, in the form of `_yaml`: the configuration files of npm, bake, JReleaser, rulesets.

YAML readers refuse JSON that is indented with tabs; `json` loses the lines. Raises InputError as `_yaml.load` does.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import NoReturn

from assess._yaml import MAX_DEPTH, MAX_NODES, Node
from assess.errors import InputError

_TOKEN = re.compile(
    r'[\s\ufeff]*(?:([{}\[\]:,])|("(?:[^"\\\x00-\x1f]|\\.)*")|(-?[0-9][0-9eE.+-]*|true|false|null)|(\Z)|(.))'
)
_PLAIN: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def read_json(data: bytes, path: str) -> Node:
    """The one value of a JSON file. Raises InputError (place `path:line:column`) if it is not JSON or too large."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("not text (expected UTF-8)", path) from None
    return _Parser(text, path).run()


class _Parser:
    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.at = 0
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.nodes = 0

    def run(self) -> Node:
        """Every value in turn, the open collections on a stack of our own."""
        stack: list[tuple[Node, Node | None]] = []
        key: Node | None = None
        while True:
            node = self._value(stack, key)
            if node is not None:
                done = self._close(stack, node, key)
                if done is not None:
                    return done
            key = self._key() if stack[-1][0].kind == "mapping" else None

    def _value(self, stack: list[tuple[Node, Node | None]], key: Node | None) -> Node | None:
        """The next scalar or finished (empty) collection; None where a collection was opened."""
        kind, text, at = self._next()
        node = self._node(at)
        if text in {"{", "["}:
            if len(stack) >= MAX_DEPTH:
                self._refuse(f"nested too deeply (expected at most {MAX_DEPTH} levels)", at)
            mapping = text == "{"
            node.kind, node.value, node.keys = ("mapping", {}, {}) if mapping else ("sequence", [], None)
            if self._peek() == ("}" if mapping else "]"):
                self._next()
                node.value = {} if mapping else ()
                return node
            stack.append((node, key))
            return None
        if kind == "string":
            node.value = node.text = self._string(text, at)
            node.style = '"'
        elif kind == "plain":
            node.text = text
            node.value = _PLAIN[text] if text in _PLAIN else int(text) if re.fullmatch(r"-?\d{1,18}", text) else text
        else:
            self._refuse(f"not JSON (got {text[:20] or 'the end'!r}, expected a value)", at)
        return node

    def _close(self, stack: list[tuple[Node, Node | None]], node: Node, key: Node | None) -> Node | None:
        """Put a finished value where it belongs, and close what ends after it; the root when all is closed."""
        while stack:
            parent, outer = stack[-1]
            if key is not None and parent.keys is not None:
                parent.value[key.text] = node
                parent.keys[key.text] = key
            else:
                parent.value.append(node)
            closing = "}" if parent.kind == "mapping" else "]"
            _, text, at = self._next()
            if text == ",":
                return None
            if text != closing:
                self._refuse(f"not JSON (got {text[:20] or 'the end'!r}, expected `,` or `{closing}`)", at)
            stack.pop()
            if parent.kind == "sequence":
                parent.value = tuple(parent.value)
            node, key = parent, outer
        kind, text, at = self._next()
        if kind != "end":
            self._refuse(f"not JSON (got {text[:20]!r} after the end)", at)
        return node

    def _key(self) -> Node:
        kind, text, at = self._next()
        if kind != "string":
            self._refuse(f"not JSON (got {text[:20] or 'the end'!r}, expected a key)", at)
        key = self._node(at)
        key.value = key.text = self._string(text, at)
        _, colon, place = self._next()
        if colon != ":":
            self._refuse("not JSON (expected `:` after a key)", place)
        return key

    def _node(self, at: int) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._refuse(f"too many values (expected at most {MAX_NODES})", at)
        line = bisect_right(self.starts, at)
        return Node("scalar", None, self.path, line, at - self.starts[line - 1] + 1)

    def _peek(self) -> str:
        found = _TOKEN.match(self.text, self.at)
        return found.group(1) or "" if found is not None else ""

    def _next(self) -> tuple[str, str, int]:
        found = _TOKEN.match(self.text, self.at)
        if found is None or found.lastindex is None:
            return "end", "", self.at
        self.at = found.end()
        kind = ("mark", "string", "plain", "end", "other")[found.lastindex - 1]
        return kind, found.group(found.lastindex), found.start(found.lastindex)

    def _string(self, text: str, at: int) -> str:
        try:
            return str(json.loads(text))
        except ValueError:
            self._refuse("not JSON (a bad escape in a text)", at)

    def _refuse(self, what: str, at: int) -> NoReturn:
        line = bisect_right(self.starts, at)
        raise InputError(what, f"{self.path}:{line}:{at - self.starts[line - 1] + 1}")

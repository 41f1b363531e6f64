"""HCL (docker-bake.hcl, Terraform) as far as facts need it: blocks and literal attributes, with their places.

A body becomes a mapping: an attribute is its value; a block is a mapping by type, then by its labels. Blocks of one
type and label that are repeated are a list. What is no literal (references, calls, conditions) stays text as written.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NoReturn

from assess._yaml import MAX_BYTES, MAX_NODES, Kind, Node
from assess.errors import InputError

MAX_DEPTH = 40
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*|//[^\n]*|/\*(?:.*?\*/|.*))
    |(?P<newline>\n)
    |(?P<here><<-?(?P<ending>[A-Za-z_][\w-]*)[^\n]*\n(?:.*?\n[ \t]*(?P=ending)(?=\n|\Z)|.*))
    |(?P<string>"(?:[^"\\\n$%]|\\.|[$%](?!\{)|[$%]\{[^}\n]*\})*")
    |(?P<name>[A-Za-z_][\w.-]*)
    |(?P<number>-?[0-9][0-9.eE+-]*)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def read_hcl(data: bytes, path: str) -> Node:
    """The body of an HCL file. Raises InputError if it is not text, too large, or its brackets do not match."""
    if len(data) > MAX_BYTES:
        raise InputError(f"file is too large (got {len(data)} bytes, expected at most {MAX_BYTES})", path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("not text (expected UTF-8)", path) from None
    return _Parser(text, path).body("", 0)


class _Parser:
    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.tokens = [
            (found.lastgroup if found.lastgroup != "ending" else "here", found.group(), found.start())
            for found in _TOKEN.finditer(text)
            if found.lastgroup != "space"
        ]
        if len(self.tokens) > MAX_NODES:
            raise InputError(f"too many values (expected at most {MAX_NODES})", path)
        self.tokens.append(("end", "", len(text)))
        self.at = 0

    def body(self, closing: str, depth: int) -> Node:
        """Attributes and blocks until `}` or the end of the file."""
        node = self._node("mapping", {})
        node.keys = {}
        while True:
            self._newlines()
            kind, text, _ = self.tokens[self.at]
            if text == closing or kind == "end":
                if kind == "end" and closing:
                    self._refuse("a block is not closed")
                self.at += kind != "end"
                return node
            if kind not in {"name", "string"}:
                self._refuse(f"expected the name of an attribute or a block, got {text[:20]!r}")
            self._entry(node, depth)

    def _entry(self, body: Node, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._refuse(f"nested too deeply (expected at most {MAX_DEPTH} levels)")
        keys = [self._scalar()]
        while self.tokens[self.at][0] in {"name", "string"}:
            keys.append(self._scalar())
        mark = self.tokens[self.at][1]
        self.at += 1
        if mark in {"=", ":"}:
            self._put(body, keys[0], self._value(depth + 1))
        elif mark == "{":
            value = self.body("}", depth + 1)
            value.line, value.column = keys[0].line, keys[0].column
            for key in keys[:-1]:
                inner = body.get(key.text)
                if inner is None or inner.kind != "mapping":
                    inner = Node("mapping", {}, self.path, key.line, key.column, keys={})
                    self._put(body, key, inner)
                body = inner
            self._put(body, keys[-1], value)
        else:
            self._refuse(f"expected `=` or a block, got {mark[:20]!r}")

    def _put(self, body: Node, key: Node, value: Node) -> None:
        if body.keys is None:
            return
        before = body.value.get(key.text)
        if before is not None and before.kind == "sequence" and value.kind == "mapping":
            before.value = (*before.value, value)
        elif before is not None and before.kind == "mapping" and value.kind == "mapping":
            body.value[key.text] = Node("sequence", (before, value), self.path, before.line, before.column)
        else:
            body.value[key.text] = value
            body.keys[key.text] = key

    def _value(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self._refuse(f"nested too deeply (expected at most {MAX_DEPTH} levels)")
        kind, text, _ = self.tokens[self.at]
        following = self.tokens[self.at + 1][1] if self.at + 1 < len(self.tokens) else ""
        if text == "[":
            return self._list(depth)
        if text == "{":
            self.at += 1
            return self._object(depth)
        if kind in {"string", "number", "here"} or text in _WORDS:
            if following in {"\n", ",", "]", "}", ""}:
                return self._scalar()
        return self._expression()

    def _list(self, depth: int) -> Node:
        node = self._node("sequence", [])
        self.at += 1
        while True:
            self._newlines()
            kind, text, _ = self.tokens[self.at]
            if text == "]" or kind == "end":
                if kind == "end":
                    self._refuse("a list is not closed")
                self.at += 1
                node.value = tuple(node.value)
                return node
            if text == ",":
                self.at += 1
            else:
                node.value.append(self._value(depth + 1))

    def _object(self, depth: int) -> Node:
        node = self._node("mapping", {})
        node.keys = {}
        while True:
            self._newlines()
            kind, text, _ = self.tokens[self.at]
            if text == "}" or kind == "end":
                if kind == "end":
                    self._refuse("an object is not closed")
                self.at += 1
                return node
            if text == ",":
                self.at += 1
            elif kind in {"name", "string"} and self.tokens[self.at + 1][1] in {"=", ":"}:
                key = self._scalar()
                self.at += 1
                self._put(node, key, self._value(depth + 1))
            else:
                self._expression()

    def _expression(self) -> Node:
        """Something that is no literal, as text: until the end of the line, or of what is around it."""
        node = self._node("scalar", None)
        depth, parts = 0, []
        while True:
            kind, text, _ = self.tokens[self.at]
            if kind == "end" or (depth == 0 and (kind == "newline" or text in {",", "]", "}", ")"})):
                break
            if text == '"':
                self._refuse("a text is not closed")
            depth += (text in {"(", "[", "{"}) - (text in {")", "]", "}"})
            parts.append(text)
            self.at += 1
        if not parts:
            self._refuse(f"expected a value, got {self.tokens[self.at][1][:20]!r}")
        node.text = node.value = " ".join(parts)[:1_000]
        return node

    def _scalar(self) -> Node:
        kind, text, _ = self.tokens[self.at]
        node = self._node("scalar", None)
        self.at += 1
        if kind == "string":
            node.style = '"'
            node.value = node.text = re.sub(r'\\(["\\])', r"\1", text[1:-1])
        elif kind == "here":
            node.value = node.text = text.partition("\n")[2].rpartition("\n")[0]
        elif text in _WORDS:
            node.value, node.text = _WORDS[text], text
        else:
            node.value = node.text = text
            if kind == "number" and re.fullmatch(r"-?\d{1,18}", text):
                node.value = int(text)
        return node

    def _newlines(self) -> None:
        while self.tokens[self.at][0] == "newline":
            self.at += 1

    def _node(self, kind: Kind, value: object) -> Node:
        start = self.tokens[self.at][2]
        line = bisect_right(self.starts, start)
        return Node(kind, value, self.path, line, start - self.starts[line - 1] + 1)

    def _refuse(self, what: str) -> NoReturn:
        start = self.tokens[min(self.at, len(self.tokens) - 1)][2]
        line = bisect_right(self.starts, start)
        raise InputError(
            f"not HCL that is understood here ({what})", f"{self.path}:{line}:{start - self.starts[line - 1] + 1}"
        )

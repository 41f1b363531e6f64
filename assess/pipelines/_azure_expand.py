"""Template expressions of Azure Pipelines, expanded without being evaluated: every branch of an `if` is taken.

A template's parameters are put in where they are known. What a condition decides between becomes alternatives, so that
whoever reads the value sees that it is not fixed. Nothing is computed: other expressions stay text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assess._yaml import Node

MAX_NODES = 60_000
MAX_DEPTH = 100
ALTERNATIVES = "!alternatives"
CONDITION = "${{ if }}"
"""The key under which an item of a list keeps the template condition that it stands under."""

_WHOLE = re.compile(r"\s*\$\{\{\s*([A-Za-z_][\w-]*)((?:\s*\.\s*[\w-]+|\s*\[\s*'[^']*'\s*\])*)\s*\}\}\s*\Z")
_INSIDE = re.compile(r"\$\{\{\s*([A-Za-z_][\w-]*)((?:\.[\w-]+|\['[^']*'\])*)\s*\}\}")
_STEP = re.compile(r"\.\s*([\w-]+)|\[\s*'([^']*)'\s*\]")
_BRANCH = re.compile(r"\s*\$\{\{\s*(?:(if|elseif)\b(.*)|(else|insert))\s*\}\}\s*\Z", re.DOTALL)
_EACH = re.compile(r"\s*\$\{\{\s*each\s+(\w+)\s+in\s+(.+?)\s*\}\}\s*\Z", re.DOTALL)

Scope = Mapping[str, Node]


@dataclass(slots=True)
class Expander:
    """Expands trees of one pipeline file and its templates, within one budget."""

    nodes: int = 0
    exhausted: bool = False
    unresolved: list[Node] = field(default_factory=list)
    """Lists whose items come from an expression that is not known here."""

    def expand(self, node: Node, scope: Scope, depth: int = 0) -> Node:
        """The tree with branches flattened and known parameters put in; a new tree, places kept."""
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            self.exhausted = True
            return Node("scalar", None, node.path, node.line, node.column)
        match node.kind:
            case "scalar":
                return self._scalar(node, scope)
            case "sequence":
                return replace(node, value=tuple(self._items(node, scope, depth, "")))
            case "mapping":
                return self._mapping(node, scope, depth)

    def _scalar(self, node: Node, scope: Scope) -> Node:
        if "${{" not in node.text:
            return node
        found = lookup(node.text, scope)
        if found is not None:
            return (
                replace(found, path=node.path, line=node.line, column=node.column) if found.kind == "scalar" else found
            )
        value = _INSIDE.sub(lambda match: _text_of(match, scope), node.text)
        return node if value == node.text else replace(node, value=value, text=value)

    def _items(self, node: Node, scope: Scope, depth: int, condition: str) -> list[Node]:
        found: list[Node] = []
        for item in node:
            if self.exhausted:
                break
            inner = self._branches(item, scope)
            if inner is None:
                made = self.expand(item, scope, depth + 1)
                if item.kind == "scalar" and "${{" in item.text and made.kind == "sequence":
                    found += [_under(one, condition) for one in made]
                    continue
                if item.kind == "scalar" and _WHOLE.match(item.text) and made is item:
                    self.unresolved.append(item)
                found.append(_under(made, condition))
                continue
            for body, local, text in inner:
                both = " and ".join(one for one in (condition, text) if one)
                if body.kind == "sequence":
                    found += self._items(body, local, depth + 1, both)
                elif body.kind == "mapping":
                    found.append(_under(self.expand(body, local, depth + 1), both))
                else:
                    made = self.expand(body, local, depth + 1)
                    found += [_under(one, both) for one in made] if made.kind == "sequence" else [made]
        return found

    def _branches(self, item: Node, scope: Scope) -> list[tuple[Node, Scope, str]] | None:
        """The bodies of an item `${{ if }}:`/`${{ each }}:` with their scopes and conditions; None for other items."""
        if item.kind != "mapping" or not item.value or not all(_is_directive(key) for key in item.value):
            return None
        found: list[tuple[Node, Scope, str]] = []
        for key, body in item.value.items():
            branch = _BRANCH.match(key)
            if branch is not None:
                found.append((body, scope, (branch.group(2) or branch.group(3) or "").strip()))
                continue
            found += [(body, local, "") for local in self._loop(key, scope)]
        return found

    def _loop(self, key: str, scope: Scope) -> list[Scope]:
        each = _EACH.match(key)
        if each is None:
            return [scope]
        name, over = each.group(1), lookup("${{ " + each.group(2) + " }}", scope)
        if over is None or over.kind == "scalar":
            return [{known: value for known, value in scope.items() if known != name}]
        if over.kind == "sequence":
            return [{**scope, name: one} for one in over]
        return [{**scope, name: _pair(key_node, value)} for key_node, value in over.items()]

    def _mapping(self, node: Node, scope: Scope, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Node] = {}
        self._fill(node, scope, depth, values, keys)
        return replace(node, value=values, keys=keys)

    def _fill(self, node: Node, scope: Scope, depth: int, values: dict[str, Node], keys: dict[str, Node]) -> None:
        for key, value in node.items():
            if not _is_directive(key.text):
                name = self._scalar(key, scope).text if "${{" in key.text else key.text
                made = self.expand(value, scope, depth + 1)
                values[name] = _either(values[name], made) if name in values else made
                keys.setdefault(name, key)
                continue
            for local in self._loop(key.text, scope):
                body = value if value.kind == "mapping" else self.expand(value, local, depth + 1)
                if body.kind == "mapping":
                    self._fill(body, local, depth + 1, values, keys)


def alternatives(node: Node | None) -> tuple[Node, ...]:
    """All values that a key may have; () where it is absent."""
    if node is None:
        return ()
    return node.value if node.tag == ALTERNATIVES else (node,)


def lookup(text: str, scope: Scope) -> Node | None:
    """The value of a text that is one reference, `${{ parameters.x.y }}`; None if it is anything else or not known."""
    whole = _WHOLE.match(text)
    return None if whole is None else _follow(whole, scope)


def parameters_of(template: Node, given: Mapping[str, Node]) -> dict[str, Node]:
    """A template's parameters: what its caller gives, else the defaults that it declares."""
    found: dict[str, Node] = {}
    declared = template.get("parameters")
    if declared is not None and declared.kind == "mapping":
        found = {key.text: value for key, value in declared.items()}
    for one in declared or ():
        name, default = one.get("name"), one.get("default")
        if name is not None and default is not None:
            found[name.text] = default
    return {**found, **given}


def _follow(match: re.Match[str], scope: Scope) -> Node | None:
    path = [a or b for a, b in _STEP.findall(match.group(2))]
    name = match.group(1)
    if name == "parameters":
        if not path:
            return None
        name = "parameters." + path.pop(0)
    node = scope.get(name)
    for step in path:
        node = node.get(step) if node is not None else None
    return None if node is None or node.tag == ALTERNATIVES else node


def _text_of(match: re.Match[str], scope: Scope) -> str:
    found = _follow(match, scope)
    return found.text if found is not None and found.kind == "scalar" else match.group()


def _is_directive(key: str) -> bool:
    return "${{" in key and (_BRANCH.match(key) is not None or _EACH.match(key) is not None)


def _under(node: Node, condition: str) -> Node:
    """A mapping that remembers the condition of its branch."""
    if not condition or node.kind != "mapping":
        return node
    before = node.get(CONDITION)
    text = condition if before is None else f"{condition} and {before.text}"
    mark = Node("scalar", text, node.path, node.line, node.column, text)
    return replace(node, value={**node.value, CONDITION: mark}, keys={**(node.keys or {}), CONDITION: mark})


def _either(first: Node, second: Node) -> Node:
    """Both values of a key that stands in several branches; mappings are laid together key by key."""
    if first.kind == "mapping" and second.kind == "mapping" and first.tag is None:
        values, keys = dict(first.value), dict(first.keys or {})
        for key, value in second.items():
            values[key.text] = _either(values[key.text], value) if key.text in values else value
            keys.setdefault(key.text, key)
        return replace(first, value=values, keys=keys)
    if first.kind == "sequence" and second.kind == "sequence" and first.tag is None:
        return replace(first, value=(*first.value, *second.value))
    if first.kind == "scalar" and second.kind == "scalar" and first.text == second.text:
        return first
    return Node(
        "sequence",
        (*alternatives(first), *alternatives(second)),
        first.path,
        first.line,
        first.column,
        "",
        ALTERNATIVES,
    )


def _pair(key: Node, value: Node) -> Node:
    return Node(
        "mapping", {"key": key, "value": value}, key.path, key.line, key.column, keys={"key": key, "value": key}
    )

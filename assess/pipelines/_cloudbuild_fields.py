"""Fields of Google Cloud configurations: lowerCamelCase as documented, or snake_case, which is accepted as well."""

from __future__ import annotations

import re
from dataclasses import replace

from assess._yaml import Node

_SNAKE = re.compile(r"_([a-z])")


def camel(name: str) -> str:
    """`wait_for` as `waitFor`; names of users' own (`_TAG`) stay."""
    return name if name.startswith("_") else _SNAKE.sub(lambda found: found.group(1).upper(), name)


def child(node: Node | None, name: str) -> Node | None:
    """A field by its documented name."""
    return node.get(name) if node is not None else None


def camelled(node: Node, kept: frozenset[str] = frozenset({"substitutions", "envMap", "secretEnv"})) -> Node:
    """The tree with all keys as documented, but for those of maps that users fill."""
    if node.kind == "sequence":
        return replace(node, value=tuple(camelled(one, kept) for one in node.value))
    if node.kind != "mapping":
        return node
    values: dict[str, Node] = {}
    keys: dict[str, Node] = {}
    for key, value in node.items():
        name = camel(key.text)
        values[name] = value if name in kept and value.kind == "mapping" else camelled(value, kept)
        keys[name] = replace(key, text=name, value=name)
    return replace(node, value=values, keys=keys)

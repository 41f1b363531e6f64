"""What surrounds a command while a script is read: variables, where it runs, and who can look into the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from assess._frozen import frozen
from assess.pipelines._scripts import Follower

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)|env:([A-Za-z_]\w*))|%([A-Za-z_]\w*)%")
_UNSET = "\0"
"""A variable that was given different values, so that nobody can tell which holds."""


@frozen
class Around:
    """Set around a command: never changed, each script makes its own."""

    variables: Mapping[str, str]
    follower: Follower | None = None
    directory: str | None = ""
    """Where it runs, relative to the project's root; None where that cannot be told."""
    depth: int = 0
    active: frozenset[str] = field(default_factory=frozenset)
    """Scripts that are being read, so that one that calls itself ends."""


def assigned(variables: dict[str, str], assignment: str, outer: Mapping[str, str]) -> None:
    """Remember `NAME=value`; a second, different value (or one that is set around) makes it unknown."""
    name, _, value = assignment.partition("=")
    if name.endswith("+") or "[" in name:
        name, value = name.rstrip("+").partition("[")[0], _UNSET
    before = variables.get(name, outer.get(name))
    variables[name] = value if before is None or before == value else _UNSET


def resolved(words: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    """Words with the variables replaced whose plain value is known; a word that is one variable may become several."""
    text = " ".join(words)
    if "$" not in text and "%" not in text:
        return words
    found: list[str] = []
    for word in words:
        text = _VARIABLE.sub(lambda match: _value(match, variables), word) if "$" in word or "%" in word else word
        found += text.split() if text != word and _VARIABLE.fullmatch(word) else [text]
    return tuple(found)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name = match.group(1) or match.group(2) or match.group(3) or match.group(4)
    value = variables.get(name)
    rest = (value or "").removeprefix("$GITHUB_WORKSPACE/")
    plain = len(rest) < 500 and not any(mark in rest for mark in ("$", "`", _UNSET, "\n"))
    return value if value is not None and plain else match.group()

"""Justfiles as far as `just RECIPE` needs them: recipes, their lines and what they depend on. Nothing is run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from assess.pipelines._makefile import MAX_TARGETS

Recipes: TypeAlias = dict[str, tuple[list[str], list[tuple[str, int]]]]
"""name -> what it depends on, and its lines with their numbers"""

SHELLS = re.compile(rb"#![^\n]*\b(?:ba|da|k|z|a)?sh\b")
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s+[^:=]*)?):(?!=)\s*(.*)\Z")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a recipe as the shell gets it, its place, and whether it may fail (`-`)."""

    recipe: str
    text: str
    line: int
    tolerated: bool


def read_justfile(text: str) -> Recipes:
    """The recipes of a justfile, in their order."""
    found: Recipes = {}
    lines: list[tuple[str, int]] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith((" ", "\t")):
            if lines is not None:
                lines.append((line.strip(), number))
        elif (recipe := _RECIPE.match(line.rstrip())) is not None:
            needs = [word.strip("()") for word in recipe.group(3).partition("#")[0].replace("&&", " ").split()]
            lines = []
            found[recipe.group(1)] = (needs, lines)
        elif line.strip():
            lines = None
    return found


def recipes_of(recipes: Recipes, name: str) -> tuple[bool, list[Line]]:
    """(whether the recipe itself can be read, lines of what it depends on and then its own)."""
    found: list[Line] = []
    return _take(recipes, name, found, set()), found


def _take(recipes: Recipes, name: str, found: list[Line], seen: set[str]) -> bool:
    if name not in recipes or len(seen) > MAX_TARGETS:
        return False
    if name in seen:
        return True
    seen.add(name)
    needs, lines = recipes[name]
    for one in needs:
        _take(recipes, one, found, seen)
    if lines and lines[0][0].startswith("#!") and not SHELLS.match(lines[0][0].encode()):
        return False
    for text, number in lines:
        plain = text.lstrip("@-")
        tolerated = "-" in text[: len(text) - len(plain)]
        found.append(Line(name, re.sub(r"\{\{.*?\}\}", "$_", plain), number, tolerated))
    return True

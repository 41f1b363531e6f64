"""Values as YAML text: in quotes where they would not be read as themselves."""

from __future__ import annotations

from typing import Any

import yaml

from assess.fixes.changes import PatchError, Quoted

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def quoted(text: str, style: str) -> str:
    if style == "'":
        return "'" + text.replace("'", "''") + "'"
    if any(not one.isprintable() for one in text):
        raise PatchError("the text needs escapes")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def plain(text: str, *, flow: bool = False) -> str:
    """The text as a scalar on one line, quoted where it would not be read as itself or not as a text."""
    if "\n" in text:
        raise PatchError("a text over several lines is not written in one")
    if isinstance(text, Quoted):
        return quoted(text, '"')
    try:
        same = yaml.load(f"{{k: {text}}}" if flow else f"k: {text}", Loader=_Loader) == {"k": text}  # noqa: S506
    except yaml.YAMLError:
        same = False
    return text if same else quoted(text, '"')


def rendered(value: object, indent: int, comments: dict[str, str]) -> list[str]:
    """Lines of block YAML at an indentation; `comments` stand behind the keys that they name."""
    space = " " * indent
    match value:
        case dict():
            lines: list[str] = []
            for key, one in value.items():
                behind = f" # {comments[key]}" if key in comments else ""
                if isinstance(one, str) and "\n" in one:
                    block = one.rstrip("\n").split("\n")
                    keep = "|" if one.endswith("\n") else "|-"
                    lines += [f"{space}{key}: {keep}{behind}", *(f"{space}  {row}" if row else "" for row in block)]
                elif isinstance(one, str):
                    lines.append(f"{space}{key}: {plain(one)}{behind}")
                elif not one:
                    lines.append(f"{space}{key}: {'[]' if isinstance(one, list) else '{}'}{behind}")
                else:
                    lines += [f"{space}{key}:{behind}", *rendered(one, indent + 2, comments)]
            return lines
        case list():
            lines = []
            for one in value:
                if isinstance(one, str):
                    lines.append(f"{space}- {plain(one)}")
                else:
                    inner = rendered(one, indent + 2, comments)
                    lines += [f"{space}- {inner[0].lstrip()}", *inner[1:]]
            return lines
        case _:
            raise PatchError("only texts, lists and mappings are written")

"""Patterns of file names as GitLab's `include` takes them: `*` within a folder, `**` through folders."""

from __future__ import annotations

import re

from assess.pipelines._files import Folder


def matching(folder: Folder, pattern: str) -> tuple[str, ...]:
    """The names of the project's files that match; a name without `*` as it is."""
    if "*" not in pattern:
        return (pattern,)
    parts = tuple(re.sub(r"\*\*(?=[^/*])", "**/*", pattern).split("/"))
    return tuple(name for name in folder.walk() if _glob(parts, tuple(name.split("/"))))


def _glob(pattern: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """`*` stays within a folder, `**` does not."""
    reached = {0}
    for part in name:
        following: set[int] = set()
        for begin in reached:
            at = begin
            while at < len(pattern) and pattern[at] == "**":
                following.add(at)
                at += 1
            if at < len(pattern) and _segment(pattern[at], part):
                following.add(at + 1)
        reached = following
    return any(all(part == "**" for part in pattern[at:]) for at in reached)


def _segment(pattern: str, part: str) -> bool:
    """One folder or file name; takes no longer than the product of both lengths."""
    first, *middle = re.split(r"\*+", pattern)
    if not middle:
        return pattern == part
    last = middle.pop()
    if not part.startswith(first) or not part.endswith(last) or len(part) < len(first) + len(last):
        return False
    rest = part[len(first) : len(part) - len(last)]
    for piece in middle:
        found = rest.find(piece)
        if found < 0:
            return False
        rest = rest[found + len(piece) :]
    return True

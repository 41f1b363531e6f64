"""All safe fixes of a project, one after the other, each found in what the ones before it left.

1. read the project's pipelines with the changes made so far
2. take the first fix that any system offers and that was not tried yet; pins, which change no structure, together
3. make its changes in memory; what cannot be made exactly is declined, and said
4. begin again, until nothing is offered
Nothing is written here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assess.evidence import Evidence
from assess.fixes import github, gitlab
from assess.fixes.changes import PatchError
from assess.fixes.model import Declined, Fix, Found, View
from assess.fixes.patch import apply

FINDERS: tuple[Callable[[View], Iterator[Found]], ...] = (github.find, gitlab.find)
KINDS = tuple(dict.fromkeys((*github.KINDS, *gitlab.KINDS)))
MAX_FIXES = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be changed: fixes made (in order), those declined, and each changed file's old and new text."""

    fixes: tuple[Fix, ...]
    declined: tuple[Declined, ...]
    files: tuple[tuple[str, str, str], ...]
    """(path in the project, text now, text as it would be), by path."""

    @property
    def overlay(self) -> tuple[tuple[str, bytes], ...]:
        """The changed files as bytes."""
        return tuple((path, new.encode()) for path, _, new in self.files)

    def diff(self) -> str:
        """The changes as a unified diff that `git apply` and `patch -p1` take."""
        parts = []
        for path, old, new in self.files:
            lines = difflib.unified_diff(
                old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}"
            )
            parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
        return "".join(parts)


def propose(root: Path, only: frozenset[str] = frozenset()) -> Proposal:
    """Every safe fix for the project in `root`; with `only`, those of these kinds. Writes nothing."""
    from assess.pipelines import read_pipelines

    original: dict[str, str] = {}
    changed: dict[str, bytes] = {}
    made: list[Fix] = []
    failed: dict[tuple[str, str, str], Declined] = {}
    while True:
        # (1)
        read = read_pipelines(root, tuple(changed.items()))
        texts = {path: text for path, data in read.files if (text := _text(data)) is not None}
        original = {**texts, **original}
        view = View(Evidence(pipelines=read.pipelines, releases=read.releases), texts)
        # (2)
        offered = [one for finder in FINDERS for one in finder(view) if not only or one.id in only]
        tried = {*failed, *map(_key, made)}
        fixes = [one for one in offered if isinstance(one, Fix) and _key(one) not in tried]
        if not fixes or len(made) >= MAX_FIXES:
            break
        together = [one for one in fixes if one.id == "pins"] if fixes[0].id == "pins" else fixes[:1]
        # (3)
        for fix in together[: MAX_FIXES - len(made)]:
            try:
                text = texts[fix.source.path]
                for change in fix.changes:
                    text = apply(text, change)
            except (PatchError, KeyError) as problem:
                failed[_key(fix)] = Declined(fix.id, fix.source, f"{fix.title}: {problem}")
                continue
            texts[fix.source.path] = text
            changed[fix.source.path] = text.encode()
            made.append(fix)
    files = tuple((path, original[path], data.decode()) for path, data in sorted(changed.items()))
    # (4)
    left = (*failed.values(), *(one for one in offered if isinstance(one, Declined)))
    return Proposal(tuple(made), tuple(dict.fromkeys(left)), files)


def _key(one: Found) -> tuple[str, str, str]:
    """What makes a fix the same as one that was tried; lines move with every change, so they do not count."""
    return one.id, one.source.path, one.title if isinstance(one, Fix) else one.reason


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None

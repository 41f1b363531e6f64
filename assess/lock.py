"""The lock file `slsa-expectations.lock`: what verified attestations taught, one entry per artifact, reviewed as code.

Trust on first use: an entry is as good as the attestation that it was learned from, and as the review of its changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assess import _yaml
from assess.errors import ConfigError, InputError
from assess.expectations import Expectations
from assess.files import LOCK_FILE, OWN_LIMIT, read_file
from assess.learned import FACTS, Learned, name_shape

MAX_TEXT = 2_000
"""Characters of one fact."""
MAX_NAMES = 500
_LISTS = ("inputs", "external_parameters")
_HEAD = f"""\
# {LOCK_FILE}: what verified attestations said of each artifact when they were first seen.
# `slsa-assess expect` writes it; `slsa-assess check` compares later attestations with it. A difference changes no
# level and fails the gate. Review every change of this file as you review code: it decides what is accepted.
# Versions are left out (*), so that the next release is as expected.
version: 1
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was learned of one artifact."""

    name: str
    """The artifact's name with `*` for its version."""
    learned: Learned
    learned_from: str
    """sha256, hex, of the attestation."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file: where it is, its entries by name, and the bytes that were read ("" where there is none yet)."""

    path: Path
    entries: tuple[Entry, ...] = ()
    data: bytes = b""

    def entry(self, name: str) -> Entry | None:
        """The entry for an artifact of that name, whatever its version."""
        shape = name_shape(name)
        return next((one for one in self.entries if one.name == shape), None)

    def updated(self, entries: tuple[Entry, ...]) -> Lock:
        """The lock with these entries added or in the place of their namesakes, ordered by name."""
        known = {one.name: one for one in (*self.entries, *entries)}
        return replace(self, entries=tuple(known[name] for name in sorted(known)))

    def expectations(self, name: str | None, base: Expectations) -> Expectations:
        """`base` and what was learned of the artifact; None is an artifact that is known by its digest alone.

        An artifact without an entry is as unexpected as one that differs: whoever can rename it must not get by.
        """
        if name is None:
            entry = self.entries[0] if len(self.entries) == 1 else None
            shape = "an artifact that only its digest names (give the file, or `name:` in the project file)"
        else:
            entry, shape = self.entry(name), name_shape(name)
        if entry is None:
            return replace(base, unlearned=shape)
        return replace(base, learned=entry.learned)


def load_lock(path: Path) -> Lock:
    """The lock file at `path`. Raises NoInputError where it is missing, ConfigError for every mistake in it."""
    data = read_file(path, OWN_LIMIT, "lock file")
    try:
        root = _yaml.load(data, str(path))
    except InputError as problem:
        raise ConfigError(problem.message, problem.place, _HINT) from None
    problems: list[tuple[str, str]] = []
    _known(root, ("version", "artifacts"), problems)
    version = root.get("version")
    if version is None or version.value != 1:
        place = str(version.source) if version is not None else str(path)
        problems.append((place, f"unknown version (got {version.text if version else None!r}, expected 1)"))
    artifacts = root.get("artifacts")
    if artifacts is not None and artifacts.kind != "mapping" and artifacts.value is not None:
        problems.append((str(artifacts.source), "artifacts is no mapping"))
    rows = artifacts.items() if artifacts is not None else ()
    entries = tuple(_entry(key.text, node, problems) for key, node in rows)
    if problems:
        raise ConfigError("the lock file has mistakes", str(path), _HINT, problems=tuple(problems))
    return Lock(path, tuple(sorted(entries, key=lambda one: one.name)), data)


_HINT = "it is written by `slsa-assess expect`; take it back from version control, or learn it again"


def render_lock(lock: Lock) -> str:
    """The text of a lock file: the same entries give the same bytes.

    Raises InputError for a fact that is too long, or a list that has too many names.
    """
    lines = [_HEAD + ("artifacts:" if lock.entries else "artifacts: {}")]
    for entry in lock.entries:
        lines.append(f"  {_quoted(entry.name)}:")
        lines.append(f"    learned_from: {_quoted('sha256:' + entry.learned_from)}")
        for fact in FACTS:
            value = getattr(entry.learned, fact)
            if isinstance(value, str):
                lines.append(f"    {fact}: {_quoted(value)}")
            elif value is not None:
                if len(value) > MAX_NAMES:
                    raise InputError(f"too many {fact} to be learned (expected at most {MAX_NAMES})", entry.name)
                lines.append(f"    {fact}: [{', '.join(map(_quoted, value))}]")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise InputError(f"too long to be learned (got {len(text)} characters, expected at most {MAX_TEXT})", text[:60])
    return "".join(_escaped(one) for one in json.dumps(text, ensure_ascii=False))


def _escaped(one: str) -> str:
    if one.isprintable():
        return one
    if 0xD800 <= ord(one) <= 0xDFFF:
        raise InputError("half a character (a lone surrogate) cannot be learned")
    return f"\\U{ord(one):08x}"


def _known(node: _yaml.Node, keys: tuple[str, ...], problems: list[tuple[str, str]]) -> None:
    if node.kind != "mapping":
        problems.append((str(node.source), "no mapping"))
    for key, _ in node.items():
        if key.text not in keys:
            problems.append((str(key.source), f"no such key {key.text[:80]!r}"))


def _entry(name: str, node: _yaml.Node, problems: list[tuple[str, str]]) -> Entry:
    _known(node, (*FACTS, "learned_from"), problems)
    facts: dict[str, Any] = {}
    for fact in FACTS:
        value = node.get(fact)
        if value is not None:
            facts[fact] = _names(value, problems) if fact in _LISTS else _text(value, problems)
    origin = node.get("learned_from")
    text = _text(origin, problems) if origin is not None else ""
    return Entry(name, Learned(**facts), text.removeprefix("sha256:"))


def _text(node: _yaml.Node, problems: list[tuple[str, str]]) -> str:
    if node.kind != "scalar" or not isinstance(node.value, str) or len(node.value) > MAX_TEXT:
        problems.append((str(node.source), f"not a text (got {node.text[:60]!r})"))
        return ""
    return node.value


def _names(node: _yaml.Node, problems: list[tuple[str, str]]) -> tuple[str, ...]:
    if node.kind != "sequence" or len(node.value) > MAX_NAMES:
        problems.append((str(node.source), f"not a list of at most {MAX_NAMES} names"))
        return ()
    return tuple(sorted(_text(one, problems) for one in node))

"""Loads platforms.yaml and users' files of the same form: mappings in, entries or a list of mistakes out."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from assess import _yaml
from assess._data import data_path
from assess._yaml import Node
from assess.errors import ConfigError, InputError
from assess.files import OWN_LIMIT, read_file
from assess.trust.platforms import Entry, KnownSigner, Pattern, Relation, compile_pattern

BUNDLED = "platforms.yaml"
BASES = ("vendor-claim", "self-assessment", "audit")
_RELATIONS: tuple[str, ...] = get_args(Relation)
_ENTRY_KEYS = ("id", "name", "signer", "builder_id", "relation", "claimed", "strict", "basis", "claim", "build_types")
_SIGNER_KEYS = {
    "certificate": ("kind", "issuer", "identity", "runner_environment", "source_repository"),
    "key": ("kind", "sha256"),
}
_ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")

Problems = list[tuple[str, str]]


def load_entries(paths: tuple[Path, ...]) -> tuple[Entry, ...]:
    """The entries of `paths`, then the bundled ones. Raises ConfigError with all mistakes, NoInputError."""
    problems: Problems = []
    entries: list[Entry] = []
    for path, user in (*((path, True) for path in paths), (data_path("levels") / BUNDLED, False)):
        entries += _read(path, user, problems)
    if problems:
        raise ConfigError(
            "the platforms file has mistakes" if len(problems) > 1 else problems[0][1],
            problems[0][0],
            "levels/platforms.yaml shows the form",
            tuple(problems),
        )
    return tuple(entries)


def _read(path: Path, user: bool, problems: Problems) -> list[Entry]:
    try:
        root = _yaml.load(read_file(path, OWN_LIMIT, "platforms file"), str(path))
    except InputError as problem:
        problems.append((problem.place or str(path), problem.message))
        return []
    rows = root.get("platforms")
    if root.kind != "mapping" or rows is None or rows.kind != "sequence":
        problems.append((str(root.source), "expected `platforms:` with a list of entries"))
        return []
    for key, _ in root.items():
        if key.text != "platforms":
            problems.append((str(key.source), _unknown(key.text, ("platforms",))))
    entries: list[Entry] = []
    for row in rows:
        entry = _Entry(row, problems).build(user)
        if entry is None:
            continue
        if any(entry.id == other.id for other in entries):
            problems.append((_place(row, "id"), f"id {entry.id!r} is used twice"))
        entries.append(entry)
    return entries


def _unknown(key: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
    return f"no such key {key!r} ({hint})"


def _place(node: Node, *path: str) -> str:
    place = _yaml.line_of(node, path)
    return f"{place.path}:{place.line}"


class _Entry:
    """Reads one entry; every mistake goes to `problems`."""

    def __init__(self, row: Node, problems: Problems) -> None:
        self.row = row
        self.problems = problems

    def build(self, user: bool) -> Entry | None:
        """The entry, or None where it has mistakes."""
        before = len(self.problems)
        if self.row.kind != "mapping":
            self._wrong("an entry is a mapping (id, name, signer, builder_id, ...)")
            return None
        self._known_keys(self.row, _ENTRY_KEYS)
        claimed = self._level("claimed")
        relation = self._one_of(self.row, "relation", _RELATIONS)
        build_types = self.row.get("build_types")
        fields: dict[str, Any] = {
            "id": self._text(self.row, "id"),
            "name": self._text(self.row, "name"),
            "signer": self._signer(),
            "builder_ids": self._patterns(self.row, "builder_id"),
            "relation": relation,
            "claimed": claimed,
            "strict": self._level("strict") if self.row.get("strict") is not None else claimed,
            "basis": self._one_of(self.row, "basis", BASES),
            "claim_url": self._text(self.row, "claim") if self.row.get("claim") is not None or not user else None,
            "build_types": self._texts(self.row, "build_types") if build_types is not None else (),
        }
        self._check(fields)
        return Entry(user=user, **fields) if len(self.problems) == before else None

    def _check(self, fields: dict[str, Any]) -> None:
        """What two fields must agree on."""
        if fields["id"] and not _ID.fullmatch(fields["id"]):
            self._wrong("id is made of lower-case letters, digits, dots and dashes", "id")
        if fields["strict"] > fields["claimed"]:
            self._wrong("strict is never above claimed", "strict")
        if fields["claim_url"] and not fields["claim_url"].startswith("https://"):
            self._wrong("claim is an https URL", "claim")
        patterns: tuple[Pattern, ...] = fields["builder_ids"]
        if fields["relation"] == "own-workflow" and not all("{repo}" in one.text for one in patterns):
            self._wrong("own-workflow needs a builder_id with {owner} and {repo}", "builder_id")
        signer: KnownSigner | None = fields["signer"]
        if signer is not None and signer.kind == "key" and fields["relation"] in ("same-as-signer", "own-workflow"):
            self._wrong("a key is no URL that a builder.id could equal (relation: listed)", "relation")

    def _signer(self) -> KnownSigner | None:
        node = self.row.get("signer")
        if node is None or node.kind != "mapping":
            self._wrong("signer is missing (a mapping with kind: certificate or key)", "signer")
            return None
        kind = self._one_of(node, "kind", tuple(_SIGNER_KEYS))
        if kind not in _SIGNER_KEYS:
            return None
        self._known_keys(node, _SIGNER_KEYS[kind])
        if kind == "key":
            return KnownSigner(kind="key", keys=self._keys(node))
        runner = self._text(node, "runner_environment") if node.get("runner_environment") is not None else None
        sources = self._texts(node, "source_repository") if node.get("source_repository") is not None else ()
        return KnownSigner(
            kind="certificate",
            issuer=self._text(node, "issuer"),
            identities=self._patterns(node, "identity"),
            runner_environment=runner,
            source_repositories=sources,
        )

    def _keys(self, node: Node) -> tuple[str, ...]:
        found = []
        for text in self._texts(node, "sha256"):
            match = _SHA256.fullmatch(text)
            if match is None:
                self.problems.append((_place(node, "sha256"), "sha256 is 64 hex digits (of the public key's DER)"))
            else:
                found.append(match.group(1).lower())
        return tuple(found)

    def _patterns(self, node: Node, key: str) -> tuple[Pattern, ...]:
        found = []
        for text in self._texts(node, key):
            try:
                found.append(compile_pattern(text))
            except ValueError as problem:
                self.problems.append((_place(node, key), f"{key}: {problem}"))
        return tuple(found)

    def _texts(self, node: Node, key: str) -> tuple[str, ...]:
        value = node.get(key)
        if value is not None and value.kind == "sequence" and value.value:
            items = tuple(value)
            if all(isinstance(one.value, str) and one.value for one in items):
                return tuple(one.value for one in items)
            self.problems.append((_place(node, key), f"{key} is a text or a list of texts"))
            return ()
        text = self._text(node, key)
        return (text,) if text else ()

    def _text(self, node: Node, key: str) -> str:
        value = node.get(key)
        if value is None:
            self.problems.append((_place(node), f"{key} is missing"))
            return ""
        if not isinstance(value.value, str) or not value.value:
            self.problems.append((_place(node, key), f"{key} is a text"))
            return ""
        return value.value

    def _one_of(self, node: Node, key: str, words: tuple[str, ...]) -> str:
        text = self._text(node, key)
        if text and text not in words:
            near = get_close_matches(text, words, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(words)}"
            self.problems.append((_place(node, key), f"{key}: no such value {text!r} ({hint})"))
        return text

    def _level(self, key: str) -> int:
        value = self.row.get(key)
        if value is None:
            self._wrong(f"{key} is missing")
            return 0
        if type(value.value) is not int or not 1 <= value.value <= 3:
            self._wrong(f"{key} is a Build level: 1, 2 or 3", key)
            return 0
        return value.value

    def _known_keys(self, node: Node, known: tuple[str, ...]) -> None:
        for key, _ in node.items():
            if key.text not in known:
                self.problems.append((_place(node, key.text), _unknown(key.text, known)))

    def _wrong(self, text: str, *path: str) -> None:
        self.problems.append((_place(self.row, *path), text))

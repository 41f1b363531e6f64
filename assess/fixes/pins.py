"""Which commit a version of an action names: by our own list of releases, or by what the project pins elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from assess._data import data_path
from assess._yaml import load
from assess.errors import ConfigError, InputError
from assess.files import OWN_LIMIT, read_file

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_VERSION = re.compile(r"v?\d{1,6}(?:\.\d{1,6}){0,2}\Z")
_PINNED = re.compile(r"uses:\s*['\"]?([\w.-]+/[\w./-]+)@([0-9a-f]{40})['\"]?[ \t]+#[ \t]*(v?\d[\w.]*)")


@dataclass(frozen=True, slots=True)
class Release:
    """One released version of an action and the commit that its tag names."""

    name: str
    version: str
    commit: str


@dataclass(frozen=True, slots=True)
class Releases:
    """All that is known of versions and commits."""

    known: tuple[Release, ...]
    generator: str
    """The release tag of slsa-github-generator."""

    def commit_of(self, name: str, ref: str) -> Release | None:
        """The newest known release that the tag `ref` stands for: itself, or any of its line (`v4` -> `v4.2.2`)."""
        if not _VERSION.match(ref):
            return None
        wanted = _numbers(ref)
        found = [
            one for one in self.known if one.name == name.lower() and _numbers(one.version)[: len(wanted)] == wanted
        ]
        return max(found, key=lambda one: _numbers(one.version), default=None)


def releases_of(texts: Iterable[str]) -> Releases:
    """Our own list, and the versions that these workflow files pin by commit with the version beside it.

    A project's own pin counts only where all its files agree on the commit of that version.
    """
    ours = _ours()
    own: dict[tuple[str, str], set[str]] = {}
    for text in texts:
        for name, commit, version in _PINNED.findall(text):
            if _VERSION.match(version) and version.count(".") == 2:
                own.setdefault((name.lower(), version), set()).add(commit)
    listed = {(one.name, one.version) for one in ours.known}
    extra = tuple(
        Release(name, version, min(commits))
        for (name, version), commits in sorted(own.items())
        if len(commits) == 1 and (name, version) not in listed
    )
    return Releases((*ours.known, *extra), ours.generator)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.removeprefix("v").split(".") if part.isdigit())


@cache
def _ours() -> Releases:
    path = data_path("levels") / "pins.yaml"
    try:
        root = load(read_file(path, OWN_LIMIT, "list of releases"), str(path))
    except InputError as problem:
        raise ConfigError(problem.message, problem.place) from None
    known = []
    for node in root.get("pins") or ():
        fields = {key.text: value.text for key, value in node.items()}
        if set(fields) != {"name", "version", "commit"} or not _COMMIT.match(fields["commit"]):
            raise ConfigError("a pin has a name, a version and a commit of 40 digits", f"{path}:{node.line}")
        known.append(Release(fields["name"], fields["version"], fields["commit"]))
    generator = root.get("generator")
    return Releases(tuple(known), generator.text if generator is not None else "")

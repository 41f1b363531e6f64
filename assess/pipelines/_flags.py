"""Flags of command lines: their values, and what is left when they are taken out."""

from __future__ import annotations

import re

LOCAL_REGISTRY = re.compile(r"(?:localhost|127\.0\.0\.1|kind-registry|registry\.local|ko\.local|ttl\.sh)(?:[:/]|\Z)")
OFF = frozenset({"false", "0", "off", "disabled", "no", "none"})
_REFERENCE = re.compile(r"\$\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)|\$\w+|%\w+%", re.DOTALL)


def flag(words: tuple[str, ...], *names: str) -> str | None:
    """The last value of a flag, `--name value` or `--name=value`; "true" where it has none; None if it is absent."""
    found = flags(words, *names)
    return found[-1] if found else None


def flags(words: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """All values of a flag, in order."""
    found = []
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name not in names:
            continue
        following = words[at + 1] if at + 1 < len(words) else "-"
        found.append(value if equals else "true" if following.startswith("-") and following != "-" else following)
    return tuple(one if one != "-" else "true" for one in found)


def on(words: tuple[str, ...], *names: str) -> bool:
    """A flag that is given, and not switched off by its value."""
    return any(word.partition("=")[0] in names and word.partition("=")[2].lower() not in OFF for word in words)


def off(words: tuple[str, ...], *names: str) -> bool:
    """A flag that is switched off by its value: `--push=false`."""
    return any(word.partition("=")[0] in names and word.partition("=")[2].lower() in OFF for word in words)


def positional(words: tuple[str, ...], valued: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The words after the program that are no flags; a flag in `valued` takes the word after it along."""
    found: list[str] = []
    at = 1
    while at < len(words):
        word = words[at]
        if word == "--":
            return (*found, *words[at + 1 :])
        if not word.startswith("-") or word == "-":
            found.append(word)
        elif word in valued:
            at += 1
        at += 1
    return tuple(word for word in found if word)


def dry(words: tuple[str, ...]) -> bool:
    """The command is told to change nothing."""
    return (
        any(word in {"--dry-run", "-n", "--dryrun", "--dry"} for word in words)
        or on(words, "--dry-run")
        or any(word.startswith("--dry-run=") and word.partition("=")[2].lower() not in OFF for word in words)
    )


def by_digest(image: str) -> bool | None:
    """The image is named by its digest; False where a tag or nothing is written, None where a variable may hold it."""
    if "@" in image:
        return True
    rest = _REFERENCE.sub("", image)
    last = rest.rpartition("/")[2]
    if ":" in last or not _REFERENCE.search(image):
        return False
    return None

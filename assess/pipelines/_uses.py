"""What a `uses:` names, and how firmly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

from assess._frozen import frozen
from assess.evidence import Source

Pin: TypeAlias = Literal["digest", "tag", "branch", "local", "unknown"]

HEX = re.compile(r"(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\Z")
_AFTER = re.compile("[@=]")
"""Before the version in a comment: `v4`, `tag=v4.1`, `ratchet:actions/setup-go@v4`."""
_HOSTS = ("github.com/", "code.forgejo.org/", "data.forgejo.org/", "gitea.com/")
_VERSION = re.compile(r"v?(\d{1,9})(?:\.\d{1,9})*(?:[-+._][0-9A-Za-z.+-]+)?\Z")


@frozen
class Use:
    """One `uses:`: `name` in lower case without the ref, `ref` as written, `comment` what follows `#` on its line."""

    text: str
    name: str
    ref: str | None
    inputs: Mapping[str, str]
    environment: Mapping[str, str]
    source: Source
    comment: str = ""

    @property
    def major(self) -> int | None:
        """The major version: of the tag, or of the comment beside a digest; None if neither tells."""
        for text in (self.ref or "", *(_AFTER.split(word)[-1] for word in self.comment.split()[:3])):
            if not HEX.match(text) and (match := _VERSION.match(text.rpartition("/")[2])):
                return int(match.group(1))
        return None

    def on(self, name: str) -> bool:
        """The input is literally true."""
        return self.inputs.get(name, "").strip().lower() == "true"

    def off(self, name: str) -> bool:
        """The input is literally false."""
        return self.inputs.get(name, "").strip().lower() == "false"


@lru_cache(maxsize=1_024)
def split(uses: str) -> tuple[str, str | None]:
    """(name in lower case, ref) of a remote `uses`; Forgejo and Gitea may name the host, whose mirrors are the same.

    Names that are not ASCII stay as they are: none exists on GitHub, and lower case would make some of them look right.
    """
    name, at, ref = uses.strip().removeprefix("https://").partition("@")
    if name.startswith(_HOSTS):
        name = name.partition("/")[2]
    name = name.rstrip("/")
    return name.lower() if name.isascii() else name, ref if at else None


@lru_cache(maxsize=1_024)
def pin(uses: str) -> Pin:
    """How firmly a `uses` names its content; no ref, or an image without tag, counts as a branch."""
    if uses.startswith(("./", "$/", "../")):
        return "local"
    if "${{" in uses:
        return "unknown"
    if uses.startswith("docker://"):
        name = uses.removeprefix("docker://")
        if "@sha256:" in name:
            return "digest"
        return "tag" if ":" in name.rpartition("/")[2] and not name.endswith(":latest") else "branch"
    _, ref = split(uses)
    if not ref:
        return "unknown"
    if HEX.match(ref):
        return "digest"
    if ref.startswith(("refs/heads/", "heads/")):
        return "branch"
    return "tag" if ref.startswith(("refs/tags/", "tags/")) or _VERSION.match(ref) else "branch"

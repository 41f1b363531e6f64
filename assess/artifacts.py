"""Artifacts: a file or a digest that a level can belong to, known by its digests."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from assess._frozen import frozen
from assess.errors import InputError, NoInputError
from assess.evidence import Digest, Source, Subject
from assess.files import open_file, reason_of

ALGORITHMS = ("sha256", "sha384", "sha512")
"""The algorithms that an artifact is matched by; all three are computed of a file in one pass."""

_GIVEN = re.compile(r"(sha256|sha384|sha512):([0-9a-fA-F]+)")
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


@frozen
class Artifact:
    """An artifact as its digests; `file` is None where only a digest was given."""

    subject: Subject
    file: Path | None = None


def read_artifact(text: str, name: str | None = None, folder: Path = Path()) -> Artifact:
    """An artifact from `FILE`, `sha256:<hex>`, `sha384:<hex>` or `sha512:<hex>`; relative to `folder`.

    Raises NoInputError where the file is missing, InputError for a malformed digest.
    """
    given = _GIVEN.fullmatch(text)
    if given is None and re.match(r"(sha\d+|md5):", text):
        raise InputError(
            f"not a digest that an artifact is matched by: {text[:80]!r}",
            hint="give sha256:<64 hex>, sha384:<96 hex> or sha512:<128 hex>, or the file",
        )
    if given is not None:
        algorithm, value = given.groups()
        if len(value) != _LENGTHS[algorithm]:
            raise InputError(
                f"a {algorithm} digest has {_LENGTHS[algorithm]} hexadecimal digits (got {len(value)})",
                hint="was the digest cut off when it was copied?",
            )
        return Artifact(Subject(name or text, (Digest(algorithm, value.lower()),)))
    file = folder / text
    return Artifact(Subject(name or file.name, _digests(file), Source(text)), file)


def _digests(file: Path) -> tuple[Digest, ...]:
    hashes = [hashlib.new(algorithm) for algorithm in ALGORITHMS]
    try:
        with open_file(file, "artifact") as stream:
            while block := stream.read(1 << 20):
                for one in hashes:
                    one.update(block)
    except OSError as problem:
        raise NoInputError(f"cannot read the artifact ({reason_of(problem)})", str(file), "check the path") from None
    return tuple(Digest(algorithm, one.hexdigest()) for algorithm, one in zip(ALGORITHMS, hashes, strict=True))

"""Builder ids of the form NAME or NAME@VERSION, with the matching that slsa-verifier gives them."""

from __future__ import annotations

from assess.attestations.git import ref_name, semantic_version


def builder_id_problem(found: str, expected: str, *, full: bool = False, allow_ref: bool = True) -> str | None:
    """Why a builder id is not the expected one; None where it is.

    The names must be equal. The version (after `@`) counts where `expected` has one, or always with `full`. With
    `allow_ref`, `@v1.2.3` also stands for `@refs/tags/v1.2.3`.
    """
    actual, wanted = parse_builder_id(found), parse_builder_id(expected)
    if wanted is None:
        return f"not a builder id: {expected[:120]!r} (expected NAME or NAME@VERSION)"
    if actual is None:
        return "the predicate's builder.id is not of the form NAME or NAME@VERSION"
    if actual[0] != wanted[0]:
        return "another builder"
    same = wanted[1] == actual[1] or (allow_ref and f"refs/tags/{wanted[1]}" == actual[1])
    return None if same or not (wanted[1] or full) else "another version of the builder"


def parse_builder_id(text: str, *, need_version: bool = False) -> tuple[str, str] | None:
    """Name and version ("" if none) of `NAME` or `NAME@VERSION`; None for anything else."""
    match text.split("@"):
        case [name, version] if version:
            return name, version
        case [name] if not need_version:
            return name, ""
        case _:
            return None


def valid_builder_tag(ref: str, *, suffix: str = "") -> bool:
    """Whether a ref is `refs/tags/vX.Y.Z`, with no metadata but the given `suffix` (JReleaser: `java`)."""
    name = ref_name("tags", ref)
    found = semantic_version(name) if name is not None else None
    return found is not None and found.patch is not None and found.pre_release == suffix and not found.build

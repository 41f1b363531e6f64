"""Git URIs and refs as provenance writes them, with the reading that slsa-verifier gives them."""

from __future__ import annotations

import re

from assess._frozen import frozen

_NUMBER = r"(0|[1-9][0-9]*)"
_LABELS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"v{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER}(?:-({_LABELS}))?(?:\+({_LABELS}))?)?)?")
_OWNER_AND_NAME = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+")


def normalize_git_uri(uri: str) -> str:
    """`uri` with `git+` before it, and `https://` where it has no scheme; nothing else is changed."""
    if uri.startswith("git+"):
        return uri
    return f"git+{uri}" if "://" in uri else f"git+https://{uri}"


def split_git_uri(uri: str) -> tuple[str, str] | None:
    """Repository and ref ("" if none) of `git+scheme://host/path@ref`; None where it is no git URI."""
    if not uri.startswith("git+"):
        return None
    # An @ before the path belongs to the authority (git+ssh://git@host/path).
    scheme = uri.find("://")
    path = uri.find("/", scheme + 3) if scheme >= 0 else 0
    mark = uri.find("@", max(path, 0))
    return (uri, "") if mark < 0 else (uri[:mark], uri[mark + 1 :])


def parse_git_ref(ref: str) -> tuple[str, str]:
    """Type and name of a ref: `refs/heads/a/b` is (`heads`, `a/b`), anything else (``, ref)."""
    parts = ref.split("/", 2)
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "refs" else ("", ref)


def ref_name(kind: str, ref: str) -> str | None:
    """The name of a ref of this type (`heads`, `tags`); None where the ref is of another type or nameless."""
    found, name = parse_git_ref(ref)
    return name if found == kind and name else None


def repository_uri(text: str) -> str:
    """A repository as certificates and environments name it (`owner/name` on GitHub, or a URL), as a git URI."""
    return normalize_git_uri(f"https://github.com/{text}" if _OWNER_AND_NAME.fullmatch(text) else text)


def versioned_tag_problem(tag: str, expected: str) -> str | None:
    """Why `tag` is not of the version line `expected` (`v1`, `v1.2`, `v1.2.3`, `v1.2.3-rc.1`); None where it is.

    Only the parts that `expected` names are compared; a patch is named with its pre-release; build metadata (`+...`)
    never counts. A tag without minor or patch has zeros there.
    """
    wanted, found = semantic_version(expected), semantic_version(tag)
    if wanted is None:
        return f"not a semantic version: {expected[:80]!r} (expected v1, v1.2 or v1.2.3)"
    if found is None:
        return f"the tag is not a semantic version: {tag[:80]!r}"
    if wanted.major != found.major:
        return "another major version"
    if wanted.minor is not None and wanted.minor != (found.minor or "0"):
        return "another minor version"
    if wanted.patch is None:
        return None
    if wanted.patch != (found.patch or "0"):
        return "another patch version"
    return None if wanted.pre_release == found.pre_release else "another pre-release"


@frozen
class SemanticVersion:
    """A version as Go reads it: `v` and up to three numbers, None for those left out; labels only after all three."""

    major: str
    minor: str | None
    patch: str | None
    pre_release: str
    build: str


def semantic_version(text: str) -> SemanticVersion | None:
    """A version such as v1, v1.2, v1.2.3-rc.1+build; None for anything else."""
    found = _VERSION.fullmatch(text)
    return SemanticVersion(found[1], found[2], found[3], found[4] or "", found[5] or "") if found else None

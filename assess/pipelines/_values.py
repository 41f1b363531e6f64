"""Values of YAML pipelines: plain texts of nodes, how firmly images and refs are pinned, what names of secrets say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from assess import _yaml
from assess._yaml import Documents, Node
from assess.errors import InputError
from assess.evidence import Parameter, Source

if TYPE_CHECKING:
    from assess.pipelines._reader import Reading

Pin: TypeAlias = Literal["digest", "tag", "branch", "local", "unknown"]
ImagePin: TypeAlias = Literal["digest", "tag", "branch", "unknown"]
SecretKind: TypeAlias = Literal["signing-key", "publish-token", "other"]

_HEX = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_VERSION = re.compile(r"v?\d{1,9}(?:\.\d{1,9})*(?:[-+._][0-9A-Za-z.+-]+)?\Z")
_CONFLICT = re.compile(rb"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
_MOVING = frozenset({"", "latest", "edge", "nightly", "main", "master", "stable", "dev", "next"})
_SIGNING = re.compile(r"COSIGN|SIGSTORE|SIGNING|GPG|PGP|NOTATION|MINISIGN|KEYSTORE|SLSA.*KEY", re.IGNORECASE)
_PUBLISHING = re.compile(
    r"NPM|NODE_AUTH|PYPI|TWINE|CARGO|CRATES|NUGET|RUBYGEMS|GEM_HOST|DOCKER|REGISTRY|QUAY|GHCR|ARTIFACTORY|SONATYPE"
    r"|OSSRH|NEXUS|GITHUB_TOKEN|GH_TOKEN|GITHUB_ACCESS|BINTRAY|RELEASE|PUBLISH|HEX_API|HARBOR",
    re.IGNORECASE,
)


def documents_of(data: bytes, path: str, splice: bool = False, repeat: bool = False) -> Documents:
    """The YAML documents of a file. Raises InputError as `_yaml.read`, with a hint at merge conflicts."""
    try:
        return _yaml.read(data, path, splice, repeat)
    except InputError as error:
        line = conflict_line(data)
        if line is None:
            raise
        raise InputError(
            "merge conflict markers (<<<<<<<, =======, >>>>>>>) are left in the file", f"{path}:{line}"
        ) from error


def conflict_line(data: bytes) -> int | None:
    """The line of the first merge conflict marker; None if there is none, or only what could be one."""
    found = _CONFLICT.search(data)
    if found is None or not re.search(rb"^>{7} ", data, re.MULTILINE):
        return None
    return data.count(b"\n", 0, found.start()) + 1


def one_mapping(
    data: bytes, path: str, what: str, reading: Reading | None = None, splice: bool = False, repeat: bool = False
) -> Node:
    """The one mapping of a file. Raises InputError if it is empty, no mapping or several documents."""
    documents = documents_of(data, path, splice, repeat)
    roots = [one for one in documents.roots if not (one.kind == "scalar" and one.value is None)]
    if not roots:
        raise InputError(f"the {what} is empty", path)
    root = roots[0]
    if root.kind != "mapping" or len(roots) > 1:
        got = f"{len(roots)} documents" if len(roots) > 1 else f"a {root.kind}"
        raise InputError(f"not a {what} (got {got}, expected one mapping)", f"{path}:{root.line}:{root.column}")
    if reading is not None:
        for problem in documents.problems:
            reading.note(problem.source, problem.text)
    return root


def first_line(node: Node) -> Source:
    """The place of a scalar's first line of text: a block begins on the line after its mark."""
    return replace(node.source, line=node.line + 1, column=None) if node.style in {"|", ">"} else node.source


def scalars(node: Node | None) -> tuple[Node, ...]:
    """A scalar, or the scalars of a list (lists in lists, as aliases give them, flattened); () for anything else."""
    if node is None:
        return ()
    if node.kind == "scalar":
        return (node,) if node.text else ()
    return tuple(one for item in node for one in scalars(item)) if node.kind == "sequence" else ()


def words(node: Node | None) -> tuple[str, ...]:
    """The texts of `scalars`."""
    return tuple(one.text for one in scalars(node))


def texts(node: Node | None) -> dict[str, str]:
    """A mapping of scalars as text; anything nested is left out."""
    return {} if node is None else {key.text: value.text for key, value in node.items() if value.kind == "scalar"}


def text(node: Node | None) -> str | None:
    """A scalar's text; None if it is absent, empty or no scalar."""
    return node.text if node is not None and node.kind == "scalar" and node.text else None


def truth(node: Node | None) -> bool | None:
    """A boolean; False if absent, None if it is anything else."""
    if node is None:
        return False
    return node.value if isinstance(node.value, bool) else None


def inputs_of(values: Mapping[str, str]) -> tuple[Parameter, ...]:
    """Inputs of a step as evidence."""
    return tuple(Parameter(name, value) for name, value in values.items())


def image_pin(image: str) -> ImagePin:
    """How firmly an image is named; no tag, or one that moves by convention, counts as a branch."""
    if re.search(r"@sha(?:256|512):[0-9a-f]{64,128}\Z", image):
        return "digest"
    if any(mark in image for mark in ("$", "{{", "<<", "%")):
        return "unknown"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "branch" if tag in _MOVING else "tag"


def ref_pin(ref: str | None) -> Pin:
    """How firmly a git ref names its content: a commit, a version, or what moves."""
    if not ref:
        return "branch"
    if any(mark in ref for mark in ("$", "{{", "<<")):
        return "unknown"
    if _HEX.match(ref):
        return "digest"
    return "tag" if ref.startswith("refs/tags/") or _VERSION.match(ref) else "branch"


def secret_kind(name: str) -> SecretKind | None:
    """What a secret's name says it is for; None where it does not tell."""
    if _SIGNING.search(name):
        return "signing-key"
    return "publish-token" if _PUBLISHING.search(name) else None

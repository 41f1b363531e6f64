"""What a recognised buildType says of a build: source, commit, entry point, trigger, inputs, as data in
`levels/buildtypes.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

from assess._frozen import frozen
from assess.attestations._json import Node, compact, shown
from assess.attestations.git import normalize_git_uri, split_git_uri
from assess.errors import ConfigError
from assess.evidence import Parameter, Process

Version = Literal["v1", "v0.2", "v0.1"]
_PARTS: dict[str, dict[str, str]] = {
    "v1": {
        "external": "buildDefinition/externalParameters",
        "internal": "buildDefinition/internalParameters",
        "dependencies": "buildDefinition/resolvedDependencies",
    },
    "v0.2": {
        "external": "invocation/parameters",
        "internal": "invocation/environment",
        "config": "invocation/configSource",
        "dependencies": "materials",
    },
    "v0.1": {
        "external": "recipe/arguments",
        "internal": "recipe/environment",
        "config": "recipe",
        "dependencies": "materials",
    },
}
_WORKFLOW = re.compile(r"([\w.-]+/[\w.-]+)/(\.github/workflows/[^@]+)@(.+)")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@frozen
class SourcePlace:
    """One place of a predicate that names the source repository."""

    at: str
    form: Literal["git", "workflow", "gcb", "fragment"] = "git"
    ref: str | None = None
    prefix: str = ""
    ref_optional: bool = False
    own_ref: bool = False


@frozen
class BuildType:
    """One entry of buildtypes.yaml; see the comment at the head of that file."""

    name: str
    types: tuple[str, ...]
    predicate: Version | None = None
    hosts: str = ""
    same_run: bool = False
    source: tuple[SourcePlace, ...] = ()
    commit: tuple[str, ...] = ()
    entry_point: tuple[str, ...] = ()
    trigger: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    required: tuple[str, ...] = ()


@frozen
class Meaning:
    """What a buildType makes of one predicate."""

    process: Process
    parameters_complete: bool | None
    notes: tuple[str, ...] = ()


def meaning_of(build_type: str, version: Version, predicate: Node) -> Meaning:
    """The process that a predicate describes, by its buildType (spec 5.5).

    `recognised` is True where the type is known and source, entry point and required parameters are all named
    without contradiction, False where the type is known and one of them is not, None where the type is unknown.
    """
    entry = find(build_type, version)
    if entry is None or not entry.source:
        return Meaning(Process(name=entry.name if entry else None), None)
    notes: list[str] = []
    uri, ref, commit_in_uri = _source(entry, version, predicate, notes)
    missing = tuple(path for path in entry.required if _empty(_at(predicate, version, path)))
    notes += [f"the buildType requires {path}, which is missing" for path in missing]
    entry_point = _entry_point(entry.entry_point, version, predicate)
    workflow = _WORKFLOW.fullmatch(entry_point)
    process = Process(
        recognised=bool(uri and entry_point and not missing),
        name=entry.name,
        source_uri=uri,
        source_ref=ref,
        source_commit=_commit(entry, version, predicate, commit_in_uri, notes),
        entry_point=workflow[2] if workflow else entry_point,
        trigger=_first_text(entry.trigger, version, predicate),
        inputs=None if entry.inputs is None else _inputs(entry.inputs, version, predicate),
    )
    return Meaning(process, not missing, tuple(notes))


def find(build_type: str, version: Version) -> BuildType | None:
    """The entry for a buildType in predicates of this version; None where there is none."""
    for entry in load_build_types():
        if entry.predicate in (None, version) and any(_matches(pattern, build_type) for pattern in entry.types):
            return entry
    return None


def source_is_run(build_type: str) -> bool:
    """Whether predicates of this buildType name as their source the repository whose pipeline ran."""
    return any(
        entry.same_run and any(_matches(pattern, build_type) for pattern in entry.types) for entry in load_build_types()
    )


def parameters(node: Node) -> tuple[Parameter, ...]:
    """The members of an object as parameters; any other value as one parameter of the member's own name."""
    match node.value:
        case None:
            return ()
        case dict() as members:
            return tuple(Parameter(name, compact(value)) for name, value in members.items())
        case value:
            return (Parameter(node.pointer.rpartition("/")[2], compact(value)),)


def _matches(pattern: str, build_type: str) -> bool:
    if "*" not in pattern:
        return pattern == build_type
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), build_type) is not None


def _at(predicate: Node, version: Version, path: str) -> Node:
    """The value at a path of buildtypes.yaml; its value is None where the predicate has no such place."""
    head, _, rest = path.partition("/")
    node = predicate
    for key in _PARTS[version][head].split("/"):
        node = node.get(key)
    for key in rest.split("/") if rest else ():
        node = _element(node, key) if isinstance(node.value, list) else node.get(key)
    return node


def _element(node: Node, key: str) -> Node:
    for index, item in enumerate(node.elements()):
        named, uri = item.get("name").value, item.get("uri").value
        if key == str(index) or (key == "git" and isinstance(uri, str) and uri.startswith("git+")):
            return item
        if key.startswith("name=") and named == key[5:]:
            return item
    return Node(None, node.path, f"{node.pointer}/{key}")


def _empty(node: Node) -> bool:
    return node.value is None or node.value in ("", [], {})


def _text(node: Node) -> str:
    return node.value if isinstance(node.value, str) else ""


def _first_text(paths: tuple[str, ...], version: Version, predicate: Node) -> str:
    return next(filter(None, (_text(_at(predicate, version, path)) for path in paths)), "")


def _entry_point(paths: tuple[str, ...], version: Version, predicate: Node) -> str:
    """The first text; where steps came with the request itself, that they did: they are recorded in full."""
    for node in (_at(predicate, version, path) for path in paths):
        if isinstance(node.value, list) and node.value:
            return f"{len(node.value)} steps given with the request"
        if _text(node):
            return _text(node)
    return ""


def _inputs(paths: tuple[str, ...], version: Version, predicate: Node) -> tuple[Parameter, ...]:
    return next(filter(None, (parameters(_at(predicate, version, path)) for path in paths)), ())


def _source(entry: BuildType, version: Version, predicate: Node, notes: list[str]) -> tuple[str, str, str]:
    """URI, ref and commit (from the URI) of the source; "" each where the places do not name one source."""
    uri = ref = commit = ""
    for place in entry.source:
        text = _text(_at(predicate, version, place.at))
        found_uri, found_ref, found_commit = _parse(text, place.form)
        if place.ref is not None:
            separate = _text(_at(predicate, version, place.ref))
            found_ref = place.prefix + separate if separate else found_ref
        problem = _problem(entry, place, text, (uri, ref), (found_uri, found_ref))
        if problem:
            notes.append(problem)
            return "", "", ""
        uri, commit = found_uri, found_commit or commit
        ref = found_ref if place.own_ref else found_ref or ref
    return uri, ref, commit


def _problem(
    entry: BuildType, place: SourcePlace, text: str, known: tuple[str, str], found: tuple[str, str]
) -> str | None:
    if not found[0]:
        return f"no source repository at {place.at} (got {shown(text)})"
    if not found[0].startswith(entry.hosts):
        return f"the source at {place.at} is not under {entry.hosts} (got {shown(found[0])})"
    if not found[1] and not place.ref_optional:
        return f"no ref at {place.at} (got {shown(text)})"
    if known[0] and known[0] != found[0]:
        return f"the predicate names two sources: {shown(known[0])} and, at {place.at}, {shown(found[0])}"
    if known[1] and found[1] and known[1] != found[1]:
        return f"the predicate names two refs: {shown(known[1])} and, at {place.at}, {shown(found[1])}"
    return None


def _parse(text: str, form: str) -> tuple[str, str, str]:
    """URI, ref, commit of one source place; "" for what it does not hold."""
    text = text.strip()
    if not text:
        return "", "", ""
    match form:
        case "workflow":
            workflow = _WORKFLOW.fullmatch(text)
            return (f"git+https://github.com/{workflow[1]}", workflow[3], "") if workflow else ("", "", "")
        case "gcb":
            text, _, _ = text.partition("#")
            text, _, commit = text.partition("/commit/")
            if text.startswith("gs://"):
                return text, "", ""
            return *(split_git_uri(normalize_git_uri(text)) or ("", "")), commit
        case "fragment":
            text, _, fragment = text.partition("#")
            return normalize_git_uri(text), fragment.partition(":")[0], ""
        case _:
            return *(split_git_uri(normalize_git_uri(text)) or ("", "")), ""


def _commit(entry: BuildType, version: Version, predicate: Node, in_uri: str, notes: list[str]) -> str:
    found = [in_uri] if in_uri else []
    for path in entry.commit:
        found += _commits(_at(predicate, version, path))
    if len(set(found)) > 1:
        notes.append(f"the predicate names more than one source commit: {', '.join(sorted(set(found)))}")
        return ""
    return found[0] if found else ""


def _commits(node: Node) -> Iterator[str]:
    match node.value:
        case str() as text:
            values: tuple[Any, ...] = (text,)
        case {"gitCommit": value} | {"sha1": value}:
            values = (value,)
        case dict() as digests:
            # A 40-digit value is a commit whatever key it stands under; a 64-digit sha256 is more likely a file's.
            values = tuple(value for value in digests.values() if isinstance(value, str) and len(value) == 40)
        case _:
            values = ()
    yield from (value for value in values if isinstance(value, str) and _COMMIT.fullmatch(value))


@cache
def load_build_types() -> tuple[BuildType, ...]:
    """The entries of `levels/buildtypes.yaml`, read once. Raises ConfigError where that file is not as it says."""
    import yaml

    path = _file()
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
        return tuple(_entry(item) for item in entries)
    except (OSError, yaml.YAMLError, TypeError, AttributeError, KeyError) as error:
        raise ConfigError(f"the buildTypes cannot be loaded: {error}", str(path)) from None


def _entry(item: dict[str, Any]) -> BuildType:
    fields: dict[str, Any] = {
        key.replace("-", "_"): tuple(value) if isinstance(value, list) else value for key, value in item.items()
    }
    places = (
        SourcePlace(**{key.replace("-", "_"): value for key, value in place.items()})
        for place in fields.get("source", ())
    )
    fields["source"] = tuple(places)
    return BuildType(**fields)


def _file() -> Path:
    package = Path(__file__).parents[1]
    installed = package / "_data" / "levels" / "buildtypes.yaml"
    return installed if installed.is_file() else package.parent / "levels" / "buildtypes.yaml"

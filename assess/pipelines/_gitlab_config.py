"""A GitLab configuration put together from its files: headers with inputs, `include`, and what is not here noted.

https://docs.gitlab.com/ci/yaml/includes/. Steps (each tagged in the code):
    1. documents: a header (`spec`) and the configuration
    2. interpolation of included files: `$[[ inputs.x | function ]]` by the values given, or the defaults
    3. includes in order, then the file itself on top; mappings merge, all else is replaced
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assess import _yaml
from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import ExternalParameter, Include, Source
from assess.pipelines._gitlab_globs import matching
from assess.pipelines._reader import Reading
from assess.pipelines._values import Pin, documents_of, ref_pin, text

MAX_INCLUDES = 150
_PATCHED = re.compile(r"v?\d+\.\d+\.\d+")
_OWN = re.compile(r"\$\{?CI_SERVER_(?:FQDN|HOST)\}?/\$\{?CI_PROJECT_PATH\}?/([\w-]+)@\$\{?CI_COMMIT_SHA\}?\Z")
_BLOCK = re.compile(r"\$\[\[\s*(.*?)\s*\]\]", re.DOTALL)
_TRUNCATE = re.compile(r"truncate\(\s*(\d{1,6})\s*,\s*(\d{1,6})\s*\)\Z")


@dataclass(slots=True)
class Files(Reading):
    """A reading of one GitLab pipeline with all its files."""

    missing: list[Include] = field(default_factory=list)
    """What it includes and is not here."""
    conditional: dict[str, str] = field(default_factory=dict)
    """Files that are included only where a rule holds, with the rule."""
    references: bool = False
    """Some file uses `!reference`."""
    count: int = 0


def load(files: Files, path: str, data: bytes, given: Mapping[str, Node] | None, stack: tuple[str, ...] = ()) -> Node:
    """One file with all that it includes, as one mapping; `given` are the inputs, None for the pipeline's own file.

    Raises InputError if the file is not YAML, or no mapping.
    """
    # 1. header and configuration
    documents = documents_of(data, path)
    for problem in documents.problems:
        files.note(problem.source, problem.text)
    files.references = files.references or b"!reference" in data
    roots = documents.roots
    header = roots[0] if roots and roots[0].kind == "mapping" and roots[0].get("spec") is not None else None
    body = roots[1] if header is not None and len(roots) > 1 else roots[0] if roots and header is None else None
    if len(roots) > (1 if header is None else 2):
        files.note(roots[-1].source, f"got {len(roots)} documents, expected a header and one configuration")
    if body is None or body.value is None:
        files.note(header.source if header is not None else Source(path, 1, 1), "the configuration is empty")
        return Node("mapping", {}, path, 1, 1, keys={})
    if body.kind != "mapping":
        raise InputError(f"not a GitLab configuration (got a {body.kind}, expected a mapping)", f"{path}:{body.line}")
    # 2. inputs
    if header is not None or b"$[[" in data:
        body = _Interpolation(files, _inputs(files, header, given), given is not None).walk(body)
    # 3. includes
    merged: Node | None = None
    for entry in _entries(body.get("include")):
        for one in _include(files, entry, (*stack, path)):
            merged = one if merged is None else merge(merged, one)
    return body if merged is None else merge(merged, body)


def merge(under: Node, over: Node) -> Node:
    """Mappings merged key by key, `over` winning; anything else is replaced."""
    if under.kind != "mapping" or over.kind != "mapping" or under.tag or over.tag:
        return over
    values, keys = dict(under.value), dict(under.keys or {})
    for key, value in over.items():
        values[key.text] = merge(values[key.text], value) if key.text in values else value
        keys[key.text] = key
    return replace(over, value=values, keys=keys)


@dataclass(frozen=True, slots=True)
class _Input:
    value: Node | None
    declared: bool = True


def _inputs(files: Files, header: Node | None, given: Mapping[str, Node] | None) -> dict[str, _Input]:
    spec = header.get("spec") if header is not None else None
    declared = spec.get("inputs") if spec is not None else None
    found: dict[str, _Input] = {}
    if declared is not None:
        for key, node in declared.items():
            # Whoever starts the pipeline chooses the inputs of its own file: their defaults are no facts.
            found[key.text] = _Input(None if given is None else given.get(key.text) or node.get("default"))
            if given is None:
                files.parameters.append(ExternalParameter(key.source, key.text, "input"))
    for name, value in (given or {}).items():
        if name not in found:
            files.note(value.source, f"input {name[:60]!r} is not one of the included file's")
    return found


@dataclass(slots=True)
class _Interpolation:
    """Fills in inputs, leaving what has no value as it is written."""

    files: Files
    inputs: Mapping[str, _Input]
    included: bool
    seen: dict[int, Node] = field(default_factory=dict)

    def walk(self, node: Node) -> Node:
        if id(node) in self.seen:
            return self.seen[id(node)]
        made = self._walk(node)
        self.seen[id(node)] = made
        return made

    def _walk(self, node: Node) -> Node:
        match node.kind:
            case "scalar":
                return self._scalar(node) if "$[[" in node.text else node
            case "sequence":
                return replace(node, value=tuple(self.walk(one) for one in node.value))
            case "mapping":
                pairs = [(self.walk(key), self.walk(value)) for key, value in node.items()]
                return replace(
                    node, value={key.text: value for key, value in pairs}, keys={key.text: key for key, _ in pairs}
                )

    def _scalar(self, node: Node) -> Node:
        whole = _BLOCK.fullmatch(node.text.strip())
        if whole is not None and "|" not in whole.group(1):
            value = self._value(node, whole.group(1))
            if value is None:
                return node
            here = replace(value, path=node.path, line=node.line, column=node.column)
            return here if value.kind == "scalar" else value
        written = _BLOCK.sub(lambda found: self._text(node, found), node.text)
        return replace(node, value=written, text=written)

    def _value(self, node: Node, name: str) -> Node | None:
        kind, _, rest = name.partition(".")
        if kind != "inputs":
            return None  # `component.sha` and the like: known to GitLab alone
        found = self.inputs.get(rest)
        if found is None:
            self.files.note(node.source, f"`$[[ {name[:60]} ]]` names no input of this file")
        elif found.value is None and self.included:
            self.files.note(node.source, f"input {rest[:60]!r} is given no value")
        return found.value if found is not None else None

    def _text(self, node: Node, found: re.Match[str]) -> str:
        name, *functions = (part.strip() for part in found.group(1).split("|"))
        value = self._value(node, name)
        if value is None:
            return found.group(0)
        written = value.text if value.kind == "scalar" else str(_yaml.plain(value))
        for function in functions:
            if (cut := _TRUNCATE.match(function)) is not None:
                written = written[int(cut.group(1)) :][: int(cut.group(2))]
            elif function not in {"expand_vars", "posix_escape"}:
                self.files.note(node.source, f"unknown function {function[:40]!r} of an input")
        return written


def _entries(node: Node | None) -> tuple[Node, ...]:
    if node is None or node.value is None:
        return ()
    return tuple(node) if node.kind == "sequence" else (node,)


def _include(files: Files, entry: Node, stack: tuple[str, ...]) -> list[Node]:
    """The files of one `include` entry that are here; the others are noted."""
    kind, reference, place = include_name(entry)
    if kind is None:
        files.note(entry.source, "an include names neither local, project, remote, template, component nor artifact")
        return []
    own = _own_component(files, reference) if kind == "component" else None
    if own is not None:
        return local_files(files, entry, place, own, stack)
    if kind != "local":
        found = Include(place.source, reference, kind, include_pin(kind, entry), False)
        files.includes[found] = None
        files.missing.append(found)
        return []
    return local_files(files, entry, place, reference, stack)


def _own_component(files: Files, reference: str) -> str | None:
    """The file of a component of this very project, as its pipelines test it; None for any other."""
    found = _OWN.match(reference)
    if found is None:
        return None
    names = (f"templates/{found.group(1)}.yml", f"templates/{found.group(1)}/template.yml")
    return next((name for name in names if files.folder.read(name) is not None), None)


def include_name(entry: Node) -> tuple[str | None, str, Node]:
    """(kind, reference as written with its version, place) of an include."""
    if entry.kind == "scalar":
        remote = re.match(r"https?://", entry.text)
        return ("remote" if remote else "local"), entry.text, entry
    if (project := entry.get("project")) is not None:
        ref = text(entry.get("ref"))
        file = entry.get("file")
        names = ",".join(one.text for one in (file if file is not None and file.kind == "sequence" else (file,)) if one)
        return "project", f"{project.text}//{names}" + (f"@{ref}" if ref else ""), project
    for kind in ("component", "template", "remote", "local"):
        if (node := entry.get(kind)) is not None:
            return kind, node.text, node
    if (artifact := entry.get("artifact")) is not None:
        return "artifact", f"{artifact.text} of job {text(entry.get('job')) or '?'}", artifact
    return None, "", entry


def flag(node: Node | None, absent: bool | None = False) -> bool | None:
    """A boolean, plain or as text; `absent` if it is not there, None if it is anything else."""
    if node is None:
        return absent
    if isinstance(node.value, bool):
        return node.value
    return {"true": True, "false": False}.get(node.text.strip().lower())


def include_pin(kind: str, entry: Node) -> Pin:
    """How firmly an include names its content."""
    if kind == "remote":
        integrity = text(entry.get("integrity")) or ""
        return "digest" if integrity.startswith("sha256-") else "branch"
    ref = text(entry.get("ref")) if kind == "project" else None
    if kind == "component":
        ref = (text(entry.get("component")) or "").rpartition("@")[2]
        if ref.startswith("~"):
            return "branch"
    if kind in {"template", "artifact"}:
        return "unknown" if kind == "artifact" else "tag"  # GitLab's own templates move with its release
    pin = ref_pin(ref)
    partial = kind == "component" and pin == "tag" and not _PATCHED.match(ref or "")
    return "branch" if partial else pin  # `@1` and `@1.2` follow the newest release


def local_files(files: Files, entry: Node, place: Node, reference: str, stack: tuple[str, ...]) -> list[Node]:
    """The local files that a path or pattern names, each with what it includes."""
    pattern = reference.strip().lstrip("/")
    dynamic = "$" in pattern
    names = () if dynamic else matching(files.folder, pattern)
    found: list[Node] = []
    for name in names:
        root = _local(files, name, place, entry, stack)
        if root is not None:
            found.append(root)
    include = Include(place.source, reference, "local", "local", bool(found))
    files.includes[include] = None
    if not found:
        why = "its name depends on a variable" if dynamic else "it was not found here"
        files.note(place.source, f"the included file `{reference[:100]}` was not read: {why}")
        files.missing.append(include)
    return found


def _local(files: Files, name: str, place: Node, entry: Node, stack: tuple[str, ...]) -> Node | None:
    if name in stack:
        files.note(place.source, f"the included file `{name[:100]}` includes itself")
        return None
    files.count += 1
    if files.count > MAX_INCLUDES:
        files.note(place.source, f"more than {MAX_INCLUDES} included files: the rest was not read")
        return None
    try:
        data = files.folder.read(name)
        if data is None:
            return None
        inputs = entry.get("inputs")
        given = {key.text: value for key, value in inputs.items()} if inputs is not None else {}
        root = load(files, name, data, given, stack)
    except InputError as error:
        files.note(place.source, f"could not be read: {error}")
        return None
    files.follows.append(name)
    if (rules := entry.get("rules")) is not None:
        clauses = dict.fromkeys(clause for rule in rules if (clause := text(rule.get("if"))))
        files.conditional[name] = "; ".join(clauses) or "rules"
    return root

"""The project's own scripts that a command names: `make X`, `npm run X`, `./x.sh`, `just X`, `task X`, as text to read.

It finds and reads, inside the project's folder only, and hands out pieces of shell text with their places; what they
do is told by `_commands`. Nothing is run. Limits: depth of calls, number of pieces and characters per project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from assess import _yaml
from assess._frozen import frozen, replace
from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import Source
from assess.pipelines._files import Folder
from assess.pipelines._json_nodes import read_json
from assess.pipelines._justfile import SHELLS, read_justfile, recipes_of
from assess.pipelines._makefile import MAX_DEPTH as MAKE_DEPTH
from assess.pipelines._makefile import MAX_TARGETS, Makefile, read_call, read_makefile
from assess.pipelines._shell import MAX_LENGTH

MAX_DEPTH = 8
MAX_PIECES = 5_000
MAX_CHARACTERS = 5_000_000

_ROOTS = re.compile(
    r"(?:\$\{?(?:GITHUB_WORKSPACE|CI_PROJECT_DIR|BUILD_SOURCESDIRECTORY|CIRCLE_WORKING_DIRECTORY|WORKSPACE|PWD|CODEBUILD_SRC_DIR"
    r"|BUILDKITE_BUILD_CHECKOUT_PATH|TRAVIS_BUILD_DIR|DRONE_WORKSPACE|BITBUCKET_CLONE_DIR)\}?|\$\{\{\s*github\.workspace\s*\}\}"
    r"|\$\(git rev-parse --show-toplevel\)|\$\(Build\.SourcesDirectory\)|/workspace(?=/|\Z))/?"
)
_HERE = re.compile(r"\$\(pwd\)/|\$\{?PWD\}?/")
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_TASKFILES = (
    "Taskfile.yml", "taskfile.yml", "Taskfile.yaml", "taskfile.yaml", "Taskfile.dist.yml", "Taskfile.dist.yaml",
)  # fmt: skip
_JUSTFILES = ("justfile", "Justfile", ".justfile")


@frozen
class Piece:
    """Shell text of the project: where its first line stands, and where it runs."""

    text: str
    source: Source
    directory: str | None = ""
    """Relative to the project's root; None where that cannot be told."""
    tolerated: bool = False
    key: str = ""
    """What it is the text of, so that something that calls itself is read once."""
    shell: str | None = None


@dataclass(slots=True)
class Follower:
    """Reads the scripts of one project, within limits that all its pipelines share."""

    folder: Folder
    pieces: int = 0
    characters: int = 0
    parsed: dict[str, Makefile | Node | None] = field(default_factory=dict)
    """What was made of files, so that one which many steps use is parsed once."""
    problems: dict[str, str] = field(default_factory=dict)
    """Files that could not be read, with why."""

    @staticmethod
    def of(folder: Folder | None) -> Follower | None:
        """The one follower of a folder; None where nothing around the pipeline's file can be seen."""
        if folder is None or folder.root is None:
            return None
        return folder.once("scripts that pipelines call", lambda: Follower(folder))

    def spend(self, found: tuple[Piece, ...] | None) -> tuple[Piece, ...] | None:
        """The pieces, if the limits allow them."""
        if found is None:
            return None
        self.pieces += len(found)
        self.characters += sum(len(one.text) for one in found)
        if self.pieces > MAX_PIECES or self.characters > MAX_CHARACTERS:
            return None
        return found

    def read(self, name: str) -> bytes | None:
        """The bytes of a file of the project; None if it is not there, too long or unreadable (see `problems`)."""
        try:
            data = self.folder.read(name)
        except InputError as error:
            self.problems[name] = error.message
            return None
        if data is not None and len(data) > MAX_LENGTH:
            self.problems[name] = "it is too long"
            return None
        return data

    def script(self, name: str, directory: str | None, interpreter: str | None = None) -> tuple[Piece, ...] | None:
        """A shell script that is called by its path; None where it is not here, or is a program of another language."""
        path = within(directory, name)
        data = None if path is None else self.read(path)
        if path is None or data is None or b"\0" in data[:1_000]:
            return None
        windows = {".ps1": "powershell", ".bat": "cmd", ".cmd": "cmd"}.get(PurePosixPath(path).suffix.lower())
        if interpreter is None and windows is None:
            if data.startswith(b"#!") and not SHELLS.match(data):
                return None
            if not data.startswith(b"#!") and PurePosixPath(path).suffix not in {".sh", ".bash", ".zsh", ".ksh", ""}:
                return None
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        return self.spend((Piece(text, Source(path, 1), directory, key=f"script {path}", shell=windows),))

    def make(self, words: tuple[str, ...], directory: str | None) -> dict[str, tuple[Piece, ...] | None]:
        """Per target that a `make` command names: its pieces, prerequisites first; None where it is not found."""
        call = read_call(words)
        for one in call.directories:
            directory = within(directory, one)
        makefile = None if directory is None else self._makefile(call.file, directory)
        targets = call.targets or (
            (makefile.rules.first,) if makefile is not None and makefile.rules.first else ("all",)
        )
        if makefile is None:
            return dict.fromkeys(targets)
        path, rules = makefile.path, makefile.rules
        found: dict[str, tuple[Piece, ...] | None] = {}
        for target in targets:
            pieces = tuple(
                Piece(line.text, Source(file or path, line.line), directory, line.tolerated, f"make {path} {name}")
                for name, file, line in rules.recipes(target, call.variables)
            )
            found[target] = self.spend(pieces) if target in rules.rules else None
        return found

    def _makefile(self, file: str | None, directory: str) -> _Make | None:
        for name in (file,) if file else _MAKEFILES:
            path = within(directory, name)
            if path is None:
                continue
            key = f"makefile {path}"
            if key not in self.parsed:
                self.parsed[key] = self._rules(path, directory, 0)
            rules = self.parsed[key]
            if isinstance(rules, Makefile):
                return _Make(path, rules)
        return None

    def _rules(self, path: str, directory: str, depth: int) -> Makefile | None:
        data = self.read(path)
        if data is None:
            return None
        rules = read_makefile(data.decode("utf-8", "replace"))
        for rule in rules.rules.values():
            rule.path = rule.path or path
        for name in rules.includes if depth < MAKE_DEPTH else ():
            inside = within(directory, name)
            included = self._rules(inside, directory, depth + 1) if inside is not None and inside != path else None
            if included is not None:
                rules.take(included)
        return rules

    def package(self, name: str, directory: str | None) -> tuple[Piece, ...] | None:
        """A script of package.json with its `pre` and `post`; None where there is none of that name."""
        root = self.manifest(directory)
        scripts = root.get("scripts") if root is not None else None
        if scripts is None or scripts.get(name) is None:
            return None
        return self.spend(self._hooks(scripts, (f"pre{name}", name, f"post{name}"), directory))

    def lifecycle(self, names: tuple[str, ...], directory: str | None) -> tuple[Piece, ...]:
        """The scripts that npm runs by itself around `publish`, `pack` or `install`."""
        root = self.manifest(directory)
        scripts = root.get("scripts") if root is not None else None
        return () if scripts is None else self.spend(self._hooks(scripts, names, directory)) or ()

    def _hooks(self, scripts: Node, names: tuple[str, ...], directory: str | None) -> tuple[Piece, ...]:
        found = []
        for name in names:
            node = scripts.get(name)
            if node is not None and node.kind == "scalar" and node.text:
                found.append(Piece(node.text, node.source, directory, key=f"npm {node.path} {name}"))
        return tuple(found)

    def manifest(self, directory: str | None) -> Node | None:
        """package.json as nodes; None where it is not here or not JSON."""
        return self.json(within(directory, "package.json"))

    def json(self, path: str | None) -> Node | None:
        """A JSON file as nodes; None where it is not here or not JSON."""
        return self._nodes(path)

    def yaml(self, path: str | None) -> Node | None:
        """A YAML file of one document as nodes; None where it is not here or not YAML."""
        return self._nodes(path)

    def _nodes(self, path: str | None) -> Node | None:
        if path is None:
            return None
        key = f"nodes {path}"
        if key not in self.parsed:
            self.parsed[key] = self._parse(path)
        node = self.parsed[key]
        return node if isinstance(node, Node) else None

    def _parse(self, path: str) -> Node | None:
        data = self.read(path)
        if data is None:
            return None
        try:
            if path.endswith(".json"):
                return read_json(data, path)
            documents = _yaml.read(data, path)
        except InputError as error:
            self.problems[path] = error.message
            return None
        return documents.roots[0] if len(documents.roots) == 1 else None

    def task(self, name: str, directory: str | None) -> tuple[Piece, ...] | None:
        """A task of a Taskfile with what it depends on; None where it is not found."""
        for file in _TASKFILES:
            root = self.yaml(within(directory, file))
            tasks = root.get("tasks") if root is not None else None
            if tasks is not None:
                found: list[Piece] = []
                known = _task(tasks, name, directory, found, set())
                return self.spend(tuple(found)) if known else None
        return None

    def just(self, name: str, directory: str | None) -> tuple[Piece, ...] | None:
        """A recipe of a justfile with what it depends on; None where it is not found."""
        for file in _JUSTFILES:
            path = within(directory, file)
            data = None if path is None else self.read(path)
            if path is not None and data is not None:
                recipes = read_justfile(data.decode("utf-8", "replace"))
                known, lines = recipes_of(recipes, name or next(iter(recipes), ""))
                pieces = (
                    Piece(one.text, Source(path, one.line), directory, one.tolerated, f"just {path} {one.recipe}")
                    for one in lines
                )
                return self.spend(tuple(pieces)) if known else None
        return None


@frozen
class _Make:
    path: str
    rules: Makefile


def within(directory: str | None, name: str) -> str | None:
    """A path relative to the project's root; None where it leads out, or depends on what cannot be told."""
    if directory is None:
        return None
    rooted = _ROOTS.match(name)
    if rooted is not None and not _HERE.match(name):
        directory, name = "", name[rooted.end() :]
    elif (here := _HERE.match(name)) is not None:
        name = name[here.end() :]
    if "$" in name or "`" in name or "*" in name or name.startswith(("/", "~")) or "%" in name:
        return None
    parts: list[str] = []
    for part in (*directory.split("/"), *name.replace("\\", "/").split("/")):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _task(tasks: Node, name: str, directory: str | None, found: list[Piece], seen: set[str]) -> bool:
    node = tasks.get(name)
    if node is None or name in seen or len(seen) > MAX_TARGETS:
        return name in seen
    seen.add(name)
    if node.kind == "scalar":
        found.append(_line(node, directory, f"task {name}"))
        return True
    inside = node.get("dir")
    where = directory if inside is None else within(directory, inside.text)
    commands = node if node.kind == "sequence" else node.get("cmds") or node.get("cmd")
    known = True
    for one in (
        *(node.get("deps") or ()),
        *((commands,) if commands is not None and commands.kind == "scalar" else commands or ()),
    ):
        called = one.get("task") if one.kind == "mapping" else one if one in tuple(node.get("deps") or ()) else None
        command = one.get("cmd") if one.kind == "mapping" else one
        if called is not None:
            known = _task(tasks, called.text, directory, found, seen) and known
        elif command is not None and command.kind == "scalar":
            ignored = one.get("ignore_error") if one.kind == "mapping" else None
            piece = _line(command, where, f"task {name}")
            found.append(replace(piece, tolerated=ignored is not None and ignored.value is True))
    return known


def _line(node: Node, directory: str | None, key: str) -> Piece:
    first = Source(node.path, node.line + 1) if node.style in {"|", ">"} else node.source
    return Piece(re.sub(r"\{\{.*?\}\}", "$_", node.text), first, directory, key=f"{key} {node.path}")

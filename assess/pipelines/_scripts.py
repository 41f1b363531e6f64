"""The project's own scripts that a command names: `make X`, `npm run X`, `./x.sh`, `just X`, `task X`, as text to read.

It finds and reads, inside the project's folder only, and hands out pieces of shell text with their places; what they
do is told by `_commands`. Nothing is run. Limits: depth of calls, number of pieces and characters per project.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from assess import _yaml
from assess._frozen import frozen, replace
from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import Source
from assess.pipelines._files import Folder
from assess.pipelines._json_nodes import read_json
from assess.pipelines._makefile import MAX_DEPTH as MAKE_DEPTH
from assess.pipelines._makefile import Makefile, read_makefile
from assess.pipelines._shell import MAX_LENGTH

MAX_DEPTH = 8
MAX_PIECES = 5_000
MAX_CHARACTERS = 5_000_000
MAX_TARGETS = 200

_ROOTS = re.compile(
    r"(?:\$\{?(?:GITHUB_WORKSPACE|CI_PROJECT_DIR|BUILD_SOURCESDIRECTORY|CIRCLE_WORKING_DIRECTORY|WORKSPACE|PWD|CODEBUILD_SRC_DIR"
    r"|BUILDKITE_BUILD_CHECKOUT_PATH|TRAVIS_BUILD_DIR|DRONE_WORKSPACE|BITBUCKET_CLONE_DIR)\}?|\$\{\{\s*github\.workspace\s*\}\}"
    r"|\$\(git rev-parse --show-toplevel\)|\$\(Build\.SourcesDirectory\)|/workspace(?=/|\Z))/?"
)
_HERE = re.compile(r"\$\(pwd\)/|\$\{?PWD\}?/")
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_TASKFILES = (
    "Taskfile.yml",
    "taskfile.yml",
    "Taskfile.yaml",
    "taskfile.yaml",
    "Taskfile.dist.yml",
    "Taskfile.dist.yaml",
)
_JUSTFILES = ("justfile", "Justfile", ".justfile")
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s+[^:=]*)?):(?!=)\s*(.*)\Z")
_SHELLS = re.compile(rb"#![^\n]*\b(?:ba|da|k|z|a)?sh\b")


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
            if data.startswith(b"#!") and not _SHELLS.match(data):
                return None
            if not data.startswith(b"#!") and PurePosixPath(path).suffix not in {".sh", ".bash", ".zsh", ".ksh", ""}:
                return None
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        return self.spend((Piece(text, Source(path, 1), directory, key=f"script {path}", shell=windows),))

    def make(self, words: tuple[str, ...], directory: str | None) -> dict[str, tuple[Piece, ...] | None]:
        """Per target that a `make` command names: its pieces, prerequisites first; None where it is not found."""
        call = _make_call(words, directory)
        makefile = None if call.directory is None else self._makefile(call.file, call.directory)
        targets = call.targets or ((makefile.first,) if makefile is not None and makefile.first else ("all",))
        if makefile is None:
            return dict.fromkeys(targets)
        path, rules = makefile.path, makefile.rules
        found: dict[str, tuple[Piece, ...] | None] = {}
        for target in targets:
            pieces: list[Piece] = []
            known = _targets(rules, target, call.variables, path, call.directory, pieces)
            found[target] = self.spend(tuple(pieces)) if known else None
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
                return _Make(path, rules, rules.first)
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
        if path is None:
            return None
        key = f"json {path}"
        if key not in self.parsed:
            self.parsed[key] = self._parse(path)
        node = self.parsed[key]
        return node if isinstance(node, Node) else None

    def yaml(self, path: str | None) -> Node | None:
        """A YAML file of one document as nodes; None where it is not here or not YAML."""
        if path is None:
            return None
        key = f"yaml {path}"
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
                recipes = _recipes(data.decode("utf-8", "replace"))
                found: list[Piece] = []
                known = _just(recipes, name or next(iter(recipes), ""), path, directory, found, set())
                return self.spend(tuple(found)) if known else None
        return None


@frozen
class _Make:
    path: str
    rules: Makefile
    first: str | None


@frozen
class _MakeCall:
    targets: tuple[str, ...]
    variables: Mapping[str, str]
    directory: str | None
    file: str | None


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


_MAKE_VALUES = frozenset({"-C", "--directory", "-f", "--file", "--makefile", "-I", "-o", "-W", "-E", "--eval"})


def _make_call(words: tuple[str, ...], directory: str | None) -> _MakeCall:
    targets: list[str] = []
    variables: dict[str, str] = {}
    file: str | None = None
    at = 1
    while at < len(words):
        word = words[at]
        name, _, value = word.partition("=")
        if word in _MAKE_VALUES:
            at += 1
            name, value = word, words[at] if at < len(words) else ""
        elif word in {"-j", "-l"} and at + 1 < len(words) and re.fullmatch(r"\d+|\$.*", words[at + 1]):
            at += 1
            name = ""
        elif word.startswith("-C") and not word.startswith("--"):
            name, value = "-C", word[2:]
        if name in {"-C", "--directory"}:
            directory = within(directory, value)
        elif name in {"-f", "--file", "--makefile"}:
            file = value
        elif name.startswith("-") or not name:
            pass
        elif "=" in word:
            variables[name.rstrip(":")] = value
        else:
            targets.append(word)
        at += 1
    return _MakeCall(tuple(targets), variables, directory, file)


def _targets(
    rules: Makefile, target: str, given: Mapping[str, str], path: str, directory: str | None, found: list[Piece]
) -> bool:
    """The recipes of a target's prerequisites, then its own, each once; False where there is no rule for it."""
    if target not in rules.rules:
        return False
    seen: set[str] = set()
    stack = [(target, False)]
    while stack and len(seen) <= MAX_TARGETS:
        name, ready = stack.pop()
        if ready:
            rule = rules.rules[name]
            for line in rules.lines(name, given) or ():
                source = Source(rule.path or path, line.line)
                found.append(Piece(line.text, source, directory, line.tolerated, f"make {path} {name}"))
        elif name not in seen and name in rules.rules:
            seen.add(name)
            stack.append((name, True))
            stack += [(one, False) for one in reversed(rules.needs(name, given))]
    return True


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


def _recipes(text: str) -> dict[str, tuple[list[str], list[tuple[str, int]]]]:
    """Recipes of a justfile: what each depends on, and its lines with their numbers."""
    found: dict[str, tuple[list[str], list[tuple[str, int]]]] = {}
    lines: list[tuple[str, int]] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith((" ", "\t")):
            if lines is not None:
                lines.append((line.strip(), number))
        elif (recipe := _RECIPE.match(line.rstrip())) is not None:
            needs = [word.strip("()") for word in recipe.group(3).partition("#")[0].replace("&&", " ").split()]
            lines = []
            found[recipe.group(1)] = (needs, lines)
        elif line.strip():
            lines = None
    return found


def _just(
    recipes: Mapping[str, tuple[list[str], list[tuple[str, int]]]],
    name: str,
    path: str,
    directory: str | None,
    found: list[Piece],
    seen: set[str],
) -> bool:
    if name not in recipes or len(seen) > MAX_TARGETS:
        return False
    if name in seen:
        return True
    seen.add(name)
    needs, lines = recipes[name]
    for one in needs:
        _just(recipes, one, path, directory, found, seen)
    if lines and lines[0][0].startswith("#!") and not _SHELLS.match(lines[0][0].encode()):
        return False
    for text, number in lines:
        plain = text.lstrip("@-")
        tolerated = "-" in text[: len(text) - len(plain)]
        shown = re.sub(r"\{\{.*?\}\}", "$_", plain)
        found.append(Piece(shown, Source(path, number), directory, tolerated, f"just {path} {name}"))
    return True

"""What is gathered while one GitHub workflow is read, and the small readings of YAML that all its readers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from assess import _yaml
from assess._frozen import frozen, replace
from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import CacheUse, Handover, ImageUse, Include, Note, Secret, Source, Step
from assess.pipelines._expression_values import Given, fold_condition, substitute
from assess.pipelines._expressions import Expression, Literal
from assess.pipelines._facts import Act
from assess.pipelines._files import Folder
from assess.pipelines._github_reach import Work
from assess.pipelines._uses import pin

MAX_NOTES = 2_000
MAX_FILLED = 400_000
MAX_FILLED_TEXT = 10_000_000
MAX_VARIABLES = 500
MAX_INCLUDES = 2_000

Fact: TypeAlias = Secret | CacheUse | ImageUse | Handover


@frozen
class Dialect:
    """What differs between GitHub Actions and the systems that read its workflows."""

    name: str
    folder: str
    """Where its workflows are."""
    keys: frozenset[str] = frozenset()
    """Keys of a workflow that GitHub does not have."""
    on_github: bool = True
    """Standard labels name the platform's own machines, and its attestations, identities and trusted workflows work."""


@dataclass(slots=True)
class _Budget:
    left: int = MAX_FILLED_TEXT


@dataclass(slots=True)
class Reading:
    """Where to look, what was not understood, what was followed."""

    folder: Folder
    path: str
    dialect: Dialect
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: dict[Note, None] = field(default_factory=dict)
    follows: list[str] = field(default_factory=list)
    includes: dict[Include, None] = field(default_factory=dict)
    by_hand: frozenset[str] = frozenset()
    """Inputs of a manual start."""
    inputs: frozenset[str] = frozenset()
    """Inputs of all starts: by hand and by calling workflows."""
    identity: Source | None = None
    """Where the file lets every job ask for an identity (Forgejo's `enable-openid-connect`)."""
    work: Work = field(default_factory=Work)
    steps: int = 0
    jobs: int = 0
    _filled: int = 0
    _texts: _Budget = field(default_factory=_Budget)
    _opened: dict[str, Node | None] = field(default_factory=dict)

    def note(self, source: Source, text: str) -> None:
        """Remember what was not understood, once per place."""
        if len(self.notes) < MAX_NOTES:
            self.notes[Note(source, text)] = None

    def unknown_keys(self, node: Node, known: frozenset[str], what: str) -> None:
        """Note every key of a mapping that we do not know."""
        if node.kind == "mapping" and not node.value.keys() <= known:
            for key, _ in node.items():
                if key.text not in known:
                    self.note(key.source, f"unknown key {key.text[:60]!r} of the {what}")

    def include(self, node: Node, kind: str, resolved: bool | None) -> None:
        """Remember a definition that is taken from elsewhere."""
        if len(self.includes) < MAX_INCLUDES:
            self.includes[Include(node.source, node.text, kind, pin(node.text), resolved)] = None

    def open(self, name: str, source: Source) -> Node | None:
        """The mapping in a local YAML file; None if it is not there, and with a note if it cannot be read."""
        if name not in self._opened:
            self._opened[name] = self._open(name, source)
        return self._opened[name]

    def _open(self, name: str, source: Source) -> Node | None:
        try:
            data = self.folder.read(name)
            if data is None:
                return None
            documents = _yaml.read(data, name)
        except InputError as error:
            self.note(source, f"could not be read: {error}")
            return None
        for problem in documents.problems:
            self.note(problem.source, problem.text)
        if len(documents.roots) != 1 or documents.roots[0].kind != "mapping":
            self.note(source, f"{name} is not one YAML mapping")
            return None
        self.follows.append(name)
        self.lines[name] = tuple(data.decode("utf-8", "replace").split("\n"))
        return documents.roots[0]

    def limited(self, node: Node | None) -> Node | None:
        """An `env` with at most MAX_VARIABLES entries; the others are noted and left out."""
        if node is None or node.kind != "mapping" or len(node.value) <= MAX_VARIABLES:
            return node
        self.note(node.source, f"more than {MAX_VARIABLES} variables: the rest was not read")
        return replace(node, value=dict(islice(node.value.items(), MAX_VARIABLES)))

    def filled(self, node: Node, given: Given) -> Node:
        """A called definition with what its caller gives put in; as it is where that would be too much."""
        self._filled += node.weight
        if self._filled <= MAX_FILLED and self._texts.left >= 0:
            return _filled(node, given, self._texts)
        self.note(node.source, "too many calls of local definitions: their inputs were not filled in")
        return node


def _filled(node: Node, given: Given, budget: _Budget, key: str = "") -> Node:
    match node.kind:
        case "scalar":
            if "${{" not in node.text and key != "if":
                return node
            text = (fold_condition if key == "if" else substitute)(node.text, given)
            if text == node.text or budget.left < 0:
                return node
            budget.left -= len(text)
            value: object = {"true": True, "false": False}.get(text, text) if node.style == "" else text
            return replace(node, text=text, value=value)
        case "sequence":
            items = tuple(_filled(one, given, budget) for one in node.value)
            return replace(node, value=items)
        case "mapping":
            return replace(node, value={name: _filled(one, given, budget, name) for name, one in node.value.items()})


@frozen
class StepFacts:
    """A step with what it does, and what its texts let in."""

    step: Step
    acts: tuple[Act, ...]
    facts: tuple[Fact, ...] = ()
    parameters: tuple[str, ...] = ()
    """External parameters that reach it."""
    unrecorded: tuple[str, ...] = ()
    """Those of a manual or API start."""
    gives: tuple[str, ...] = ()


def texts(node: Node | None) -> dict[str, str]:
    """A mapping of scalars as text (`with`, `env`); anything nested is left out."""
    if node is None or node.kind != "mapping":
        return {}
    return {name: value.text for name, value in node.value.items() if value.kind == "scalar"}


def scalars(node: Node | None) -> tuple[Node, ...]:
    """The scalar values of a mapping, or the scalar itself."""
    if node is None:
        return ()
    if node.kind == "mapping":
        return tuple(one for one in node.value.values() if one.kind == "scalar")
    return (node,) if node.kind == "scalar" else ()


def truth(node: Node | None) -> bool | None:
    """A boolean; False if absent, None if it is an expression."""
    if node is None:
        return False
    return node.value if isinstance(node.value, bool) else None


def text_of(node: Node | None) -> str | None:
    """A scalar's text; None if it is absent or no scalar."""
    return node.text if node is not None and node.kind == "scalar" else None


def local_path(uses: str) -> str:
    """`./a/b` and `$/a/b` as a path in the repository ("" for its root)."""
    return uses[2:].partition("@")[0].strip("/") if uses.startswith(("./", "$/")) else uses


def given_inputs(declared: Node | None, passed: Mapping[str, str]) -> dict[str, str | Expression]:
    """What `inputs.name` (lower case) stands for: what is passed, else the default, else nothing; booleans typed."""
    found: dict[str, str | Expression] = {}
    lower = {name.lower(): value for name, value in passed.items()}
    for key, node in declared.items() if declared is not None else ():
        name = key.text.lower()
        default = node.get("default")
        text = lower.get(name, default.text if default is not None else "")
        typed = text_of(node.get("type"))
        if typed == "boolean" and "${{" not in text:
            found[name] = Literal(text.lower() or "false", "boolean")
        else:
            found[name] = text
    return found


def shell_of(node: Node) -> str | None:
    """`defaults.run.shell`."""
    run = defaults.get("run") if (defaults := node.get("defaults")) is not None else None
    return text_of(run.get("shell")) if run is not None else None


def directory_of(node: Node) -> str | None:
    """`defaults.run.working-directory`."""
    run = defaults.get("run") if (defaults := node.get("defaults")) is not None else None
    return text_of(run.get("working-directory")) if run is not None else None

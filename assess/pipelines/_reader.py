"""What the readers of CI systems other than GitHub Actions share while they read one file: notes, includes, limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import ExternalParameter, Include, Note, Pipeline, Source, Trigger
from assess.pipelines._commands import recognise
from assess.pipelines._facts import Act, JobFacts, PipelineFacts
from assess.pipelines._files import Folder
from assess.pipelines._values import Pin, documents_of

Depth: TypeAlias = Literal["full", "file", "recognised"]

MAX_NOTES = 2_000
MAX_STEPS = 5_000
MAX_JOBS = 1_000
MAX_DEPTH = 10
_VARIABLE = re.compile(r"\$(?:\{(?:env:)?|env:)?([A-Za-z_][A-Za-z0-9_]*)|%([A-Za-z_][A-Za-z0-9_]*)%", re.IGNORECASE)


@dataclass(slots=True)
class Reading:
    """What is gathered while one pipeline file is read."""

    folder: Folder
    path: str
    system: str
    depth: Depth = "file"
    parameter: re.Pattern[str] | None = None
    """How a text names an external parameter; its first group that matched is the name."""
    taint: re.Pattern[str] | None = None
    """What outsiders can write and the system puts into a command before any shell sees it."""
    notes: dict[Note, None] = field(default_factory=dict)
    includes: dict[Include, None] = field(default_factory=dict)
    parameters: list[ExternalParameter] = field(default_factory=list)
    follows: list[str] = field(default_factory=list)
    steps: int = 0
    secret_variable: re.Pattern[str] | None = _VARIABLE
    """How commands name a variable: what is defined nowhere and named like a secret is one. None where secrets are
    declared."""
    directory: str | None = None
    """Where scripts run unless a job or step says otherwise, relative to the project's root; None: not known."""
    one_shell: bool = False
    """All commands of a job run in one shell, so that a `cd` holds for those after it."""
    can_sign: bool | None = None
    """Every job may ask for a workload identity; False where the system has none."""
    _opened: dict[str, Node | None] = field(default_factory=dict)
    _known: dict[object, tuple[Act, ...]] = field(default_factory=dict)

    def note(self, source: Source, text: str) -> None:
        """Remember what was not understood, once per place."""
        if len(self.notes) < MAX_NOTES:
            self.notes[Note(source, text)] = None

    def acts_of(
        self, script: str, first: Source, around: Mapping[str, str], where: str | None, shell: str | None
    ) -> tuple[Act, ...]:
        """What a script does; once for a script that YAML's aliases repeat in many jobs."""
        key = (script, first, where, shell, tuple(around.items()))
        if key not in self._known:
            self._known[key] = recognise(script, first, around, self.folder, where, shell)
        return self._known[key]

    def unknown_keys(self, node: Node, known: frozenset[str], what: str) -> None:
        """Note every key of a mapping that we do not know; YAML's merge helpers (`x-`, `.name`) are left alone."""
        for key, _ in node.items():
            if key.text not in known and not key.text.startswith(("x-", ".", "_")):
                self.note(key.source, f"unknown key {key.text[:60]!r} of the {what}")

    def include(self, source: Source, reference: str, kind: str, pin: Pin, resolved: bool | None = None) -> None:
        """Remember a definition that is taken from elsewhere."""
        self.includes[Include(source, reference[:300], kind, pin, resolved)] = None

    def open(self, name: str, source: Source) -> Node | None:
        """A local YAML file of one mapping or sequence; None, noted unless it is absent, if it cannot be read."""
        if name not in self._opened:
            self._opened[name] = self._open(name, source)
        return self._opened[name]

    def _open(self, name: str, source: Source) -> Node | None:
        try:
            data = self.folder.read(name)
            if data is None:
                return None
            documents = documents_of(data, name)
        except InputError as error:
            self.note(source, f"could not be read: {error}")
            return None
        for problem in documents.problems:
            self.note(problem.source, problem.text)
        if len(documents.roots) != 1 or documents.roots[0].kind == "scalar":
            self.note(source, f"{name} is not one YAML mapping or list")
            return None
        self.follows.append(name)
        return documents.roots[0]

    def pipeline(
        self,
        source: Source,
        name: str,
        jobs: Iterable[JobFacts],
        triggers: tuple[Trigger, ...] | None = None,
        only_called: bool = False,
    ) -> PipelineFacts:
        """All that was gathered as the facts of one pipeline."""
        found = tuple(jobs)
        made = Pipeline(
            source=source,
            system=self.system,
            name=name or self.path.rpartition("/")[2],
            understood="partly" if self.notes else "fully",
            triggers=triggers,
            jobs=tuple(one.job for one in found),
            notes=tuple(sorted(self.notes, key=_position)),
            includes=tuple(self.includes),
            parameters=tuple(dict.fromkeys(self.parameters)),
            depth=self.depth,
        )
        outsiders = next((one.source for one in triggers or () if one.trust == "anyone"), None)
        return PipelineFacts(made, found, tuple(dict.fromkeys(self.follows)), only_called, outsiders)


def _position(note: Note) -> tuple[str, int, int, str]:
    return (note.source.path, note.source.line or 0, note.source.column or 0, note.text)

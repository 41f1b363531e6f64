"""The steps of a GitHub job: actions and commands into evidence and acts, local composite actions followed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assess import _yaml
from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import Note, Parameter, Source, Step
from assess.pipelines import _expressions as expressions
from assess.pipelines._actions import STEP_KEYS
from assess.pipelines._commands import recognise
from assess.pipelines._facts import Act, placed
from assess.pipelines._files import Folder
from assess.pipelines._offers import Use, action, pin, split

MAX_DEPTH = 10
MAX_STEPS = 5_000
MAX_NOTES = 2_000
_KEY_SECRET = re.compile(r"secrets\.\w*(?:COSIGN|SIGSTORE|SLSA)\w*(?:PRIVATE|KEY)\w*", re.IGNORECASE)
_RELEASES_API = re.compile(r"uploadReleaseAsset|createRelease")
_PYTHON = frozenset({"python", "python3", "node", "perl", "ruby"})


@dataclass(slots=True)
class Reading:
    """What is gathered while one workflow is read: where to look, what was not understood, what was followed."""

    folder: Folder
    path: str
    lines: tuple[str, ...] = ()
    notes: dict[Note, None] = field(default_factory=dict)
    follows: list[str] = field(default_factory=list)
    inputs: bool = False
    """The workflow can be started by hand with inputs of its own."""
    steps: int = 0
    jobs: int = 0
    _opened: dict[str, tuple[Node, tuple[str, ...]] | None] = field(default_factory=dict)

    def note(self, source: Source, text: str) -> None:
        """Remember what was not understood, once per place."""
        if len(self.notes) < MAX_NOTES:
            self.notes[Note(source, text)] = None

    def unknown_keys(self, node: Node, known: frozenset[str], what: str) -> None:
        """Note every key of a mapping that we do not know."""
        for key, _ in node.items():
            if key.text not in known:
                self.note(key.source, f"unknown key {key.text[:60]!r} of the {what}")

    def open(self, name: str, source: Source) -> tuple[Node, tuple[str, ...]] | None:
        """A local YAML file and its lines; None if it is not there, and with a note if it cannot be read."""
        if name not in self._opened:
            self._opened[name] = self._open(name, source)
        return self._opened[name]

    def _open(self, name: str, source: Source) -> tuple[Node, tuple[str, ...]] | None:
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
        return documents.roots[0], tuple(data.decode("utf-8", "replace").split("\n"))


@dataclass(frozen=True, slots=True)
class StepFacts:
    """A step with what it does, and the manual parameters that reach it."""

    step: Step
    acts: tuple[Act, ...]
    unrecorded: tuple[str, ...] = ()


def texts(node: Node | None) -> dict[str, str]:
    """A mapping of scalars as text (`with`, `env`); anything nested is left out."""
    return {} if node is None else {key.text: value.text for key, value in node.items() if value.kind == "scalar"}


def truth(node: Node | None) -> bool | None:
    """A boolean; False if absent, None if it is an expression."""
    if node is None:
        return False
    return node.value if isinstance(node.value, bool) else None


def local_path(uses: str) -> str:
    """`./a/b` and `$/a/b` as a path in the repository ("" for its root)."""
    return uses[2:].partition("@")[0].strip("/") if uses.startswith(("./", "$/")) else uses


def read_steps(reading: Reading, steps: Node | None, environment: Mapping[str, str], depth: int = 0) -> list[StepFacts]:
    """All steps of a job or a composite action, those of local composites after the step that calls them."""
    found: list[StepFacts] = []
    if steps is None:
        return found
    if steps.kind != "sequence":
        reading.note(steps.source, "steps are not a list")
        return found
    for node in steps:
        reading.steps += 1
        if node.kind != "mapping":
            reading.note(node.source, "a step is not a mapping")
            continue
        if reading.steps > MAX_STEPS:
            reading.note(node.source, f"more than {MAX_STEPS} steps: the rest was not read")
            break
        reading.unknown_keys(node, STEP_KEYS, "step")
        if (parallel := node.get("parallel")) is not None:
            found += read_steps(reading, parallel, environment, depth)
        else:
            found += _step(reading, node, environment, depth)
    return found


def _step(reading: Reading, node: Node, environment: Mapping[str, str], depth: int) -> list[StepFacts]:
    uses, run, condition = node.get("uses"), node.get("run"), node.get("if")
    inputs = texts(node.get("with"))
    own = texts(node.get("env"))
    variables = {**environment, **own}
    tolerated = truth(node.get("continue-on-error"))
    inner: list[StepFacts] = []
    acts: tuple[Act, ...] = ()
    if uses is not None and uses.text.startswith(("./", "$/", "../")):
        acts, inner = _local(reading, uses, depth, variables)
    elif uses is not None:
        acts = _remote(reading, uses, inputs, variables)
    elif run is not None:
        acts = _run(node, run, variables)
    elif not {"wait", "wait-all", "cancel"} & set(node.value):
        reading.note(node.source, "a step neither uses an action nor runs commands")
    values = (*inputs.values(), *own.values(), run.text if run is not None else "")
    if any("secrets." in value and _KEY_SECRET.search(value) for value in values):
        acts = (*acts, Act("key", "secret", node.source))
    text = condition.text if condition is not None else None
    acts = tuple(placed(act, text, tolerated) for act in acts)
    for act in acts:
        if act.note is not None and act.does in {"unread", "unread-script", "remote-script"}:
            reading.note(act.source, act.note)
    step = Step(
        source=node.source,
        name=name.text if (name := node.get("name")) is not None else None,
        uses=uses.text if uses is not None else None,
        pinned=pin(uses.text) if uses is not None else None,
        run=run.text if run is not None else None,
        inputs=tuple(Parameter(key, value) for key, value in inputs.items()),
        does=tuple(dict.fromkeys(act.does for act in acts)),
        conditional=condition is not None,
        continue_on_error=tolerated,
    )
    wrapped = [replace(one, acts=tuple(placed(a, text or a.condition, tolerated) for a in one.acts)) for one in inner]
    return [StepFacts(step, acts, manual_parameters(reading, values)), *wrapped]


def manual_parameters(reading: Reading, values: tuple[str, ...]) -> tuple[str, ...]:
    """The parameters of a manual or API start that these texts use."""
    found: list[str] = []
    for value in values:
        if "${{" in value and ("inputs" in value or "client_payload" in value):
            for name in expressions.contexts(value):
                by_hand = name.startswith(("inputs.", "github.event.inputs")) and reading.inputs
                if by_hand or name.startswith("github.event.client_payload"):
                    found.append(name)
    return tuple(dict.fromkeys(found))


def use_of(reading: Reading, node: Node, inputs: Mapping[str, str], variables: Mapping[str, str]) -> Use:
    """A remote `uses` with what surrounds it; the comment on its line often names a digest's version."""
    name, ref = split(node.text)
    line = reading.lines[node.line - 1] if node.path == reading.path and node.line <= len(reading.lines) else ""
    comment = line.partition(" #")[2].strip()
    return Use(node.text, name, ref, inputs, variables, node.source, comment)


def _remote(reading: Reading, node: Node, inputs: Mapping[str, str], variables: Mapping[str, str]) -> tuple[Act, ...]:
    use = use_of(reading, node, inputs, variables)
    if use.name == "actions/github-script":
        published = _RELEASES_API.search(inputs.get("script", ""))
        return (Act("publish", use.name, node.source, "GitHub release"),) if published else ()
    if use.name in {"nick-fields/retry", "nick-invision/retry"}:
        return recognise(inputs.get("command", ""), node.source, variables)
    found = action(use)
    if found is not None:
        return found
    shown = node.text.partition("@")[0][:100]
    return (Act("unread", shown, node.source, note=f"what `{shown}` does is not known"),)


def _run(node: Node, run: Node, variables: Mapping[str, str]) -> tuple[Act, ...]:
    shell = node.get("shell")
    if shell is not None and shell.text.split(" ")[0] in _PYTHON:
        return (Act("unread-script", shell.text[:40], run.source, note=f"a {shell.text[:40]} script was not read"),)
    first = replace(run.source, line=run.line + 1) if run.style in {"|", ">"} else run.source
    return recognise(run.text, first, variables)


def _local(
    reading: Reading, uses: Node, depth: int, variables: Mapping[str, str]
) -> tuple[tuple[Act, ...], list[StepFacts]]:
    """A local action: the steps of a composite, or a program that was not read."""
    folder = local_path(uses.text)
    unread = Act("unread", uses.text, uses.source)
    if depth >= MAX_DEPTH:
        return (replace(unread, note="local actions are nested too deeply to be followed"),), []
    for name in ("action.yml", "action.yaml"):
        opened = reading.open(f"{folder}/{name}" if folder else name, uses.source)
        if opened is not None:
            break
    else:
        return (replace(unread, note=f"the local action `{uses.text[:80]}` was not found here"),), []
    runs = opened[0].get("runs")
    using = runs.get("using") if runs is not None else None
    if runs is None or using is None or using.text != "composite":
        note = f"the local action `{uses.text[:80]}` is a program and was not read"
        return (Act("code", uses.text, uses.source), replace(unread, note=note)), []
    return (), read_steps(reading, runs.get("steps"), variables, depth + 1)

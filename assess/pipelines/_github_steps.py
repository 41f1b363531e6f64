"""The steps of a GitHub job: actions and commands into evidence and acts, local composite actions followed."""

# Longer than 300 lines: a step and the action that it is are read in one recursion.

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from assess._frozen import frozen, replace
from assess._yaml import Node
from assess.evidence import ImageUse, Parameter, Source, Step
from assess.pipelines._actions import SCRIPTS, STEP_KEYS
from assess.pipelines._commands import of_action, recognise
from assess.pipelines._expression_values import Given, always_true, regardless
from assess.pipelines._facts import Act, placed
from assess.pipelines._github_caches import cache_use
from assess.pipelines._github_handover import given, outputs_used, taken
from assess.pipelines._github_matrix import NONE, Matrix, possible
from assess.pipelines._github_reach import SINKS, Scope, parameters, secrets, tainted
from assess.pipelines._github_reading import (
    Fact,
    Reading,
    StepFacts,
    given_inputs,
    local_path,
    scalars,
    text_of,
    texts,
    truth,
)
from assess.pipelines._offers import action
from assess.pipelines._uses import Pin, Use, pin, split
from assess.pipelines._values import image_pin

MAX_DEPTH = 10
MAX_STEPS = 5_000
_KEY_SECRET = re.compile(r"secrets\.\w*(?:COSIGN|SIGSTORE|SLSA)\w*(?:PRIVATE|KEY)\w*", re.IGNORECASE)
_RELEASES_API = re.compile(r"uploadReleaseAsset|createRelease")
_OTHER_LANGUAGES = frozenset({"python", "python3", "node", "perl", "ruby"})
_TOLD = frozenset({"unread", "unread-script", "remote-script"})
_NEVER = frozenset({"false", "${{ false }}", "${{false}}"})
_FIRMNESS: tuple[Pin, ...] = ("unknown", "branch", "tag", "local", "digest")


@frozen
class Around:
    """What a step's job or action gives it."""

    scope: Scope
    matrix: Matrix = NONE
    depth: int = 0


def read_steps(reading: Reading, steps: Node | None, around: Around) -> list[StepFacts]:
    """All steps of a job or a composite action, those of local composites after the step that calls them."""
    if steps is None:
        return []
    if steps.kind != "sequence":
        reading.note(steps.source, "steps are not a list")
        return []
    known = {name.lower(): split(uses)[0] for name, uses in _named(steps)}
    if known:
        around = replace(around, scope=replace(around.scope, steps={**around.scope.steps, **known}))
    found: list[StepFacts] = []
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
            found += read_steps(reading, parallel, around)
        else:
            found += _step(reading, node, around)
            if _other_project(node):
                around = replace(around, scope=replace(around.scope, directory=None))
    return found


def _named(steps: Node) -> Iterator[tuple[str, str]]:
    """(id, uses) of the steps that have both, those of parallel steps too."""
    for node in steps:
        if node.kind != "mapping":
            continue
        if "id" in node.value and "uses" in node.value:
            yield node.value["id"].text, node.value["uses"].text
        if "parallel" in node.value:
            yield from _named(node.value["parallel"])


def _step(reading: Reading, node: Node, around: Around) -> list[StepFacts]:
    entries = node.value
    uses, run, condition = entries.get("uses"), entries.get("run"), text_of(entries.get("if"))
    inputs, env = texts(entries.get("with")), reading.limited(entries.get("env"))
    scope = around.scope.within(texts(env))
    tolerated = truth(entries.get("continue-on-error"))
    work = _work(reading, node, inputs, scope, around)
    values = (*scalars(entries.get("with")), *scalars(env), *scalars(run))
    telling = [value for value in values if "${{" in value.text]
    acts = (*work.acts, *_keys(node, telling), *_unsecured(node, scope))
    does = tuple(dict.fromkeys(act.does for act in acts))
    facts: list[Fact] = [*work.facts]
    for value in telling:
        facts += (*secrets(value), *outputs_used(value))
    if condition in _NEVER:
        acts, work, facts = (), _NOTHING, []
    elif condition is not None or tolerated is not False:
        acts = tuple(placed(act, condition, tolerated) for act in acts)
    for act in acts:
        if act.note is not None and act.does in _TOLD:
            reading.note(act.source, act.note)
    step = Step(
        source=node.source,
        name=text_of(entries.get("name")),
        uses=uses.text if uses is not None else None,
        pinned=_pinned(uses, around.matrix) if uses is not None else None,
        run=run.text if run is not None else None,
        inputs=tuple(Parameter(key, value) for key, value in inputs.items()),
        does=does,
        conditional=condition is not None,
        continue_on_error=tolerated,
        always_true=condition is not None and always_true(condition),
        regardless=condition is not None and regardless(condition),
        tainted=_tainted(node, uses, inputs, scope),
    )
    written = tuple(value.text for value in telling)
    wrapped = [
        replace(one, acts=tuple(placed(a, condition or a.condition, tolerated) for a in one.acts)) for one in work.inner
    ]
    told = StepFacts(
        step,
        acts,
        tuple(dict.fromkeys(facts)),
        parameters(written, reading.inputs),
        parameters(written, reading.by_hand),
        work.gives,
    )
    return [told, *wrapped]


class _Work(NamedTuple):
    """What a step does by itself, and the steps inside it."""

    acts: tuple[Act, ...] = ()
    inner: tuple[StepFacts, ...] = ()
    facts: tuple[Fact, ...] = ()
    gives: tuple[str, ...] = ()


_NOTHING = _Work()


def _work(reading: Reading, node: Node, inputs: Mapping[str, str], scope: Scope, around: Around) -> _Work:
    uses, run = node.value.get("uses"), node.value.get("run")
    if uses is not None and uses.text.startswith(("./", "$/", "../")):
        acts, inner = _local(reading, uses, inputs, replace(around, scope=scope))
        return _Work(acts, tuple(inner))
    if uses is not None:
        parts = [_action(reading, use) for use in _uses(reading, uses, inputs, around.matrix, scope)]
        if len(parts) == 1:
            return parts[0]
        return _Work(
            tuple(act for one in parts for act in one.acts),
            (),
            tuple(fact for one in parts for fact in one.facts),
            tuple(name for one in parts for name in one.gives),
        )
    if run is not None:
        return _Work(_run(reading, node, run, scope))
    if not {"wait", "wait-all", "cancel"} & set(node.value):
        reading.note(node.source, "a step neither uses an action nor runs commands")
    return _NOTHING


def _action(reading: Reading, use: Use) -> _Work:
    acts = of_action(use.name, use.inputs, _remote(use), use.source, use.environment, reading.folder)
    return _Work(acts, (), tuple(_facts_of(use)), given(use))


def _keys(node: Node, values: list[Node]) -> tuple[Act, ...]:
    found = any("secrets." in value.text and _KEY_SECRET.search(value.text) for value in values)
    return (Act("key", "secret", node.source),) if found else ()


def _unsecured(node: Node, scope: Scope) -> tuple[Act, ...]:
    allowed = scope.environment.get("ACTIONS_ALLOW_UNSECURE_COMMANDS", "").lower() in {"true", "1"}
    return (Act("unsecured", "ACTIONS_ALLOW_UNSECURE_COMMANDS", node.source),) if allowed else ()


def _tainted(node: Node, uses: Node | None, inputs: Mapping[str, str], scope: Scope) -> tuple[str, ...] | None:
    """What outsiders can write and becomes code of the step."""
    code = [one.text for key in ("run", "shell") if (one := node.value.get(key)) is not None and "${{" in one.text]
    if uses is not None and inputs:
        code += [inputs[name] for name in SINKS.get(split(uses.text)[0], ()) if name in inputs]
    if not code:
        return ()
    found: dict[str, None] = {}
    understood = True
    for text in code:
        names = tainted(text, scope)
        understood = understood and names is not None
        found |= dict.fromkeys(names or ())
    return tuple(found) if understood or found else None


def _pinned(uses: Node, matrix: Matrix) -> Pin:
    """How firmly the content is named: the weakest of what a matrix makes of it."""
    if "${{" not in uses.text:
        return pin(uses.text)
    return min((pin(text) for text in possible(uses.text, matrix) or (uses.text,)), key=_FIRMNESS.index)


def use_of(reading: Reading, node: Node, text: str, inputs: Mapping[str, str], variables: Mapping[str, str]) -> Use:
    """A remote `uses` with what surrounds it; the comment on its line often names a digest's version."""
    name, ref = split(text)
    lines = reading.lines.get(node.path, ())
    line = lines[node.line - 1] if node.line <= len(lines) else ""
    comment = line.partition(" #")[2].strip()
    # The runner passes inputs as INPUT_NAME in capitals: `PUSH: true` is `push: true`.
    return Use(text, name, ref, {key.lower(): value for key, value in inputs.items()}, variables, node.source, comment)


def _uses(reading: Reading, node: Node, inputs: Mapping[str, str], matrix: Matrix, scope: Scope) -> list[Use]:
    """What a `uses` can be, a matrix written out; itself where that cannot be told."""
    found = possible(node.text, matrix) if "${{" in node.text else None
    written = sorted(found) if found else [node.text]
    reading.include(node, "action", None)
    return [use_of(reading, node, text, inputs, scope.environment) for text in written]


def _remote(use: Use) -> tuple[Act, ...]:
    if use.name == "actions/github-script":
        published = _RELEASES_API.search(use.inputs.get("script", ""))
        return (Act("publish", use.name, use.source, "GitHub release"),) if published else ()
    if (script := SCRIPTS.get(use.name)) is not None:
        return recognise(use.inputs.get(script, ""), use.source, use.environment)
    found = action(use)
    if found is not None:
        return found
    shown = use.text.partition("@")[0][:100]
    return (Act("unread", shown, use.source, note=f"what `{shown}` does is not known"),)


def _facts_of(use: Use) -> Iterator[Fact]:
    if (cache := cache_use(use)) is not None:
        yield cache
    if use.text.startswith("docker://"):
        image = use.text.removeprefix("docker://")
        yield ImageUse(use.source, image, "step", image_pin(image))
    yield from taken(use)


def _other_project(node: Node) -> bool:
    """The step checks out another repository over this one, so that paths lead into that one from here on."""
    inputs = node.get("with")
    if inputs is None or split(text_of(node.get("uses")) or "")[0] != "actions/checkout":
        return False
    named = text_of(inputs.get("repository"))
    return named is not None and "github.repository" not in named and text_of(inputs.get("path")) in {None, "."}


def _run(reading: Reading, node: Node, run: Node, scope: Scope) -> tuple[Act, ...]:
    shell = text_of(node.get("shell")) or scope.shell
    if shell is not None and shell.split(" ")[0] in _OTHER_LANGUAGES:
        return (Act("unread-script", shell[:40], run.source, note=f"a {shell[:40]} script was not read"),)
    first = Source(run.path, run.line + 1, run.column) if run.style in {"|", ">"} else run.source
    directory = text_of(node.get("working-directory")) or scope.directory
    return recognise(run.text, first, scope.environment, reading.folder, directory, shell)


def _local(
    reading: Reading, uses: Node, inputs: Mapping[str, str], around: Around
) -> tuple[tuple[Act, ...], list[StepFacts]]:
    """A local action: the steps of a composite with its inputs filled in, or a program that was not read."""
    folder = local_path(uses.text)
    unread = Act("unread", uses.text, uses.source)
    if around.depth >= MAX_DEPTH:
        reading.include(uses, "action", None)
        return (replace(unread, note="local actions are nested too deeply to be followed"),), []
    for name in ("action.yml", "action.yaml"):
        root = reading.open(f"{folder}/{name}" if folder else name, uses.source)
        if root is not None:
            break
    reading.include(uses, "action", root is not None)
    if root is None:
        return (replace(unread, note=f"the local action `{uses.text[:80]}` was not found here"),), []
    runs = root.get("runs")
    using = text_of(runs.get("using")) if runs is not None else None
    if runs is None or using != "composite":
        note = f"the local action `{uses.text[:80]}` is a program and was not read"
        return (Act("code", uses.text, uses.source), replace(unread, note=note)), []
    steps = runs.get("steps")
    if steps is not None:
        steps = reading.filled(steps, _composite(root, inputs))
    scope = replace(around.scope, steps={}, shell=None, directory="")
    return (), read_steps(reading, steps, replace(around, scope=scope, depth=around.depth + 1))


def _composite(root: Node, inputs: Mapping[str, str]) -> Given:
    """`inputs.name` as the caller gives it: in a composite action all inputs are texts, and no others are there."""
    known = given_inputs(root.get("inputs"), inputs)
    return lambda name: known.get(name[7:], "") if name.startswith("inputs.") and "*" not in name else None

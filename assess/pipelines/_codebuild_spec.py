"""A CodeBuild buildspec as jobs: the phases of one build, or the builds of a batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from assess import _yaml
from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import ExternalParameter, Source
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._reader import MAX_JOBS, Reading
from assess.pipelines._values import first_line, scalars, text, texts, words

_TOP = """
version run-as env proxy batch phases reports artifacts cache
"""
_KEYS = frozenset(_TOP.split())
_PHASES = ("install", "pre_build", "build", "post_build")
_ENV = frozenset(
    {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"}
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands around a buildspec: the project that holds it, or nothing."""

    name: str = "build"
    source: Source | None = None
    prefix: str = ""


def is_buildspec(root: Node) -> bool:
    """It has phases or a batch, which every buildspec has."""
    return root.kind == "mapping" and (root.get("phases") is not None or root.get("batch") is not None)


def read_buildspec(reading: Reading, root: Node, setting: Setting, depth: int = 0) -> list[Draft]:
    """The jobs of a buildspec, not yet finished."""
    reading.unknown_keys(root, _KEYS, "buildspec")
    variables = _variables(reading, root, declare=depth == 0)
    batch = root.get("batch")
    if batch is None or depth > 0:
        draft = Draft(reading, setting.source or root.source, setting.prefix + setting.name, runner="hosted")
        fill_in(draft, root, variables)
        return [draft]
    return _batch(reading, root, batch, variables, setting)


def fill_in(draft: Draft, root: Node, variables: Mapping[str, str]) -> None:
    """Everything that a buildspec says of the build that runs it."""
    draft.variables = {**variables, **draft.variables}
    env = root.get("env")
    for kind in ("secrets-manager", "parameter-store"):
        section = env.get(kind) if env is not None else None
        for name, _ in section.items() if section is not None else ():
            draft.secret(name.source, name.text)
    _cache(draft, root.get("cache"))
    phases = root.get("phases")
    for key, phase in phases.items() if phases is not None else ():
        if key.text not in _PHASES:
            draft.reading.note(key.source, f"unknown phase {key.text[:60]!r}")
        _phase(draft, key.text, phase)
    if phases is None and root.get("batch") is None:
        draft.reading.note(root.source, "the buildspec has no phases")
    _artifacts(draft, root.get("artifacts"))


def _phase(draft: Draft, name: str, phase: Node) -> None:
    failing = text(phase.get("on-failure"))
    tolerated = failing == "CONTINUE"
    for key in ("commands", "finally"):
        commands = phase.get(key)
        condition = "always()" if key == "finally" else None
        for node in scalars(commands):
            draft.run(node, name=name, condition=condition, tolerated=tolerated)
        for node in commands or ():
            if node.kind == "mapping":
                draft.reading.note(node.source, "a command is a mapping: it holds `: ` and is not quoted")
                draft.act(Act("unread", "command", node.source))


def _variables(reading: Reading, root: Node, declare: bool) -> dict[str, str]:
    """The variables of `env`; whoever starts a build can give them other values."""
    env = root.get("env")
    if env is None:
        return {}
    reading.unknown_keys(env, _ENV, "env")
    variables = env.get("variables")
    if declare and variables is not None:
        for key, _ in variables.items():
            reading.parameters.append(ExternalParameter(key.source, key.text, "variable"))
        reaching(reading)
    return texts(variables)


def reaching(reading: Reading) -> None:
    """From now on the variables that were declared are looked for in commands."""
    names = [re.escape(one.name) for one in reading.parameters if re.fullmatch(r"\w+", one.name)]
    if names:
        reading.parameter = re.compile(r"\$\{?(" + "|".join(dict.fromkeys(names)) + r")\b")


def _cache(draft: Draft, cache: Node | None) -> None:
    """Paths to cache; whether there is a cache is the project's setting, so that it is not sure."""
    if cache is None:
        return
    draft.cache(cache.source, "buildspec cache", text(cache.get("key")), None, None, None, sure=False)


def _artifacts(draft: Draft, artifacts: Node | None) -> None:
    if artifacts is None:
        return
    for one in scalars(artifacts.get("files")):
        draft.give(one.source, "artifacts", one.text)
    more = artifacts.get("secondary-artifacts")
    for key, _ in more.items() if more is not None else ():
        draft.give(key.source, "artifacts", key.text)


def _batch(reading: Reading, root: Node, batch: Node, variables: dict[str, str], setting: Setting) -> list[Draft]:
    found: list[Draft] = []
    for key in ("build-list", "build-graph"):
        for node in batch.get(key) or ():
            if len(found) >= MAX_JOBS:
                reading.note(node.source, f"more than {MAX_JOBS} builds: the rest was not read")
                break
            found.append(_build(reading, root, node, variables, setting))
    matrix = batch.get("build-matrix")
    fanout = batch.get("build-fanout")
    if matrix is not None or fanout is not None or not found:
        place = (matrix or fanout or root).source
        draft = Draft(reading, place, setting.prefix + setting.name, runner="hosted")
        draft.variants = _matrix(draft, matrix) if matrix is not None else 1
        if fanout is not None:
            parallel = fanout.get("parallelism")
            draft.variants = parallel.value if parallel is not None and isinstance(parallel.value, int) else None
        fill_in(draft, root, variables)
        found.append(draft)
    return found


def _matrix(draft: Draft, matrix: Node) -> int | None:
    count = 1
    for part in ("static", "dynamic"):
        section = matrix.get(part)
        if section is None:
            continue
        env = section.get("env")
        if env is not None:
            environment(draft, env)
            for image in scalars(env.get("image")):
                draft.image(image, "job")
        specs = section.get("buildspec")
        lists = [] if part == "static" else [specs]
        if part == "dynamic" and env is not None:
            lists += [env.get("image"), env.get("type"), env.get("compute-type")]
            variables = env.get("variables")
            lists += list(variables.value.values()) if variables is not None and variables.kind == "mapping" else []
        for one in lists:
            count *= len(one.value) if one is not None and one.kind == "sequence" and one.value else 1
    return count


def _build(reading: Reading, root: Node, node: Node, variables: dict[str, str], setting: Setting) -> Draft:
    """One build of a batch: this buildspec or another one, with an environment of its own."""
    name = text(node.get("identifier")) or f"build{node.line}"
    identifier = node.get("identifier")
    draft = Draft(reading, (identifier or node).source, setting.prefix + name, runner="hosted")
    draft.needs = tuple(setting.prefix + one for one in words(node.get("depend-on")))
    ignored = node.get("ignore-failure")
    draft.continue_on_error = ignored.value if ignored is not None and isinstance(ignored.value, bool) else False
    env = node.get("env")
    if env is not None:
        environment(draft, env)
        draft.variables.update(texts(env.get("variables")))
    other = node.get("buildspec")
    if other is None:
        fill_in(draft, root, variables)
    else:
        opened = inline(reading, other) if "\n" in other.text else _local(reading, other)
        if opened is None:
            note = f"the buildspec `{other.text[:80]}` was not found here"
            draft.act(Act("unread", other.text[:80], other.source, note=note))
        else:
            fill_in(draft, opened, {**variables, **_variables(reading, opened, declare=False)})
    return draft


def _local(reading: Reading, name: Node) -> Node | None:
    opened = None if name.text.startswith(("arn:", "s3:")) else reading.open(name.text.removeprefix("./"), name.source)
    reading.include(name.source, name.text, "buildspec", "local", opened is not None)
    return opened


def environment(draft: Draft, env: Node) -> None:
    """The machine of a build: image, type, and whether it is of a reserved fleet, whose disks outlive a build."""
    if (image := env.get("image")) is not None and image.kind == "scalar":
        draft.image(image, "job")
    parts = [text(env.get(key)) for key in ("type", "compute-type")]
    if (fleet := text(env.get("fleet"))) is not None:
        parts.append(f"fleet {fleet}")
    draft.runner_label = ", ".join(one for one in parts if one) or draft.runner_label


def inline(reading: Reading, node: Node) -> Node | None:
    """A buildspec that stands as text in another file; its places are those of the text."""
    try:
        documents = _yaml.read(node.text.encode("utf-8", "replace"), node.path)
    except InputError as error:
        reading.note(node.source, f"the inline buildspec could not be read: {error.message}")
        return None
    if len(documents.roots) != 1 or not is_buildspec(documents.roots[0]):
        reading.note(node.source, "the inline buildspec is not one mapping with phases")
        return None
    start = first_line(node).line or 1
    return _moved(documents.roots[0], start, node.style == "|")


def _moved(root: Node, start: int, by_line: bool) -> Node:
    """The tree with its lines as in the outer file; all on one line where the text is not written line by line."""
    made = replace(root, line=root.line + start - 1 if by_line else start)
    match made.kind:
        case "sequence":
            made.value = tuple(_moved(one, start, by_line) for one in root.value)
        case "mapping":
            made.value = {key: _moved(one, start, by_line) for key, one in root.value.items()}
            made.keys = {key: _moved(one, start, by_line) for key, one in (root.keys or {}).items()}
        case _:
            pass
    return made

"""The definitions of a CircleCI configuration: commands, executors, jobs and orbs, with parameters filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from assess._yaml import Node
from assess.evidence import RunnerKind
from assess.pipelines._draft import Draft
from assess.pipelines._reader import Reading
from assess.pipelines._values import Pin, scalars, text, texts

_PARAMETER = re.compile(r"(?<!\\)<<\s*parameters\.([\w-]+)\s*>>")
_WHOLE = re.compile(r"\s*<<\s*parameters\.([\w-]+)\s*>>\s*\Z")
_EXACT = re.compile(r"\d+\.\d+\.\d+\Z")

Scope = Mapping[str, Node]


@dataclass(slots=True)
class Config:
    """All definitions by name; those of an inline orb under `orb/name`."""

    reading: Reading
    commands: dict[str, Node] = field(default_factory=dict)
    executors: dict[str, Node] = field(default_factory=dict)
    jobs: dict[str, Node] = field(default_factory=dict)
    orbs: dict[str, str] = field(default_factory=dict)
    """Name to reference: `node` to `circleci/node@5.0.0`."""

    def define(self, root: Node, prefix: str = "", depth: int = 0) -> None:
        """Take in the definitions of a configuration, or of an inline orb."""
        for key, kept in (("commands", self.commands), ("executors", self.executors), ("jobs", self.jobs)):
            section = root.get(key)
            for name, node in section.items() if section is not None else ():
                kept[prefix + name.text] = node
        orbs = root.get("orbs")
        for name, node in orbs.items() if orbs is not None else ():
            if node.kind == "mapping":
                if depth < 5:
                    self.define(node, f"{prefix}{name.text}/", depth + 1)
                continue
            self.orbs[prefix + name.text] = node.text
            self.reading.include(name.source, node.text, "orb", orb_pin(node.text), False)

    def orb_of(self, name: str) -> tuple[str, str] | None:
        """(orb without its version, what of it) of `node/install`; None where no orb has that name."""
        alias, _, what = name.rpartition("/")
        found = self.orbs.get(alias)
        return None if found is None else (found.partition("@")[0], what)


def orb_pin(reference: str) -> Pin:
    """Full versions of orbs cannot change; `volatile`, `dev:x`, `1` and `1.2` move."""
    version = reference.partition("@")[2]
    if any(mark in version for mark in ("<<", "$")):
        return "unknown"
    return "tag" if _EXACT.match(version) else "branch"


def fill(written: str, scope: Scope) -> str:
    """A text with the parameters that are known put in."""
    if "<<" not in written:
        return written

    def value(match: re.Match[str]) -> str:
        found = scope.get(match.group(1))
        return found.text if found is not None and found.kind == "scalar" else match.group()

    return _PARAMETER.sub(value, written)


def given(node: Node | None, scope: Scope) -> Node | None:
    """A value, or what a parameter that stands for all of it holds: lists of steps, executors."""
    match = None if node is None or node.kind != "scalar" else _WHOLE.match(node.text)
    return node if match is None else scope.get(match.group(1), node)


def scope_of(definition: Node, call: Node | None, scope: Scope) -> dict[str, Node]:
    """The parameters of a command, executor or job: what the call gives, else the defaults."""
    declared = definition.get("parameters")
    found: dict[str, Node] = {}
    for name, one in declared.items() if declared is not None else ():
        default = one.get("default")
        if default is not None:
            found[name.text] = default
    for name, value in call.items() if call is not None else ():
        made = given(value, scope)
        if made is not None:
            found[name.text] = _filled(made, scope)
    return found


def _filled(node: Node, scope: Scope) -> Node:
    if node.kind != "scalar" or "<<" not in node.text:
        return node
    value = fill(node.text, scope)
    return Node("scalar", value, node.path, node.line, node.column, value, style=node.style)


def environment_of(node: Node | None, scope: Scope) -> dict[str, str]:
    """`environment` as a mapping or a list of mappings."""
    if node is None:
        return {}
    found = texts(node)
    for one in node:
        found.update(texts(one))
    return {name: fill(value, scope) for name, value in found.items()}


def place_job(config: Config, draft: Draft, job: Node, scope: Scope, depth: int = 0) -> None:
    """Where a job runs: its executor, images, resource class and layer caching."""
    executor = given(job.get("executor"), scope)
    if executor is not None and depth < 5:
        _executor(config, draft, executor, scope, depth)
    variables = environment_of(job.get("environment"), scope)
    draft.variables.update(variables)
    hosted: RunnerKind | None = None
    for at, container in enumerate(job.get("docker") or ()):
        hosted = "hosted"
        _container(draft, container, scope, at == 0)
    machine, macos = job.get("machine"), job.get("macos")
    if machine is not None or macos is not None:
        hosted = "hosted"
        node = machine or macos
        image = text(node.get("image")) if node is not None and node.kind == "mapping" else text(node)
        xcode = text(macos.get("xcode")) if macos is not None else None
        label = (
            f"xcode {fill(xcode, scope)}" if xcode else fill(image, scope) if image and image != "true" else "machine"
        )
        draft.runner_label = label
        if node is not None and (caching := node.get("docker_layer_caching")) is not None:
            layers(draft, caching, scope)
    if hosted is not None:
        draft.runner = hosted
    _resource(draft, job.get("resource_class"), scope)


def _resource(draft: Draft, node: Node | None, scope: Scope) -> None:
    if node is None:
        return
    resource = fill(node.text, scope)
    if "<<" in resource:
        draft.runner = None
    elif "/" in resource:
        draft.runner = "self-hosted"
    elif draft.runner is None:
        draft.runner = "hosted"
    draft.runner_label = resource if draft.runner_label is None else f"{draft.runner_label}, {resource}"


def layers(draft: Draft, node: Node, scope: Scope) -> None:
    """`docker_layer_caching`: a volume that other runs of the project wrote."""
    value = fill(node.text, scope)
    if value == "false":
        return
    sure = value == "true"
    draft.cache(node.source, "docker_layer_caching", None, True if sure else None, True if sure else None, True, sure)


def _executor(config: Config, draft: Draft, executor: Node, scope: Scope, depth: int) -> None:
    named = executor.get("name") if executor.kind == "mapping" else executor
    name = fill(named.text, scope) if named is not None else ""
    definition = config.executors.get(name)
    if definition is not None:
        inner = scope_of(definition, executor if executor.kind == "mapping" else None, scope)
        place_job(config, draft, definition, inner, depth + 1)
    elif config.orb_of(name) is not None:
        draft.runner, draft.runner_label, draft.images_unknown = "hosted", name, True
        if executor.kind == "mapping":
            _resource(draft, executor.get("resource_class"), scope)
    else:
        draft.images_unknown = True
        config.reading.note(executor.source, f"the executor {name[:60]!r} is not defined here")


def _container(draft: Draft, node: Node, scope: Scope, first: bool) -> None:
    image = node.get("image") if node.kind == "mapping" else node
    if image is None:
        return
    draft.image(image, "job" if first else "service", fill(image.text, scope))
    if first:
        draft.variables.update(environment_of(node.get("environment"), scope))
    for key in ("auth", "aws_auth"):
        found = node.get(key)
        for _, value in found.items() if found is not None else ():
            for one in scalars(value):
                draft.secrets_in(one.text, one.source)

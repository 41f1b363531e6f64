"""Drone: recognised. Each pipeline of `.drone.yml` is a job; runners are somebody's own machines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.evidence import Trigger
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import JobFacts, PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "drone"
_PLACE = re.compile(
    r"(?:^|/)\.drone(?:\.[\w-]+)?\.(?:ya?ml|star|jsonnet)\Z|(?:^|/)\.drone/[^/]+\.(?:ya?ml|star|jsonnet)\Z"
)
_EVENTS = ("push", "pull_request", "tag")
_OUTSIDERS = re.compile(
    r"(?<!\$)\$\{(DRONE_(?:COMMIT_MESSAGE|COMMIT_AUTHOR\w*|SOURCE_BRANCH|PULL_REQUEST_TITLE|BRANCH|COMMIT_BRANCH|TAG"
    r"|COMMIT_REF))\b"
)


def discover(folder: Folder) -> tuple[str, ...]:
    """`.drone.yml` and its like."""
    return tuple(name for name in folder.walk() if recognises(name))


def recognises(path: str) -> bool:
    """The path has Drone's name."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One file as facts. Raises InputError if it is not YAML, or is made by a program."""
    from assess.errors import InputError
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import documents_of, text

    if path.endswith((".star", ".jsonnet")):
        raise InputError("the pipeline is made by a program (Starlark or Jsonnet), which is not run", f"{path}:1")
    reading = Reading(
        folder, path, NAME, depth="recognised", taint=_OUTSIDERS, can_sign=False, directory="", one_shell=True
    )
    reading.secret_variable = None
    documents = documents_of(data, path)
    for problem in documents.problems:
        reading.note(problem.source, problem.text)
    jobs: list[JobFacts] = []
    triggers: dict[Trigger, None] = {}
    roots = [one for one in documents.roots if one.kind == "mapping"]
    if not roots:
        raise InputError("not a pipeline (it holds no mapping)", path)
    for root in roots:
        kind = text(root.get("kind"))
        if kind not in {None, "pipeline"}:
            continue
        if (steps := root.get("steps") or root.get("pipeline")) is None:
            reading.note(root.source, "a pipeline has no steps")
            continue
        jobs.append(_pipeline(reading, root, steps, len(roots) > 1))
        _triggers(root, triggers)
    return reading.pipeline(roots[0].source, "", jobs, tuple(triggers))


def _pipeline(reading: Reading, root: Node, steps: Node, many: bool) -> JobFacts:
    from assess.pipelines._draft import Draft
    from assess.pipelines._values import text, words

    named = root.get("name")
    kind = text(root.get("type")) or "docker"
    draft = Draft(reading, (named or root).source, text(named) or ("default" if not many else f"pipeline-{root.line}"))
    draft.runner = "unknown"
    platform = root.get("platform")
    parts = [text(platform.get(key)) for key in ("os", "arch")] if platform is not None else []
    draft.runner_label = " ".join([kind, *(one for one in parts if one)])
    draft.needs = words(root.get("depends_on"))
    trigger = root.get("trigger")
    draft.condition = condition_of(trigger)
    read_steps(draft, steps)
    services = root.get("services")
    for node in (*(services or ()), *(value for _, value in (services.items() if services is not None else ()))):
        if (image := node.get("image")) is not None:
            draft.image(image, "service")
    return draft.finish()


def read_steps(draft: Draft, steps: Node) -> None:
    """Steps as a list, or as a mapping of names (the form of 0.8)."""
    from assess.pipelines._plugin_images import plugin_step, secrets_of
    from assess.pipelines._values import scalars, text, texts

    pairs: list[tuple[str | None, Node]] = [(key.text, node) for key, node in steps.items()] or [
        (text(node.get("name")), node) for node in steps
    ]
    for name, node in pairs:
        if node.kind != "mapping":
            draft.reading.note(node.source, "a step is no mapping")
            continue
        secrets_of(draft, node)
        condition = condition_of(node.get("when"))
        tolerated = text(node.get("failure")) == "ignore"
        image = node.get("image")
        if image is not None:
            draft.image(image, "step")
        commands = scalars(node.get("commands"))
        draft.moved = False
        where = text(node.get("directory"))
        for command in commands:
            draft.run(command, texts(node.get("environment")), name, condition, tolerated, directory=where)
        if not commands and image is not None and node.get("detach") is None:
            plugin_step(draft, node, image, name, condition, tolerated)


def condition_of(node: Node | None) -> str | None:
    """A `when` or `trigger` in one line."""
    if node is None:
        return None
    if node.kind == "scalar":
        return node.text
    if node.kind == "sequence":
        return " or ".join(condition_of(one) or "" for one in node)
    return ", ".join(f"{key.text}: {_shown(value)}" for key, value in node.items())


def _shown(node: Node) -> str:
    from assess.pipelines._values import words

    if node.kind == "mapping":
        return "{" + ", ".join(f"{key.text}: {_shown(value)}" for key, value in node.items()) + "}"
    return "[" + ", ".join(words(node)) + "]" if node.kind == "sequence" else node.text


def _triggers(root: Node, found: dict[Trigger, None]) -> None:
    """The events of a pipeline; without any, pushes, tags and pull requests all start it."""
    from assess.evidence import Trigger
    from assess.pipelines._values import words

    trigger = root.get("trigger")
    events = trigger.get("event") if trigger is not None else None
    names = words(events.get("include") if events is not None and events.kind == "mapping" else events) or _EVENTS
    for name in names:
        source = root.source if events is None else events.source
        found[Trigger(source, name, "contributor" if name == "pull_request" else "maintainer")] = None

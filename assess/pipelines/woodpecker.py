"""Woodpecker: recognised. Each workflow file is a job; agents are somebody's own machines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.evidence import Trigger
    from assess.pipelines._facts import PipelineFacts

NAME = "woodpecker"
_PLACE = re.compile(r"(?:^|/)\.woodpecker(?:/[^/]+)?\.ya?ml\Z")
_EVENTS = ("push", "tag", "pull_request")
_OUTSIDERS = re.compile(
    r"(?<!\$)\$\{(CI_(?:COMMIT_MESSAGE|COMMIT_AUTHOR\w*|COMMIT_BRANCH|COMMIT_SOURCE_BRANCH|COMMIT_PULL_REQUEST_LABELS"
    r"|COMMIT_REF|COMMIT_TAG|COMMIT_REFSPEC|PIPELINE_TITLE))\b"
)


def discover(folder: Folder) -> tuple[str, ...]:
    """The files in `.woodpecker`, or `.woodpecker.yml`."""
    return tuple(name for name in folder.walk() if recognises(name))


def recognises(path: str) -> bool:
    """The path is one where Woodpecker looks."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One workflow file as facts. Raises InputError if it is not YAML, or has no steps."""
    from assess.pipelines._draft import Draft
    from assess.pipelines._plugin_images import secrets_of
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import one_mapping, words
    from assess.pipelines.drone import condition_of, read_steps

    reading = Reading(
        folder, path, NAME, depth="recognised", taint=_OUTSIDERS, can_sign=False, directory="", one_shell=True
    )
    reading.secret_variable = None
    root = one_mapping(data, path, "workflow", reading, splice=True)
    name = path.rpartition("/")[2].rpartition(".")[0].removeprefix(".")
    draft = Draft(reading, root.source, name, runner="unknown")
    labels = root.get("labels")
    parts = [f"{key.text}={value.text}" for key, value in (labels.items() if labels is not None else ())]
    if (platform := root.get("platform")) is not None:
        parts.append(platform.text)
    draft.runner_label = ", ".join(parts) or None
    draft.needs = words(root.get("depends_on"))
    draft.condition = condition_of(root.get("when"))
    draft.variants = _variants(root.get("matrix"))
    steps = root.get("steps") or root.get("pipeline")
    if steps is None:
        reading.note(root.source, "the workflow has no steps")
    else:
        read_steps(draft, steps)
    services = root.get("services")
    for node in (*(services or ()), *(value for _, value in (services.items() if services is not None else ()))):
        if (image := node.get("image")) is not None:
            draft.image(image, "service")
        secrets_of(draft, node)
    clone = root.get("clone")
    for node in (*(clone or ()), *(value for _, value in (clone.items() if clone is not None else ()))):
        if (image := node.get("image")) is not None:
            draft.image(image, "step")
    return reading.pipeline(root.source, name, [draft.finish()], _triggers(root))


def _variants(matrix: Node | None) -> int | None:
    if matrix is None:
        return 1
    if (include := matrix.get("include")) is not None:
        return len(include.value) if include.kind == "sequence" else None
    count = 1
    for _, values in matrix.items():
        count *= max(len(values.value), 1) if values.kind == "sequence" else 1
    return count


def _triggers(root: Node) -> tuple[Trigger, ...]:
    """The events that its `when` names; without any, pushes, tags and pull requests all start it."""
    from assess.evidence import Trigger, TriggerTrust
    from assess.pipelines._values import words

    found: dict[Trigger, None] = {}
    when = root.get("when")
    nodes = tuple(when or ()) if when is not None and when.kind == "sequence" else (when,)
    for node in nodes:
        events = node.get("event") if node is not None else None
        for name in words(events) or _EVENTS:
            trust: TriggerTrust = "contributor" if name.startswith("pull_request") else "maintainer"
            found[Trigger((events or node or root).source, name, trust)] = None
    return tuple(found)

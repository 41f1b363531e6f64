"""Cirrus CI: recognised. Each task of `.cirrus.yml` is a job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.evidence import RunnerKind
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "cirrus"
_PLACE = re.compile(r"(?:^|/)\.cirrus(?:\.[\w-]+)?\.(?:ya?ml|star)\Z")
_TASK = re.compile(r"(?:(.*)_)?(task|docker_builder|pipe)(?: \(\d+\))?\Z")
_INSTANCES: dict[str, RunnerKind] = {
    "container": "hosted", "arm_container": "hosted", "windows_container": "hosted", "macos_instance": "hosted",
    "osx_instance": "hosted", "freebsd_instance": "hosted", "compute_engine_instance": "hosted",
    "persistent_worker": "self-hosted", "gke_container": "unknown", "gce_instance": "unknown",
    "ec2_instance": "unknown",
    "aks_container": "unknown", "eks_container": "unknown", "azure_container_instance": "unknown",
    "oracle_cloud_container": "unknown", "anka_instance": "unknown",
}  # fmt: skip
_ENCRYPTED = re.compile(r"ENCRYPTED\[")


def discover(folder: Folder) -> tuple[str, ...]:
    """`.cirrus.yml`."""
    return tuple(name for name in folder.walk() if "/" not in name and recognises(name))


def recognises(path: str) -> bool:
    """The path has Cirrus' name."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One file as facts. Raises InputError if it is not YAML, no mapping, or made by a program."""
    from assess.errors import InputError
    from assess.evidence import Trigger
    from assess.pipelines._reader import MAX_JOBS, Reading
    from assess.pipelines._values import one_mapping, text

    if path.endswith(".star"):
        raise InputError("the configuration is made by a program (Starlark), which is not run", f"{path}:1")
    reading = Reading(folder, path, NAME, depth="recognised", directory="", one_shell=True)
    root = one_mapping(data, path, "configuration", reading, repeat=True)
    if folder.peek(path.removesuffix("yml").removesuffix("yaml") + "star", 1):
        reading.note(root.source, "`.cirrus.star` beside it may add tasks")
    drafts: list[Draft] = []
    named: dict[str, list[str]] = {}
    for name, node in root.value.items():
        match = _TASK.match(name)
        if match is None or node.kind != "mapping":
            continue
        key = root.keys[name] if root.keys is not None else node
        if len(drafts) >= MAX_JOBS:
            reading.note(key.source, f"more than {MAX_JOBS} tasks: the rest was not read")
            break
        draft = _task(reading, root, key, node, match.group(1) or "", match.group(2), len(drafts))
        for alias in {draft.id, text(node.get("alias")) or draft.id, match.group(1) or draft.id}:
            named.setdefault(alias, []).append(draft.id)
        drafts.append(draft)
    for draft in drafts:
        draft.needs = tuple(
            dict.fromkeys(one for name in draft.needs for one in named.get(name, ()) if one != draft.id)
        )
    if not drafts:
        reading.note(root.source, "the configuration has no tasks")
    triggers = (Trigger(root.source, "push", "maintainer"), Trigger(root.source, "pull_request", "contributor"))
    return reading.pipeline(root.source, "", [one.finish() for one in drafts], triggers)


def _task(reading: Reading, root: Node, key: Node, node: Node, short: str, kind: str, at: int) -> Draft:
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import Act
    from assess.pipelines._values import text, truth, words

    name = text(node.get("name")) or short or f"task-{at + 1}"
    draft = Draft(reading, key.source, name, needs=words(node.get("depends_on")))
    draft.condition = text(node.get("only_if")) or text(root.get("only_if"))
    if text(node.get("trigger_type")) == "manual":
        draft.condition = " and ".join(one for one in (draft.condition, "manual") if one)
    draft.continue_on_error = truth(node.get("allow_failures"))
    for env in (root.get("env"), root.get("environment"), node.get("env"), node.get("environment")):
        _env(draft, env)
    _place(draft, node)
    if draft.runner is None:
        _place(draft, root)
    draft.variants = _variants(node)
    if kind == "docker_builder":
        draft.runner, draft.runner_label = "hosted", "docker_builder"
        draft.act(Act("code", "docker_builder", key.source))
    if kind == "pipe":
        for step in node.get("steps") or ():
            _place(draft, step)
            _instructions(draft, step, None)
    _instructions(draft, node, None)
    return draft


def _env(draft: Draft, env: Node | None) -> None:
    for key, value in env.items() if env is not None else ():
        if value.kind == "scalar" and _ENCRYPTED.search(value.text):
            draft.secret(key.source, key.text)
        elif value.kind == "scalar":
            draft.variables[key.text] = value.text
        elif value.kind == "mapping" and value.get("matrix") is None:
            draft.secret(key.source, key.text)


def _place(draft: Draft, node: Node) -> None:
    from assess.pipelines._values import scalars, text

    for key, value in node.items():
        if key.text not in _INSTANCES:
            continue
        draft.runner = _INSTANCES[key.text]
        image = value.get("image") if value.kind == "mapping" else None
        several = image.get("matrix") if image is not None else None
        for one in scalars(several) if several is not None else (image,) if image is not None else ():
            if "container" in key.text:
                draft.image(one, "job")
        shown = text(image) or text(value.get("image_family")) if value.kind == "mapping" else None
        draft.runner_label = f"{key.text} {shown}" if shown and "container" not in key.text else key.text
        if value.kind == "mapping" and (file := value.get("dockerfile")) is not None:
            draft.images_unknown = True
            draft.runner_label = f"{key.text} {file.text}"
        _env(draft, value.get("env") if value.kind == "mapping" else None)
        for service in (value.get("additional_containers") if value.kind == "mapping" else None) or ():
            if (extra := service.get("image")) is not None:
                draft.image(extra, "service")


def _variants(node: Node, depth: int = 0) -> int | None:
    """How many tasks a `matrix`, wherever it stands inside, makes of one."""
    if depth > 8 or node.kind != "mapping":
        return 1
    count = 1
    for key, value in node.items():
        if key.text.startswith("matrix"):
            count *= len(value.value) if value.kind == "sequence" and value.value else 1
            for one in value:
                _variants(one, depth + 1)
        else:
            count *= _variants(value, depth + 1) or 1
    return count


def _instructions(draft: Draft, node: Node, condition: str | None, depth: int = 0) -> None:
    """Scripts, caches and artifacts in their order; `always`, `on_failure` and rows of a matrix hold more of them."""
    from assess.evidence import Step
    from assess.pipelines._values import scalars, text

    if depth > 6:
        return
    for key, value in node.items():
        name = key.text.partition(" (")[0]
        if name in {"always", "on_failure", "on_success"}:
            _instructions(draft, value, name, depth + 1)
        elif name == "matrix":
            for row in value:
                _instructions(draft, row, "matrix", depth + 1)
                _place(draft, row)
        elif name == "script" or name.endswith("_script"):
            for one in scalars(value):
                draft.run(one, name=name, condition=condition)
        elif name == "cache" or name.endswith("_cache"):
            fingerprint = value.get("fingerprint_key") or value.get("fingerprint_script")
            draft.cache(key.source, name, text(fingerprint), True, True, None)
            for part in ("fingerprint_script", "populate_script"):
                for one in scalars(value.get(part)):
                    draft.run(one, name=f"{name} {part}", condition=condition)
            draft.step(Step(source=key.source, uses=name, does=("cache",)))
        elif name == "artifacts" or name.endswith("_artifacts"):
            for one in scalars(value.get("path") or value.get("paths")):
                draft.give(one.source, name, one.text)
        elif name in {"http_cache", "upload_caches"}:
            continue

"""What starts a Cloud Build: triggers as Config Connector or exported YAML, and simple ones in Terraform."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import Source, Trigger, TriggerTrust
from assess.pipelines._cloudbuild_fields import camelled, child
from assess.pipelines._files import Folder
from assess.pipelines._values import documents_of, text

MAX_FILES = 300
MAX_SIZE = 512 * 1024
_TERRAFORM = re.compile(r'resource\s+"google_cloudbuild_trigger"\s+"([^"]+)"\s*\{')
_ATTRIBUTE = re.compile(r'\b(filename|path|branch|tag|comment_control|invert_regex)\s*=\s*"([^"\n]*)"')
_BLOCK = re.compile(r"\b(push|pull_request|trigger_template|pubsub_config|webhook_config|approval_config)\s*\{")


@dataclass(frozen=True, slots=True)
class Started:
    """A trigger and the file whose build it starts; `filename` None where it carries the build itself."""

    filename: str | None
    trigger: Trigger


def is_trigger(root: Node) -> bool:
    """A document of Config Connector's kind, or an exported trigger."""
    if text(root.get("kind")) == "CloudBuildTrigger":
        return True
    named = any(
        root.get(name) is not None for name in ("github", "triggerTemplate", "repositoryEventConfig", "sourceToBuild")
    )
    return named and (root.get("filename") is not None or root.get("build") is not None)


def triggers_of(root: Node) -> tuple[Started, ...]:
    """What a trigger's document (keys as documented) says of who starts the build."""
    spec = root.get("spec") or root
    filename = text(spec.get("filename")) or text(child(spec.get("gitFileSource"), "path"))
    found: list[Trigger] = []
    for name in ("github", "repositoryEventConfig", "bitbucketServerTriggerConfig", "gitlabEnterpriseEventsConfig"):
        events = spec.get(name)
        for event in ("push", "pullRequest"):
            node = events.get(event) if events is not None else None
            if node is not None:
                found.append(_event(node, event))
    for name, event in (("triggerTemplate", "push"), ("pubsubConfig", "pubsub"), ("webhookConfig", "webhook")):
        if (node := spec.get(name)) is not None:
            branch = text(node.get("branchName")) or text(node.get("branch"))
            tag = text(node.get("tagName")) or text(node.get("tag"))
            found.append(_trigger(node.source, event, "maintainer", branch, tag))
    if not found and spec.get("sourceToBuild") is not None:
        found.append(_trigger(spec.value["sourceToBuild"].source, "manual", "maintainer", None, None))
    return tuple(Started(filename, one) for one in found)


def _event(node: Node, event: str) -> Trigger:
    branch, tag = text(node.get("branch")), text(node.get("tag"))
    if event == "push":
        return _trigger(node.source, "push", "maintainer", branch, tag)
    return _trigger(node.source, "pull_request", _of_requests(text(node.get("commentControl"))), branch, None)


def _of_requests(control: str | None) -> TriggerTrust:
    """Without comment control a pull request of anyone is built, with the build's own service account."""
    return "contributor" if control is not None and control.startswith("COMMENTS_ENABLED") else "anyone"


def _trigger(source: Source, event: str, trust: TriggerTrust, branch: str | None, tag: str | None) -> Trigger:
    either = branch is not None or tag is not None
    return Trigger(
        source, event, trust, branches=(branch,) if branch else (() if either else None),
        tags=(tag,) if tag else (() if either else None),
    )  # fmt: skip


def started_by(folder: Folder, path: str) -> tuple[Trigger, ...] | None:
    """The triggers found in the project that start the build of `path`; None if none of them names it."""
    found: list[Trigger] = []
    names = [
        name
        for name in folder.walk()
        if name.endswith(".tf") or ("trigger" in name and name.endswith((".yaml", ".yml")))
    ]
    for name in names[:MAX_FILES]:
        data = folder.peek(name, MAX_SIZE)
        if not data or (b"google_cloudbuild_trigger" not in data and b"filename" not in data):
            continue
        started = _terraform(name, data) if name.endswith(".tf") else _documents(name, data)
        mine = [one.trigger for one in started if one.filename is not None and one.filename.lstrip("./") == path]
        if mine:
            folder.read(name)
        found += mine
    return tuple(found) or None


def _documents(name: str, data: bytes) -> tuple[Started, ...]:
    try:
        roots = documents_of(data, name).roots
    except InputError:
        return ()
    made = [camelled(root) for root in roots if root.kind == "mapping"]
    return tuple(one for root in made if is_trigger(root) for one in triggers_of(root))


def _terraform(name: str, data: bytes) -> tuple[Started, ...]:
    """Blocks of Terraform with literal values; anything else is left alone."""
    written = data.decode("utf-8", "replace")
    found: list[Started] = []
    for resource in _TERRAFORM.finditer(written):
        block = _braces(written, resource.end() - 1)
        values = _attributes(block)
        filename = values.get("filename") or values.get("path")
        for inner in _BLOCK.finditer(block):
            body = _braces(block, inner.end() - 1)
            own = _attributes(body)
            line = written.count("\n", 0, resource.end() - 1 + inner.start()) + 1
            kind = inner.group(1)
            if kind == "approval_config":
                continue
            trust = _of_requests(own.get("comment_control")) if kind == "pull_request" else "maintainer"
            event = {"trigger_template": "push"}.get(kind, kind.removesuffix("_config"))
            found.append(
                Started(filename, _trigger(Source(name, line), event, trust, own.get("branch"), own.get("tag")))
            )
    return tuple(found)


def _attributes(block: str) -> dict[str, str]:
    return {match.group(1): match.group(2) for match in _ATTRIBUTE.finditer(block)}


def _braces(written: str, begin: int) -> str:
    """From an opening brace to its closing one."""
    depth = 0
    for at in range(begin, len(written)):
        depth += {"{": 1, "}": -1}.get(written[at], 0)
        if depth == 0:
            return written[begin : at + 1]
    return written[begin:]

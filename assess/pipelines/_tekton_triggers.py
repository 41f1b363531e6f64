"""What starts a Tekton run: Pipelines-as-Code annotations, and event listeners of Tekton Triggers."""

from __future__ import annotations

import re

from assess._yaml import Node
from assess.evidence import Source, Trigger, TriggerTrust
from assess.pipelines._tekton_documents import Document
from assess.pipelines._values import text, words

PAC = "pipelinesascode.tekton.dev/"
_EVENT = re.compile(r"\bevent(?:_type)?\s*==\s*[\"']([\w-]+)[\"']|[\"']([\w-]+)[\"']\s*==\s*event\b")
_EVENTS = re.compile(r"\bevent(?:_type)?\s+in\s+\[([^\]]*)\]")
_NEGATED = re.compile(r"\bevent(?:_type)?\s*!=")
_BRANCH = re.compile(r"\btarget_branch\s*==\s*[\"']([^\"']+)[\"']")
_TRUST: dict[str, TriggerTrust] = {
    "push": "maintainer", "incoming": "maintainer", "pull_request": "contributor", "comment": "contributor",
    "merge_request": "contributor", "issue_comment": "contributor", "pull_request_review_comment": "contributor",
}  # fmt: skip


def listed(written: str) -> tuple[str, ...]:
    """The entries of an annotation's list: `[push, pull_request]` or a bare word."""
    inner = written.strip().removeprefix("[").removesuffix("]")
    return tuple(one.strip().strip("\"'") for one in inner.split(",") if one.strip())


def notes_of_pac(document: Document) -> dict[str, Node]:
    """The annotations of Pipelines-as-Code, by their name after the slash."""
    metadata = document.root.get("metadata")
    found = metadata.get("annotations") if metadata is not None else None
    if found is None:
        return {}
    return {key.text.removeprefix(PAC): value for key, value in found.items() if key.text.startswith(PAC)}


def of_run(document: Document) -> tuple[Trigger, ...] | None:
    """Who starts a run of Pipelines-as-Code; None where nothing says so (somebody creates it)."""
    found = notes_of_pac(document)
    branches = _branches(found)
    made: list[Trigger] = []
    cel = found.get("on-cel-expression")
    if cel is not None:
        # An expression counts alone: `on-event` and `on-target-branch` are ignored beside it.
        equal = tuple(dict.fromkeys(_BRANCH.findall(cel.text)))
        made += [_trigger(cel.source, event, equal or None) for event in _of_expression(cel.text)]
    elif (events := found.get("on-event")) is not None:
        made += [_trigger(events.source, event, branches) for event in listed(events.text)]
    if (comment := found.get("on-comment")) is not None:
        made.append(_trigger(comment.source, "comment", branches))
    if (label := found.get("on-label")) is not None and not made:
        made.append(_trigger(label.source, "pull_request", branches))
    return tuple(dict.fromkeys(made)) or None


def _branches(found: dict[str, Node]) -> tuple[str, ...] | None:
    node = found.get("on-target-branch")
    if node is None:
        return None
    patterns = listed(node.text)
    return () if patterns in {("*",), ("refs/heads/*",)} else patterns


def _of_expression(expression: str) -> tuple[str, ...]:
    """The events that a CEL expression names; both usual ones where it names none, or leaves some out."""
    named = [one or other for one, other in _EVENT.findall(expression)]
    for inside in _EVENTS.findall(expression):
        named += listed(inside)
    events = tuple(dict.fromkeys(named))
    return events if events and not _NEGATED.search(expression) else ("push", "pull_request")


def _trigger(source: Source, event: str, branches: tuple[str, ...] | None) -> Trigger:
    tags = None
    if branches is not None:
        tags = tuple(one for one in branches if one.startswith("refs/tags/"))
        branches = tuple(one for one in branches if not one.startswith("refs/tags/"))
    return Trigger(source, event, _TRUST.get(event, "contributor"), branches=branches, tags=tags)


def of_listeners(documents: tuple[Document, ...]) -> tuple[Trigger, ...] | None:
    """The events that the event listeners of a file let through."""
    made: list[Trigger] = []
    for document in documents:
        if document.kind not in {"EventListener", "Trigger"}:
            continue
        triggers = document.spec.get("triggers") if document.kind == "EventListener" else None
        for trigger in triggers if triggers is not None else (document.spec,):
            made += _of_interceptors(trigger)
    return tuple(made) or None


def _of_interceptors(trigger: Node) -> list[Trigger]:
    found: list[Trigger] = []
    guarded = False
    for one in trigger.get("interceptors") or ():
        github = next((one.get(name) for name in ("github", "gitlab", "bitbucket") if one.get(name) is not None), None)
        parameters = one.get("params")
        for parameter in parameters if parameters is not None else ():
            if text(parameter.get("name")) == "eventTypes" and (value := parameter.get("value")) is not None:
                found += [_trigger(item.source, item.text, None) for item in value if item.kind == "scalar"]
            guarded = guarded or text(parameter.get("name")) == "secretRef"
        types = github.get("eventTypes") if github is not None else None
        found += [_trigger(trigger.source, event, None) for event in words(types)]
        guarded = guarded or (github is not None and github.get("secretRef") is not None)
    if found:
        return found
    # A listener without interceptors takes any request that reaches it.
    return [] if guarded else [Trigger(trigger.source, "webhook", "anyone")]

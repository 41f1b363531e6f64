"""What starts a GitHub workflow: events with their trust and filters, and what whoever starts it can choose."""

from __future__ import annotations

from assess._yaml import Node
from assess.evidence import ExternalParameter, Trigger, TriggerTrust
from assess.pipelines._actions import ANYONE, CONTRIBUTOR
from assess.pipelines._github_reading import Reading

_STARTS = (("workflow_dispatch", "input"), ("workflow_call", "call-input"))


def read_triggers(reading: Reading, root: Node) -> tuple[Trigger, ...] | None:
    """The events of `on` in the order of the file; None, and noted, without any."""
    node = root.get("on")
    if node is None:
        reading.note(root.source, "the workflow names no trigger (`on`)")
        return None
    if node.kind == "mapping":
        return tuple(_filtered(key, value) for key, value in node.items())
    found = node if node.kind == "sequence" else (node,)
    return tuple(_bare(one) for one in found if one.kind == "scalar" and one.text)


def _bare(node: Node) -> Trigger:
    return Trigger(node.source, node.text, _trust(node.text), (), (), (), ())


def _filtered(key: Node, value: Node) -> Trigger:
    return Trigger(
        key.source,
        key.text,
        _trust(key.text),
        branches=_patterns(value, "branches"),
        tags=_patterns(value, "tags"),
        types=_texts(value.get("types")),
        pipelines=_texts(value.get("workflows")) if key.text == "workflow_run" else (),
    )


def _patterns(node: Node, name: str) -> tuple[str, ...]:
    left_out = (one if one.startswith("!") else "!" + one for one in _texts(node.get(name + "-ignore")))
    return (*_texts(node.get(name)), *left_out)


def _texts(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    return tuple(
        one.text for one in (node if node.kind == "sequence" else (node,)) if one.kind == "scalar" and one.text
    )


def _trust(event: str) -> TriggerTrust:
    if event in ANYONE:
        return "anyone"
    return "contributor" if event in CONTRIBUTOR else "maintainer"


def read_parameters(root: Node) -> tuple[ExternalParameter, ...]:
    """Inputs of manual starts (`input`) and of calling workflows (`call-input`), and the payload of an API start."""
    on = root.get("on")
    found: list[ExternalParameter] = []
    for event, kind in _STARTS:
        inputs = start.get("inputs") if on is not None and (start := on.get(event)) is not None else None
        found += [ExternalParameter(key.source, key.text, kind) for key, _ in inputs.items()] if inputs else []
    for one in _events(on):
        if one.text == "repository_dispatch":
            found.append(ExternalParameter(one.source, "client_payload", "payload"))
    return tuple(found)


def _events(on: Node | None) -> tuple[Node, ...]:
    if on is None:
        return ()
    if on.kind == "mapping":
        return tuple(key for key, _ in on.items())
    return tuple(on) if on.kind == "sequence" else (on,)

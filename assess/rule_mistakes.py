"""What is wrong with a rule file, in words and with lines; pydantic's errors taken apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from assess import _yaml
from assess._yaml import Node
from assess.audit import Audit, Case, Effect
from assess.evidence import COLLECTIONS
from assess.requirement import (
    Clause,
    Origin,
    Question,
    Remediation,
    Requirement,
    Some,
    check_condition,
)

_QUANTIFIERS = ("some", "every", "none", "count")
_SECTIONS: dict[str, type[BaseModel]] = {
    "source": Origin,
    "remediation": Remediation,
    "declared": Question,
    "clauses": Clause,
    "cases": Case,
    "effects": Effect,
}
_READINGS = ("demonstrated", "configured", "finds")


def place_of(node: Node, *path: str | int) -> str:
    """`path:line` of what stands at `path` below `node`."""
    source = _yaml.line_of(node, path)
    return f"{source.path}:{source.line}"


def mistakes(
    root: Node, invalid: ValidationError, model: type[Requirement] | type[Audit] = Requirement
) -> Iterator[tuple[str, str]]:
    """pydantic's errors in our words, each at its line; a wrong condition is taken apart to find all its mistakes."""
    for error in invalid.errors(include_url=False):
        steps = _steps(root, error["loc"])
        place = place_of(root, *steps)
        name = str(error["loc"][-1]) if error["loc"] else "the file"
        match error["type"]:
            case "extra_forbidden":
                yield place, f"no such key {name!r}{_near(name, _known(steps[:-1], model))}"
            case "missing":
                yield place, f"{name} is missing"
            case "value_error" if len(steps) == 2 and steps[0] in ("clauses", "cases"):
                yield from _clause_mistakes(root, steps) or [(place, _message(error))]
            case "value_error":
                yield from _condition_mistakes(root, steps) or [(place, _message(error))]
            case "too_short" if error.get("input"):
                pass  # its items have mistakes of their own, each told at its line
            case "literal_error" if name in _QUANTIFIERS:
                got = str(error.get("input"))
                yield place, f"{name}: no such collection {got[:60]!r}{_near(got, tuple(dict(COLLECTIONS)))}"
            case "condition":
                yield place, str(error["msg"])
            case _:
                yield place, f"{name}: {_message(error)} (got {str(error.get('input'))[:60]!r})"


def _message(error: Mapping[str, Any]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    return text.replace("Input should be", "should be").replace("Field required", "is missing")


def _steps(root: Node, loc: tuple[Any, ...]) -> tuple[str | int, ...]:
    """pydantic's location without the names of union members that it puts between, so that it leads through `root`."""
    steps: list[str | int] = []
    node: Node | None = root
    for index, part in enumerate(loc):
        below: Node | None = None
        if node is not None and node.kind == "mapping":
            below = node.get(str(part))
            # A union member's name (`some`) is also a key of the mapping that it names; it leads to a scalar.
            if below is None and index < len(loc) - 1:
                continue
            if below is not None and below.kind == "scalar" and index < len(loc) - 1:
                continue
        elif node is not None and node.kind == "sequence" and isinstance(part, int) and part < len(node.value):
            below = node.value[part]
        steps.append(part)
        node = below
    return tuple(steps)


def _known(parents: tuple[str | int, ...], top: type[BaseModel]) -> tuple[str, ...]:
    """The keys that a mapping at `parents` may have."""
    last = next((part for part in reversed(parents) if isinstance(part, str)), None)
    match last:
        case None:
            model: type[BaseModel] | None = top
        case "finds":
            return ("some", "where", "expect")
        case "demonstrated" | "configured" | "all" | "any":
            return ("some", "every", "none", "count", "all", "any", "where", "expect", "at-least")
        case _:
            model = _SECTIONS.get(last)
    if model is None:
        return ()
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _near(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, 1)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" (one of {', '.join(known)})" if known else ""


def _clause_mistakes(root: Node, steps: tuple[str | int, ...]) -> list[tuple[str, str]]:
    return [
        one
        for reading in _READINGS
        for one in _condition_mistakes(root, (*steps, reading), monotone=reading == "demonstrated")
    ]


def _condition_mistakes(root: Node, steps: tuple[str | int, ...], *, monotone: bool = False) -> list[tuple[str, str]]:
    """Every mistake of the condition at `steps`, line by line of its `where` and `expect`; [] if none is found."""
    node = _node_at(root, steps)
    if node is None:
        return []
    if steps and steps[-1] in ("where", "expect"):
        steps, node = steps[:-1], _node_at(root, steps[:-1]) or node
    found: list[tuple[str, str]] = []
    for name in ("all", "any"):
        for index, _ in enumerate(node.get(name) or ()):
            found += _condition_mistakes(root, (*steps, name, index), monotone=monotone)
    kind = next((kind for kind in _QUANTIFIERS if node.get(kind) is not None), None)
    collection = node.get(kind) if kind is not None else None
    if kind is None or collection is None:
        return found
    if monotone and kind != "some":
        found.append(
            (
                place_of(root, *steps, kind),
                "a demonstrated condition uses `some` only, so that dropping evidence never raises a level",
            )
        )
    for part in ("where", "expect"):
        matches = node.get(part)
        for key, value in matches.items() if matches is not None else ():
            text = _match_mistake(collection.text, key.text, _yaml.plain(value), monotone)
            if text is not None:
                found.append((f"{root.path}:{key.line}", text))
    return found


def _match_mistake(collection: str, path: str, value: object, monotone: bool) -> str | None:
    try:
        check_condition(Some.model_validate({"some": collection, "expect": {path: value}}), monotone=monotone)
    except ValidationError as invalid:
        return _message(dict(invalid.errors(include_url=False)[0]))
    except ValueError as problem:
        return _shorter(str(problem))
    return None


def _shorter(message: str) -> str:
    """Turns the list of all fields of a class into the one that was probably meant."""
    head, found, names = message.partition(" (has ")
    if not found:
        return message
    wrong = head.split("'")[1]
    near = get_close_matches(wrong, names.rstrip(")").split(", "), 1)
    return f"{head} (did you mean {near[0]!r}?)" if near else message


def _node_at(root: Node, steps: tuple[str | int, ...]) -> Node | None:
    node: Node | None = root
    for step in steps:
        if node is None:
            return None
        if node.kind == "mapping":
            node = node.get(str(step))
        elif node.kind == "sequence" and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            return None
    return node

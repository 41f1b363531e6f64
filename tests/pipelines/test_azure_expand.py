"""Template expressions of Azure Pipelines: every branch is taken, nothing is computed."""

from __future__ import annotations

from typing import Any

import pytest

from assess import _yaml
from assess.pipelines._azure_expand import ALTERNATIVES, CONDITION, Expander, alternatives, parameters_of


def load(text: str) -> _yaml.Node:
    return _yaml.load(text.encode(), "a.yml")


def expanded(text: str, scope: str = "{}") -> Any:
    given = {f"parameters.{key.text}": value for key, value in load(scope).items()}
    return _yaml.plain(Expander().expand(load(text), given))


@pytest.mark.parametrize(
    ("text", "scope", "expected"),
    [
        ("a: ${{ parameters.x }}", "{x: 3}", {"a": 3}),
        ("a: v${{ parameters.x }}-${{ parameters.y }}", "{x: 3}", {"a": "v3-${{ parameters.y }}"}),
        ("a: ${{ parameters.x.y }}", "{x: {y: [1]}}", {"a": [1]}),
        ("a: ${{ eq(parameters.x, 3) }}", "{x: 3}", {"a": "${{ eq(parameters.x, 3) }}"}),
        (
            "- ${{ if a }}:\n  - b: 1\n- ${{ else }}:\n  - c: 2",
            "{}",
            [{"b": 1, CONDITION: "a"}, {"c": 2, CONDITION: "else"}],
        ),
        ("- ${{ each i in parameters.x }}:\n  - n: ${{ i }}", "{x: [1, 2]}", [{"n": 1}, {"n": 2}]),
        ("- ${{ each i in parameters.x }}:\n  - ${{ i.key }}: ${{ i.value }}", "{x: {k: v}}", [{"k": "v"}]),
        ("- ${{ each i in parameters.unknown }}:\n  - n: ${{ i }}", "{}", [{"n": "${{ i }}"}]),
        ("- ${{ parameters.x }}\n- z", "{x: [a, b]}", ["a", "b", "z"]),
        ("${{ if a }}:\n  b: 1\nc: 2", "{}", {"b": 1, "c": 2}),
        ("${{ insert }}: ${{ parameters.x }}\nc: 2", "{x: {b: 1}}", {"b": 1, "c": 2}),
        ("p:\n  ${{ if a }}:\n    n: 1\n  ${{ else }}:\n    n: 2", "{}", {"p": {"n": {ALTERNATIVES: [1, 2]}}}),
    ],
)
def test_expanded(text: str, scope: str, expected: Any) -> None:
    assert expanded(text, scope) == expected


def test_alternatives_are_told_apart() -> None:
    node = Expander().expand(load("${{ if a }}:\n  n: 1\n${{ else }}:\n  n: 2\nm: 3\n"), {})
    assert [one.text for one in alternatives(node.get("n"))] == ["1", "2"]
    assert [one.text for one in alternatives(node.get("m"))] == ["3"]
    assert alternatives(node.get("none")) == ()


def test_places_are_kept() -> None:
    node = Expander().expand(load("- ${{ if a }}:\n  - b: ${{ parameters.x }}\n"), {"parameters.x": load("\n\nvalue")})
    (item,) = node
    value = item.get("b")
    assert value is not None and (value.text, value.line) == ("value", 2)


def test_a_templates_parameters() -> None:
    template = load("parameters: [{name: a, default: 1}, {name: b, default: 2}, {name: c}]")
    found = parameters_of(template, {"b": load("9")})
    assert {name: one.text for name, one in found.items()} == {"a": "1", "b": "9"}
    assert {name: one.text for name, one in parameters_of(load("parameters: {x: y}"), {}).items()} == {"x": "y"}


def test_the_budget_ends_it() -> None:
    expander = Expander()
    scope = {"parameters.x": load(str(list(range(300))))}
    expander.expand(load("- ${{ each a in parameters.x }}:\n  - ${{ each b in parameters.x }}:\n    - n: 1\n"), scope)
    assert expander.exhausted

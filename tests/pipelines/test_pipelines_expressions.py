"""GitHub's expressions: contexts, calls and possible values."""

from __future__ import annotations

import pytest

from assess.pipelines import _expression_values as values
from assess.pipelines import _expressions as expressions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", ()),
        ("${{ github.ref }}", ("github.ref",)),
        ("a ${{ github.sha }} b ${{ inputs.X }}", ("github.sha", "inputs.x")),
        ("${{ github['event']['inputs'].x }}", ("github.event.inputs.x",)),
        ("${{ github.event.commits.*.message }}", ("github.event.commits.*.message",)),
        ("${{ matrix[matrix.key] }}", ("matrix.*", "matrix.key")),
        ("${{ format('{0} }} {1}', a.b, c) }}", ("a.b", "c")),
        ("${{ fromJSON(needs.x.outputs.y).z == 'it''s' && !d || (e > -1.5e3) }}", ("needs.x.outputs.y", "d", "e")),
        ("${{ true && null || 0xff }}", ()),
        ("${{ broken ( }}", ()),
        ("${{ 'unclosed }}", ()),
        ("${{ }}", ()),
    ],
)
def test_contexts(text: str, expected: tuple[str, ...]) -> None:
    assert expressions.contexts(text) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("always()", {"always"}),
        ("${{ always() && needs.a.result == 'success' }}", {"always", "=="}),
        ("!cancelled()", {"!", "cancelled"}),
        ("'always()'", set()),
        ("github.ref == 'x'", {"=="}),
        ("Success() || startsWith(a, 'b')", {"success", "startswith"}),
    ],
)
def test_calls(condition: str, expected: set[str]) -> None:
    assert expressions.calls(condition) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a'", {"a"}),
        ("x && 'a' || 'b'", {"a", "b"}),
        ("m", {"1", "2"}),
        ("m || 'c'", {"1", "2", "c"}),
        ("unknown", None),
        ("format('{0}', m)", None),
        ("x && f() || 'b'", None),
    ],
)
def test_outcomes(text: str, expected: set[str] | None) -> None:
    tree = expressions.parse(text)
    assert tree is not None
    found = values.outcomes(tree, lambda one: frozenset({"1", "2"}) if one.path == ("m",) else None)
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "!" * 5_000,
        "a." * 9_000,
        "a || " * 3_000 + "a",
        "f(" * 3_000,
        "a[" * 3_000,
        "x" * 30_000,
        "a b",
        "@",
    ],
)
def test_hostile_expressions_are_not_understood(text: str) -> None:
    assert expressions.parse(text) is None


def test_long_but_fine() -> None:
    tree = expressions.parse(" || ".join(["a.b"] * 240))
    assert tree is not None
    assert len(list(expressions.walk(tree))) == 479
    assert values.outcomes(tree, lambda _: frozenset({"v"})) == {"v"}

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


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a == b && !c || d", "((a == b) && !c) || d"),
        ("a || b && c", "a || (b && c)"),
        ("a < b == c", "(a < b) == c"),
        ("!a == b", "!a == b"),
        ("!(a == b)", "!(a == b)"),
        ("a.b['c d'].*", "a.b['c d'].*"),
        ("f(a, 'it''s')[0].x", "f(a, 'it''s')[0].x"),
        ("'a' != null", "'a' != null"),
        ("-1.5e3 >= .5", "-1.5e3 >= .5"),
    ],
)
def test_operators_bind_as_github_says(text: str, shape: str) -> None:
    assert expressions.parse(text) is not None
    assert expressions.parse(text) == expressions.parse(shape)


def test_a_string_is_no_boolean() -> None:
    assert expressions.parse("'true'") == expressions.Literal("true")
    assert expressions.parse("true") == expressions.Literal("true", "boolean")


GIVEN = {
    "inputs.name": "x",
    "inputs.empty": "",
    "inputs.flag": "true",
    "inputs.ref": "${{ github.head_ref }}",
    "inputs.mixed": "v${{ github.sha }}-{0}",
    "inputs.quoted": "it's",
    "inputs.broken": "${{ ( }}",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a ${{ inputs.name }} b", "a x b"),
        ("${{ inputs.other }}", "${{ inputs.other }}"),
        ("${{ inputs.ref }}", "${{ github.head_ref }}"),
        ("${{ inputs.mixed }}", "${{ format('v{0}-{{0}}', github.sha) }}"),
        ("${{ inputs.name == 'X' }}", "true"),
        ("${{ inputs.name != 'x' && github.ref }}", "false"),
        ("${{ inputs.empty || github.ref }}", "${{ github.ref }}"),
        ("${{ inputs.flag == true }}", "${{ ('true' == true) }}"),
        ("${{ github.ref == inputs.quoted }}", "${{ (github.ref == 'it''s') }}"),
        ("${{ contains(inputs.name, 'X') && !startsWith(inputs.name, 'y') }}", "true"),
        ("${{ endsWith(inputs.name, github.ref) }}", "${{ endswith('x', github.ref) }}"),
        ("${{ inputs.broken }}", "${{ inputs.broken }}"),
        ("${{ broken ( }} ${{ inputs.name }}", "${{ broken ( }} x"),
        ("${{ github['a b'].c }} ${{ inputs.name }}", "${{ github['a b'].c }} x"),
    ],
)
def test_substitution(text: str, expected: str) -> None:
    assert values.substitute(text, GIVEN.get) == expected


def test_substitution_does_not_grow_without_end() -> None:
    text = "${{ inputs.a }}" * 1_000
    assert values.substitute(text, {"inputs.a": "y" * 1_000}.get) == text


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("inputs.name == 'x'", "true"),
        ("github.ref == 'y'", "github.ref == 'y'"),
        ("${{ inputs.name == 'y' }}", "false"),
        ("inputs.name == 'x' && github.ref == 'y'", "${{ (github.ref == 'y') }}"),
    ],
)
def test_conditions_are_folded(condition: str, expected: str) -> None:
    assert values.fold_condition(condition, GIVEN.get) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("always() && needs.a.result == 'success'", {"needs.a.result"}),
        ("always() && ('success' == needs.a.result && x)", {"needs.a.result"}),
        ("always() || needs.a.result == 'success'", set()),
        ("success() && x", {"success()"}),
        ("!failure()", {"needs.*.result"}),
        ("!contains(needs.*.result, 'failure')", {"needs.*.result"}),
        ("!contains(needs.*.result, 'skipped')", set()),
        ("needs.p.outputs.outcome == 'success'", {"needs.p.outputs.outcome"}),
        ("needs.a.result != 'success'", set()),
        ("broken (", set()),
    ],
)
def test_what_a_condition_demands(condition: str, expected: set[str]) -> None:
    assert values.demanded(condition) == expected

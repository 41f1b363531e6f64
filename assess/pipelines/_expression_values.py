"""Which values an expression can have, which contexts reach its result, and when a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

from assess.pipelines._expressions import (
    Call,
    Context,
    Either,
    Expression,
    Literal,
    calls,
    parse,
    places,
    spans,
    walk,
)

MAX_TEXT = 100_000

Given: TypeAlias = Callable[[str], str | Expression | None]
"""What a context (`inputs.name`) stands for, as text that may hold `${{ }}` or a tree; None where it stays."""

_TRUE, _FALSE = Literal("true", "boolean"), Literal("false", "boolean")
_CARRIES = frozenset({"format", "join", "tojson", "fromjson", "[]", "case"})
"""Functions whose result holds what they are given; all others answer yes or no, or a hash."""
_STATUS = frozenset({"always", "cancelled", "failure"})


def outcomes(tree: Expression, resolve: Callable[[Context], frozenset[str] | None]) -> frozenset[str] | None:
    """All texts that an expression may become, given those of its contexts; None where they cannot be told."""
    match tree:
        case Literal(value=value):
            return frozenset({value})
        case Context():
            return resolve(tree)
        case Either(operator="&&", right=right):
            return outcomes(right, resolve)
        case Either(left=left, right=right):
            first, second = outcomes(left, resolve), outcomes(right, resolve)
            return None if first is None or second is None else frozenset(one for one in first if one) | second
        case _:
            return None


def reaching(tree: Expression) -> Iterator[Context]:
    """The contexts whose values can become (part of) the result: `x` of `y && x`, not of `x == 'a'`."""
    match tree:
        case Context():
            yield tree
        case Either(operator="&&", right=right):
            yield from reaching(right)  # the left is the result only where it is empty
        case Either(left=left, right=right):
            yield from reaching(left)
            yield from reaching(right)
        case Call(name="[]", arguments=arguments):
            yield from reaching(arguments[0])
        case Call(name="case", arguments=arguments):
            for at, one in enumerate(arguments):
                if at % 2 or at == len(arguments) - 1:
                    yield from reaching(one)
        case Call(name=name, arguments=arguments) if name in _CARRIES:
            for one in arguments:
                yield from reaching(one)
        case _:
            return


@lru_cache(maxsize=1_024)
def flows(text: str) -> tuple[Context, ...] | None:
    """The contexts whose values can become part of a text with `${{ }}`; None where one was not understood."""
    if "${{" not in text:
        return ()
    found: dict[Context, None] = {}
    understood = True
    for span in spans(text):
        tree = parse(span)
        understood = understood and tree is not None
        found |= dict.fromkeys(reaching(tree)) if tree is not None else {}
    return tuple(found) if understood else None


def substitute(text: str, given: Given) -> str:
    """The text with contexts replaced (`inputs.name` to a text that may hold `${{ }}` itself) and constants folded.

    The text as it was where it is not understood or would grow beyond MAX_TEXT.
    """
    made: list[str] = []
    at = size = 0
    for start, end in places(text):
        tree = parse(text[start + 3 : end - 2])
        folded = _folded(tree, given) if tree is not None else None
        piece = text[start:end] if folded is None or folded == tree else _shown(folded)
        made += (text[at:start], piece)
        size += len(piece) + start - at
        at = end
        if size > MAX_TEXT:
            return text
    return "".join((*made, text[at:]))


def fold_condition(text: str, given: Given) -> str:
    """An `if:` with contexts replaced; the `${{ }}` around it may be absent."""
    if "${{" in text:
        return substitute(text, given)
    folded = substitute("${{" + text + "}}", given)
    return text if folded == "${{" + text + "}}" else folded


def _shown(tree: Expression) -> str:
    return tree.value if isinstance(tree, Literal) else "${{ " + _text(tree) + " }}"


def _text(tree: Expression) -> str:
    """A tree as source text; every operation in brackets."""
    match tree:
        case Literal(kind="string", value=value):
            return "'" + value.replace("'", "''") + "'"
        case Literal(kind="null"):
            return "null"
        case Literal(value=value):
            return value
        case Context(path=path):
            return path[0] + "".join(f".{step}" if _plain(step) else f"['{step}']" for step in path[1:])
        case Either(operator=sign, left=left, right=right):
            return f"({_text(left)} {sign} {_text(right)})"
        case Call(name="!", arguments=(one,)):
            return f"!{_text(one)}"
        case Call(name="[]", arguments=(base, index)):
            return f"{_text(base)}[{_text(index)}]"
        case Call(name=name, arguments=(left, right)) if not name[0].isalpha():
            return f"({_text(left)} {name} {_text(right)})"
        case Call(name=name, arguments=arguments):
            return f"{name}({', '.join(map(_text, arguments))})"


def _plain(step: str) -> bool:
    return step == "*" or step.replace("-", "_").isidentifier()


def _folded(tree: Expression, given: Given) -> Expression:
    match tree:
        case Context():
            return _given(tree, given)
        case Either(operator=sign, left=left, right=right):
            first = _folded(left, given)
            if isinstance(first, Literal):
                return _folded(right, given) if _truth(first) is (sign == "&&") else first
            return Either(sign, first, _folded(right, given))
        case Call(name=name, arguments=arguments):
            return _called(name, tuple(_folded(one, given) for one in arguments))
        case _:
            return tree


def _given(context: Context, given: Given) -> Expression:
    value = given(str(context))
    if value is None:
        return context
    if not isinstance(value, str):
        return value
    inner = places(value)
    if not inner:
        return Literal(value)
    if inner == ((0, len(value)),):
        return parse(value[3:-2]) or context
    parts: list[Expression] = []
    pattern, at = "", 0
    for number, (start, end) in enumerate(inner):
        tree = parse(value[start + 3 : end - 2])
        if tree is None:
            return context
        parts.append(tree)
        pattern += value[at:start].replace("{", "{{").replace("}", "}}") + "{" + str(number) + "}"
        at = end
    pattern += value[at:].replace("{", "{{").replace("}", "}}")
    return Call("format", (Literal(pattern), *parts))


def _called(name: str, arguments: tuple[Expression, ...]) -> Expression:
    literals = [one for one in arguments if isinstance(one, Literal)]
    if len(literals) == len(arguments):
        match name, literals:
            case "!", [one]:
                return _FALSE if _truth(one) else _TRUE
            case "==" | "!=", [one, other] if one.kind == other.kind:
                same = one.value.lower() == other.value.lower()
                return _TRUE if same is (name == "==") else _FALSE
            case "contains", [one, other]:
                return _TRUE if other.value.lower() in one.value.lower() else _FALSE
            case "startswith", [one, other]:
                return _TRUE if one.value.lower().startswith(other.value.lower()) else _FALSE
            case "endswith", [one, other]:
                return _TRUE if one.value.lower().endswith(other.value.lower()) else _FALSE
    return Call(name, arguments)


def _truth(literal: Literal) -> bool:
    match literal.kind:
        case "string":
            return literal.value != ""
        case "number":
            return any(digit in "123456789abcdefABCDEF" for digit in literal.value.removeprefix("0x"))
        case _:
            return literal.value == "true"


def always_true(condition: str) -> bool:
    """The condition holds by mistake: text around a `${{ }}` makes it a string, and a string is true."""
    inner = places(condition)
    return bool(inner) and inner != ((0, len(condition)),)


def regardless(condition: str | None, needs: tuple[str, ...] = ()) -> bool:
    """What has this condition runs although something before it failed or was cancelled.

    `success()`, or the results of all `needs` asked to be `success`, beside `always()` undo that.
    """
    if condition is None or not calls(condition) & _STATUS:
        return False
    asked = demanded(condition)
    if {"success()", "needs.*.result"} & asked:
        return False
    return not all(f"needs.{name.lower()}.result" in asked for name in needs) if needs else not asked


@lru_cache(maxsize=512)
def conjuncts(*conditions: str | None) -> frozenset[str]:
    """The parts that all have to hold for these conditions, each as one text; `${{ }}` around one may be absent."""
    found: set[str] = set()
    todo = [tree for text in conditions if text and (tree := parse(_bare(text))) is not None]
    while todo:
        tree = todo.pop()
        if isinstance(tree, Either) and tree.operator == "&&":
            todo += (tree.left, tree.right)
        else:
            found.add(_text(tree))
    return frozenset(found)


def _bare(condition: str) -> str:
    whole = condition.strip()
    return whole[3:-2] if whole.startswith("${{") and whole.endswith("}}") else whole


@lru_cache(maxsize=512)
def demanded(condition: str) -> frozenset[str]:
    """What must have succeeded for the condition to hold: `needs.build.result`, `needs.*.result`, `success()`."""
    tree = parse((spans(condition) or (condition,))[0])
    found: set[str] = set()
    stack = [] if tree is None else [tree]
    while stack:
        match stack.pop():
            case Either(operator="&&", left=left, right=right):
                stack += (left, right)
            case Call(name="success"):
                found.add("success()")
            case Call(name="==", arguments=(Context() as one, Literal(value="success"))):
                found.add(str(one))
            case Call(name="==", arguments=(Literal(value="success"), Context() as one)):
                found.add(str(one))
            case Call(name="!", arguments=(one,)) if _asks_failure(one):
                found.add("needs.*.result")
            case _:
                pass
    return frozenset(found)


def _asks_failure(tree: Expression) -> bool:
    """`failure()`, `contains(needs.*.result, 'failure')`."""
    return any(
        isinstance(one, Call)
        and (
            one.name == "failure"
            or (one.name == "contains" and one.arguments == (Context(("needs", "*", "result")), Literal("failure")))
        )
        for one in walk(tree)
    )

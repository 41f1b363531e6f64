"""GitHub's `${{ }}` expressions: enough of a lexer and parser to find contexts, calls and possible values.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions. Nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

MAX_LENGTH = 21_000
MAX_TOKENS = 1_000
MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null; `value` is its text."""

    value: str


@dataclass(frozen=True, slots=True)
class Context:
    """`github.event.pull_request.head.sha`, lower case as GitHub compares; an index that is no literal is `*`."""

    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`; operators other than && and || are calls named by their sign."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """`left && right` or `left || right`."""

    operator: str
    left: Expression
    right: Expression


Expression: TypeAlias = Literal | Context | Call | Either

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>[-+]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>&&|\|\||==|!=|<=|>=|[!<>()\[\].,*]))"
)
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_WORDS = frozenset({"true", "false", "null"})


class _NotUnderstoodError(Exception):
    """Not an expression that we understand; never leaves this module."""


_QUOTE_OR_END = re.compile(r"'|\}\}")


def spans(text: str) -> tuple[str, ...]:
    """The insides of all `${{ }}` in a text, in order; strings may hold `}}`."""
    found: list[str] = []
    start = text.find("${{")
    while start >= 0:
        quoted = False
        end = _QUOTE_OR_END.search(text, start + 3)
        while end is not None and (quoted or end.group() == "'"):
            quoted ^= end.group() == "'"
            end = _QUOTE_OR_END.search(text, end.start() + 1)
        if end is None:
            break
        found.append(text[start + 3 : end.start()])
        start = text.find("${{", end.start())
    return tuple(found)


def parse(text: str) -> Expression | None:
    """The tree of an expression (without `${{ }}`); None where it cannot be understood."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        parser = _Parser(_tokens(text))
        tree = parser.either(0)
        parser.expect("")
    except _NotUnderstoodError:
        return None
    return tree


@lru_cache(maxsize=512)
def contexts(text: str) -> tuple[str, ...]:
    """All contexts that the `${{ }}` of a text name (`github.event.inputs.version`); () without any."""
    if "${{" not in text:
        return ()
    found = (parse(span) for span in spans(text))
    return tuple(str(node) for tree in found if tree is not None for node in walk(tree) if isinstance(node, Context))


def walk(tree: Expression) -> Iterator[Expression]:
    """Every node of a tree, left to right."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        match node:
            case Either(left=left, right=right):
                stack += (right, left)
            case Call(arguments=arguments):
                stack += reversed(arguments)
            case Literal() | Context():
                pass


def calls(condition: str) -> frozenset[str]:
    """The functions that an `if:` calls, lower case; the `${{ }}` around it may be absent."""
    inner = spans(condition) or (condition,)
    trees = (parse(one) for one in inner)
    return frozenset(node.name for tree in trees if tree for node in walk(tree) if isinstance(node, Call))


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


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None or len(tokens) > MAX_TOKENS:
            raise _NotUnderstoodError
        tokens.append(match.group().strip())
        at = match.end()
    tokens.append("")
    return tokens


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at]

    def take(self) -> str:
        token = self.tokens[self.at]
        self.at += token != ""
        return token

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise _NotUnderstoodError

    def either(self, depth: int) -> Expression:
        left = self.both(depth)
        while self.peek() == "||":
            self.take()
            left = Either("||", left, self.both(depth))
        return left

    def both(self, depth: int) -> Expression:
        left = self.comparison(depth)
        while self.peek() == "&&":
            self.take()
            left = Either("&&", left, self.comparison(depth))
        return left

    def comparison(self, depth: int) -> Expression:
        left = self.unary(depth)
        while self.peek() in _COMPARISONS:
            sign = self.take()
            left = Call(sign, (left, self.unary(depth)))
        return left

    def unary(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise _NotUnderstoodError
        if self.peek() == "!":
            self.take()
            return Call("!", (self.unary(depth + 1),))
        return self.primary(depth + 1)

    def primary(self, depth: int) -> Expression:
        text = self.take()
        if text == "(":
            inner = self.either(depth)
            self.expect(")")
            return self.index(inner, depth)
        if text.startswith("'"):
            return Literal(text[1:-1].replace("''", "'"))
        if text[:1].isdigit() or text[:1] in {"-", "+"}:
            return Literal(text)
        if not (text[:1].isalpha() or text[:1] == "_"):
            raise _NotUnderstoodError
        name = text.lower()
        if self.peek() == "(":
            return self.index(Call(name, self.arguments(depth)), depth)
        return Literal(name) if name in _WORDS else self.index(Context((name,)), depth)

    def arguments(self, depth: int) -> tuple[Expression, ...]:
        self.expect("(")
        found: list[Expression] = []
        while self.peek() != ")":
            found.append(self.either(depth))
            if self.peek() == ",":
                self.take()
            elif self.peek() != ")":
                raise _NotUnderstoodError
        self.take()
        return tuple(found)

    def index(self, tree: Expression, depth: int) -> Expression:
        """What follows a value: `.name`, `.*`, `[...]`; on a call it hides the value: a call named `[]`."""
        while self.peek() in {".", "["}:
            inner: Expression | None = None
            if self.take() == ".":
                step = self.take().lower()
                if not (step == "*" or step[:1].isalpha() or step[:1] == "_"):
                    raise _NotUnderstoodError
            else:
                inner = Literal("*") if self.peek() == "*" else self.either(depth)
                self.at += self.peek() == "*"
                self.expect("]")
                step = inner.value.lower() if isinstance(inner, Literal) else "*"
            if isinstance(tree, Context):
                tree = Context((*tree.path, step))
            else:
                tree = Call("[]", (tree,) if inner is None else (tree, inner))
        return tree

"""GitHub's `${{ }}` expressions: a lexer and a Pratt parser, and what can be read off the tree. Nothing is evaluated.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions; `_expression_values` says which values
an expression can have, and which of its contexts reach its result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal as Word
from typing import TypeAlias

from assess._frozen import frozen

MAX_LENGTH = 21_000
MAX_TOKENS = 1_000
MAX_DEPTH = 50


@frozen
class Literal:
    """A string, number, boolean or null; `value` is its text."""

    value: str
    kind: Word["string", "number", "boolean", "null"] = "string"


@frozen
class Context:
    """`github.event.pull_request.head.sha`, lower case as GitHub compares; an index that is no literal is `*`."""

    path: tuple[str, ...]
    indices: tuple[Expression, ...] = ()
    """The expressions of its computed indices."""

    def __str__(self) -> str:
        return ".".join(self.path)


@frozen
class Call:
    """`function(arguments)`; operators other than && and || are calls named by their sign, `[]` looks into a value."""

    name: str
    arguments: tuple[Expression, ...]


@frozen
class Either:
    """`left && right` or `left || right`."""

    operator: str
    left: Expression
    right: Expression


Expression: TypeAlias = Literal | Context | Call | Either

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<number>[-+]?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.]))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>&&|\|\||==|!=|<=|>=|[!<>()\[\].,*]))"
)
_POWERS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
"""How strongly an operator binds; `!` binds more, `.` and `[` most."""
_NOT = 5
_WORDS: dict[str, Literal] = {
    "true": Literal("true", "boolean"), "false": Literal("false", "boolean"), "null": Literal("", "null"),
}  # fmt: skip


class _NotUnderstoodError(Exception):
    """Not an expression that we understand; never leaves this module."""


_QUOTE_OR_END = re.compile(r"'|\}\}")


def places(text: str) -> tuple[tuple[int, int], ...]:
    """Where each `${{ }}` of a text begins and ends; strings inside may hold `}}`."""
    found: list[tuple[int, int]] = []
    start = text.find("${{")
    while start >= 0:
        quoted = False
        end = _QUOTE_OR_END.search(text, start + 3)
        while end is not None and (quoted or end.group() == "'"):
            quoted ^= end.group() == "'"
            end = _QUOTE_OR_END.search(text, end.start() + 1)
        if end is None:
            break
        found.append((start, end.end()))
        start = text.find("${{", end.start())
    return tuple(found)


def spans(text: str) -> tuple[str, ...]:
    """The insides of all `${{ }}` in a text, in order."""
    return tuple(text[start + 3 : end - 2] for start, end in places(text))


@lru_cache(maxsize=1_024)
def parse(text: str) -> Expression | None:
    """The tree of an expression (without `${{ }}`); None where it cannot be understood."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        parser = _Parser(_tokens(text))
        tree = parser.expression(0, 0)
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
            case Call(arguments=arguments) | Context(indices=arguments):
                stack += reversed(arguments)
            case Literal():
                pass


@lru_cache(maxsize=512)
def calls(condition: str) -> frozenset[str]:
    """The functions that an `if:` calls, lower case; the `${{ }}` around it may be absent."""
    inner = spans(condition) or (condition,)
    trees = (parse(one) for one in inner)
    return frozenset(node.name for tree in trees if tree for node in walk(tree) if isinstance(node, Call))


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
    """Pratt: an operator takes the expression to its left if it binds more strongly than what stands before that."""

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

    def expression(self, least: int, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise _NotUnderstoodError
        left = self.prefix(depth)
        while (power := _POWERS.get(self.peek(), 0)) > least:
            sign = self.take()
            right = self.expression(power, depth + 1)
            left = Either(sign, left, right) if sign in {"&&", "||"} else Call(sign, (left, right))
        return left

    def prefix(self, depth: int) -> Expression:
        text = self.take()
        if text == "!":
            return Call("!", (self.expression(_NOT, depth + 1),))
        if text == "(":
            inner = self.expression(0, depth + 1)
            self.expect(")")
            return self.postfix(inner, depth)
        if text.startswith("'"):
            return Literal(text[1:-1].replace("''", "'"))
        if text[:1].isdigit() or (text[:1] in {"-", "+", "."} and len(text) > 1):
            return Literal(text, "number")
        if not (text[:1].isalpha() or text[:1] == "_"):
            raise _NotUnderstoodError
        name = text.lower()
        if self.peek() == "(":
            return self.postfix(Call(name, self.arguments(depth)), depth)
        return _WORDS[name] if name in _WORDS else self.postfix(Context((name,)), depth)

    def arguments(self, depth: int) -> tuple[Expression, ...]:
        self.expect("(")
        found: list[Expression] = []
        while self.peek() != ")":
            found.append(self.expression(0, depth + 1))
            if self.peek() == ",":
                self.take()
            elif self.peek() != ")":
                raise _NotUnderstoodError
        self.take()
        return tuple(found)

    def postfix(self, tree: Expression, depth: int) -> Expression:
        """What follows a value: `.name`, `.*`, `[...]`."""
        while self.peek() in {".", "["}:
            inner: Expression | None = None
            if self.take() == ".":
                step = self.take().lower()
                if not (step == "*" or step[:1].isalpha() or step[:1] == "_"):
                    raise _NotUnderstoodError
            else:
                inner = Literal("*") if self.peek() == "*" else self.expression(0, depth + 1)
                self.at += self.peek() == "*"
                self.expect("]")
                step = inner.value.lower() if isinstance(inner, Literal) else "*"
            computed = () if inner is None or isinstance(inner, Literal) else (inner,)
            if isinstance(tree, Context):
                tree = Context((*tree.path, step), (*tree.indices, *computed))
            else:
                tree = Call("[]", (tree, inner or Literal(step)))
        return tree

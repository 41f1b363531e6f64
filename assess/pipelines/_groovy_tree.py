"""The tree that a Groovy text is read into: texts, lists, maps, closures, calls, and what is kept as written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `interpolates` where `${...}` or `$name` in it is filled in by Groovy."""

    text: str
    line: int
    interpolates: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """Any other expression as written, with what stands inside it."""

    text: str
    line: int
    inside: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """A list or a map; entries of a map are `(key, value)`, those of a list `(None, value)`."""

    entries: tuple[tuple[str | None, Expression], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Closure:
    """A block with its statements."""

    statements: tuple[Expression, ...]
    line: int
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """`name(args) { body }`, `name args`, `object.name(...)`; also statements: `if`, `=`, `function`, `@name`."""

    name: str
    line: int
    args: tuple[tuple[str | None, Expression], ...] = ()
    body: Closure | None = None
    object: Expression | None = None
    condition: str = ""

    def named(self, name: str) -> Expression | None:
        """The value of a named argument, also where the arguments are one map."""
        for key, value in self.args:
            if key == name:
                return value
            if key is None and isinstance(value, Items):
                for inner, one in value.entries:
                    if inner == name:
                        return one
        return None

    def first(self) -> Expression | None:
        """The first argument without a name."""
        return next((value for key, value in self.args if key is None), None)


Expression: TypeAlias = Text | Raw | Items | Closure | Call


def shown(made: Expression) -> str:
    """An expression in short, as it may have been written."""
    match made:
        case Text():
            return repr(made.text)
        case Raw():
            return made.text
        case Call():
            before = shown(made.object) if made.object is not None else ""
            return before + made.name + ("" if made.condition == "member" else "(...)")
        case Items():
            return "[...]"
        case Closure():
            return "{...}"


def calls_in(one: Expression | None, bodies: bool = True, depth: int = 0) -> Iterable[Call]:
    """All calls in an expression, itself included."""
    if one is None or depth > 60:
        return
    match one:
        case Call():
            yield one
            if one.object is not None:
                yield from calls_in(one.object, bodies, depth + 1)
            for _, value in one.args:
                yield from calls_in(value, bodies, depth + 1)
            if bodies and one.body is not None:
                yield from calls_in(one.body, bodies, depth + 1)
        case Raw():
            for value in one.inside:
                yield from calls_in(value, bodies, depth + 1)
        case Items():
            for _, value in one.entries:
                yield from calls_in(value, bodies, depth + 1)
        case Closure():
            for value in one.statements if bodies else ():
                yield from calls_in(value, bodies, depth + 1)
        case Text():
            return


def closures_in(one: Expression | None, depth: int = 0) -> Iterable[Closure]:
    """All closures in an expression, itself included."""
    if one is None or depth > 60:
        return
    inside: list[Expression] = []
    match one:
        case Call():
            inside = [value for _, value in one.args]
            inside += [part for part in (one.object, one.body) if part is not None]
        case Raw():
            inside = list(one.inside)
        case Items():
            inside = [value for _, value in one.entries]
        case Closure():
            yield one
            inside = list(one.statements)
        case Text():
            return
    for value in inside:
        yield from closures_in(value, depth + 1)
